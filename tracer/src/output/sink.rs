//! The outputs of a run. Each takes records as they come, and the whole trace at the end.

use std::{
    error::Error,
    ops::ControlFlow::{self, Continue},
    path::Path,
};

use super::{capture::CaptureFile, json::JsonOnStdout, text::TextReport};
use crate::{
    cli::{Format, View},
    marks::Marks,
    model::{Record, Trace},
};

/// Why a sink fails: one sentence.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// One output. `Break` means that its reader has closed the pipe, or wants no more, and that the run should end
/// quietly. An error ends the run at once.
pub trait Sink {
    /// Takes the next record, findings and summary included.
    ///
    /// # Errors
    /// Fails if the record cannot be written.
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, SinkError>;

    /// Flushes what was put. Called whenever no further record is waiting.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::put`].
    fn flush(&mut self) -> Result<ControlFlow<()>, SinkError> {
        Ok(Continue(()))
    }

    /// Learns that every hook is attached: packets that are sent from now on are traced.
    ///
    /// # Errors
    /// Fails if this cannot be passed on.
    fn ready(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Whether the run should end although no record comes: its reader has closed the pipe, or wants no more. Asked
    /// several times a second.
    fn abandoned(&self) -> bool {
        false
    }

    /// Takes the whole trace at the end. `tracer report` puts only the start, findings and summary before.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::put`].
    fn end(&mut self, _trace: &Trace) -> Result<ControlFlow<()>, SinkError> {
        Ok(Continue(()))
    }
}

/// Creates the output on stdout.
pub fn on_stdout(view: &View, marks: Marks) -> Box<dyn Sink> {
    match view.format {
        Format::Text => Box::new(TextReport::new(view, marks)),
        Format::Json => Box::new(JsonOnStdout::default()),
    }
}

/// Creates the capture file that is written in addition.
///
/// # Errors
/// Returns one sentence if the file cannot be created.
pub fn capture_file(path: &Path) -> Result<Box<dyn Sink>, String> {
    Ok(Box::new(CaptureFile::create(path)?))
}
