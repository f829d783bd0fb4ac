//! Why something could not be loaded or attached.

use std::{io, sync::Arc};

use aya::maps::MapError;
/// Why a probe, a hook or a program could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object does not fit, which is a defect of the build.
    #[error("the eBPF object is unusable: {}", chain(.0.as_ref()))]
    Object(Box<dyn std::error::Error + Send + Sync>),
    /// The object lacks a program.
    #[error("the object has no program {0}")]
    NoProgram(String),
    /// The object lacks the code of a program.
    #[error("the object has no code for {0}")]
    NoCode(String),
    /// The object lacks the map of counters.
    #[error("the eBPF object has no counters")]
    NoCounters,
    /// Aya cannot read the counters.
    #[error("the counters cannot be read: {0}")]
    Counters(MapError),
    /// The number of CPUs is unknown.
    #[error("{0}: {1}")]
    Cpus(&'static str, io::Error),
    /// A descriptor of a map could not be duplicated for another object.
    #[error("the maps cannot be shared: {0}")]
    ShareMaps(io::Error),
    /// A descriptor of a map could not be duplicated for this object.
    #[error("the maps cannot be held: {0}")]
    HoldMaps(io::Error),
    /// A map could not be created.
    #[error("the maps could not be created: {name}: {}", chain(.error))]
    CreateMap {
        /// Its name.
        name: String,
        /// The reason.
        error: MapError,
    },
    /// A map that was created could not be filled or frozen.
    #[error("the maps could not be created: {name}: {error}")]
    FillMap {
        /// Its name.
        name: String,
        /// The reason.
        error: io::Error,
    },
    /// The kernel's BTF lacks the function or tracepoint.
    #[error("it is not in the kernel's BTF")]
    NotInBtf,
    /// The hook is not at a function.
    #[error("not a function")]
    NotAFunction,
    /// A BPF program has no types that a tracing program could be verified against.
    #[error("it was loaded without BTF, which tracing requires")]
    ProgramWithoutBtf,
    /// The BTF of a module could not be opened.
    #[error("BTF of module {module}: {error}")]
    ModuleBtf {
        /// Its name.
        module: &'static str,
        /// The reason.
        error: io::Error,
    },
    /// The kernel refused to load a program, and said why.
    #[error("{error}: {complaint}")]
    Verifier {
        /// The kernel's error.
        error: io::Error,
        /// The verifier's last line.
        complaint: String,
    },
    /// The kernel refused to load or attach something.
    #[error("{0}")]
    Kernel(#[from] io::Error),
    /// The hook's own program could not join those that share one `kprobe.multi`.
    #[error("the verifier rejected its program")]
    NotTogether,
    /// No hook could be attached by `kprobe.multi`.
    #[error("{0}")]
    Together(Arc<Error>),
    /// Nothing could be attached, because the kernel permits none of it.
    #[error(
        "the kernel refuses BPF programs here: run tracer as root with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN \
         (in a pod: securityContext.privileged: true)"
    )]
    Denied,
    /// Nothing could be attached, for any other reason: that of the first hook.
    #[error("no hook could be attached ({0}): try `tracer check`, or another --backend")]
    NothingAttached(String),
}

impl Error {
    /// Whether the kernel does not permit it (`EPERM`).
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Cpus(_, error)
            | Self::ShareMaps(error)
            | Self::HoldMaps(error)
            | Self::FillMap { error, .. }
            | Self::ModuleBtf { error, .. }
            | Self::Verifier { error, .. }
            | Self::Kernel(error) => is_eperm(error),
            Self::Counters(MapError::SyscallError(call))
            | Self::CreateMap { error: MapError::SyscallError(call), .. } => is_eperm(&call.io_error),
            Self::CreateMap { error: MapError::CreateError { io_error, .. }, .. } => is_eperm(io_error),
            Self::Together(error) => error.is_denied(),
            Self::Denied => true,
            Self::Object(_)
            | Self::NoProgram(_)
            | Self::NoCode(_)
            | Self::NoCounters
            | Self::Counters(_)
            | Self::CreateMap { .. }
            | Self::NotInBtf
            | Self::NotAFunction
            | Self::ProgramWithoutBtf
            | Self::NotTogether
            | Self::NothingAttached(_) => false,
        }
    }
}

fn is_eperm(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EPERM)
}

/// Formats an error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errno: i32) -> Error {
        Error::Verifier { error: io::Error::from_raw_os_error(errno), complaint: "R1 type=scalar".to_owned() }
    }

    #[test]
    fn only_eperm_is_a_denial() {
        assert!(refused(libc::EPERM).is_denied());
        assert!(Error::Together(Arc::new(io::Error::from_raw_os_error(libc::EPERM).into())).is_denied());
        assert!(!refused(libc::EACCES).is_denied());
        assert!(!Error::NotTogether.is_denied());
    }
}
