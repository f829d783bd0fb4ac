//! Why a hook is not attached.

use super::{
    error::Error,
    plan::{Backend, Method},
};

/// Why a hook is not attached.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// Its function takes other arguments than its programs expect.
    #[error("its arguments are ({actual}) on this kernel, not ({expected})")]
    Arguments {
        /// The structures that the kernel's arguments point to.
        actual: String,
        /// Those that the programs expect.
        expected: String,
    },
    /// The kernel has no BTF for modules, or not for this one.
    #[error("this kernel has no BTF for module {0}")]
    Untyped(&'static str),
    /// Its module is not loaded.
    #[error("module {0} is not loaded")]
    NotLoaded(&'static str),
    /// The kernel has no such function or tracepoint.
    #[error("this kernel has no such function or tracepoint")]
    NoPlace {
        /// Whether the hook stands in for another, whose place the kernel may have.
        stands_in: bool,
    },
    /// The backend attaches only tracepoints.
    #[error("the {0} backend attaches no functions")]
    Backend(Backend),
    /// The limit on the number of hooks is reached.
    #[error("TRACER_HOOKS={0} leaves it out")]
    Limit(usize),
    /// Every method was tried, and each failed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Failed(Vec<Attempt>),
}

impl Reason {
    /// Whether nothing is lost without the hook.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::NotLoaded(_) | Self::NoPlace { stands_in: true })
    }

    /// Whether the kernel did not permit an attempt (`EPERM`).
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Failed(attempts) if attempts.iter().any(|attempt| attempt.error().is_denied()))
    }
}

/// A failed attempt to attach a hook.
#[derive(Debug, thiserror::Error)]
pub enum Attempt {
    /// The programs of a method could not be prepared.
    #[error("{0}")]
    Prepare(Error),
    /// A method failed.
    #[error("{0}: {1}")]
    Attach(Method, Error),
}

impl Attempt {
    fn error(&self) -> &Error {
        match self {
            Self::Prepare(error) | Self::Attach(_, error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_reason_names_each_method_that_failed() {
        let error = io::Error::from_raw_os_error(libc::EPERM);
        let refused = Error::Verifier { error, complaint: "R1 type=scalar".to_owned() };
        let reason = Reason::Failed(vec![
            Attempt::Attach(Method::KprobeMulti, Error::NotTogether),
            Attempt::Attach(Method::Fentry, refused),
        ]);
        assert!(reason.is_denied() && !reason.is_harmless());
        assert_eq!(
            reason.to_string(),
            "kprobe-multi: the verifier rejected its program; \
             fentry: Operation not permitted (os error 1): R1 type=scalar"
        );
    }
}
