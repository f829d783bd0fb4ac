//! Why a trace fails.

use std::{error, fmt};

use crate::output::SinkError;

/// Why a trace cannot be started, or ended early. Each is one sentence that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// This process may not trace the kernel.
    Privileges(String),
    /// The network namespace or the device of the filter does not exist, or no packet can match it.
    Filter(String),
    /// This kernel lacks what tracing needs, or refuses it.
    Kernel(String),
    /// This process cannot run the trace.
    Process(String),
    /// The sink failed.
    Sink(SinkError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privileges(sentence) | Self::Filter(sentence) | Self::Kernel(sentence) | Self::Process(sentence) => {
                f.write_str(sentence)
            }
            Self::Sink(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            // The message is the sink's own.
            Self::Sink(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SinkError> for Error {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}
