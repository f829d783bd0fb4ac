//! Which headers a packet carries, told where they change.

use super::tunnel;
use crate::model::{Step, Tuple};

/// Headers that the reader knows of.
#[derive(Default)]
pub(super) struct Headers {
    tuple: Option<Tuple>,
    outer: Option<Tuple>,
}

impl Headers {
    /// Adds to `words` which headers the packet carries after `step`, where that is news and its tunnel
    /// or translation does not tell it.
    pub(super) fn tell(&mut self, step: &Step, decided: Option<&Step>, words: &mut String) {
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
