//! Exit statuses.

use std::process::{ExitCode, Termination};

use crate::model::{Severity, Trace};

/// How a run ended. The number is the exit status that scripts rely on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Status {
    /// No problem found.
    Clean = 0,
    /// At least one finding of severity `error`.
    Problem = 1,
    /// The run failed.
    Failed = 2,
    /// Nothing matched the filter.
    Nothing = 3,
}

impl Status {
    /// Returns the status of a finished run.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        if trace.findings.iter().any(|finding| finding.severity == Severity::Error) {
            Self::Problem
        } else if trace.steps.is_empty() && trace.summary.packets == 0 {
            Self::Nothing
        } else {
            Self::Clean
        }
    }
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;
    use crate::model::Trace;

    #[test]
    fn a_run_that_saw_nothing_is_told_apart_from_a_clean_one() {
        let mut trace = Trace::default();
        assert_eq!(Status::of(&trace), Status::Nothing);
        trace.summary.packets = 1;
        assert_eq!(Status::of(&trace), Status::Clean);
    }
}
