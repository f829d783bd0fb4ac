//! Reports a packet's headers when they change.

use super::tunnel;
use crate::model::{Step, Tuple};

/// The headers that the report has shown so far.
#[derive(Default)]
pub(super) struct Headers {
    tuple: Option<Tuple>,
    outer: Option<Tuple>,
}

impl Headers {
    /// Appends the packet's headers after `step` to `words` if they are new, and no tunnel or translation at the step
    /// names them.
    pub(super) fn append(&mut self, step: &Step, decided: Option<&Step>, words: &mut String) {
        let crossed = step.tunnel.as_ref();
        let leaves = crossed.is_some_and(|tunnel| !tunnel.enters);
        let wrapped = crossed.filter(|tunnel| tunnel.enters).and_then(|tunnel| tunnel.outer.or(step.outer));
        if leaves {
            self.outer = None;
        }
        if let Some(outer) = wrapped.or(step.outer)
            && self.outer != Some(outer)
        {
            self.outer = Some(outer);
            let news = if leaves { ", still in" } else { " as" };
            if wrapped.is_none() {
                words.push_str(&format!("{news} {}", tunnel::outer(outer)));
            }
        }
        let translated = step.nat.is_some() || decided.is_some_and(|step| step.nat.is_some());
        if self.tuple.is_some_and(|tuple| tuple != step.tuple) && !translated {
            words.push_str(&format!(", now {}", step.tuple));
        }
        self.tuple = Some(step.tuple);
    }
}
