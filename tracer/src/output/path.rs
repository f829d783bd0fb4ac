//! The path of one packet as rows: steps without news are merged.

use super::{
    change::{self, Course},
    style::clean,
    words::{self, Happening, Tone},
};
use crate::model::{CtState, Step, Trace, Tuple, Verdict};

/// One row: where the packet is, what is believed of it, what happens to it there.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Nanoseconds since boot of the first step in it.
    pub(super) ts: u64,
    /// What the row says, apart from when.
    pub(super) says: Says,
}

/// What a row says. Two packets whose rows say the same took the same path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Says {
    /// Inode number, 0 where it is not known.
    pub(super) netns: u32,
    /// Device, empty where there is none yet.
    pub(super) ifname: String,
    /// Packet mark.
    pub(super) mark: u32,
    /// Conntrack state.
    pub(super) ct: CtState,
    /// What happens, in order.
    pub(super) what: Vec<String>,
    /// The text of the rule behind it.
    pub(super) rule: Option<String>,
    /// How much it matters.
    pub(super) tone: Tone,
}

/// The rows of a packet. With `verbose` each step has its own row and names its function.
pub(super) fn rows(steps: &[&Step], trace: &Trace, verbose: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut decided: Option<&Step> = None;
    let mut headers = Headers::default();
    for (index, step) in steps.iter().enumerate() {
        let next = steps.get(index + 1).copied();
        if !verbose && next.is_some_and(|next| leads_to(step, next)) {
            decided = Some(*step);
            continue;
        }
        let began = decided.filter(|_| step.redirect.is_some()).map_or(step.ts, |step| step.ts);
        let mut says = says(step, decided, rows.last().map(|row| &row.says), trace, verbose);
        headers.tell(step, decided.take(), &mut says.what);
        match rows.last_mut() {
            Some(row) if !verbose && row.says.repeats(&says) => {}
            Some(row) if !verbose && row.says.takes(&says) => row.says.append(says),
            _ => rows.push(Row { ts: began, says }),
        }
    }
    rows
}

/// Whether `step` is a decision, and `next` is what it decides: netfilter's or a program's to drop the
/// packet, or a program's to redirect it.
fn leads_to(step: &Step, next: &Step) -> bool {
    if let Some(bpf) = &step.bpf {
        let same = next.bpf.as_ref().is_none_or(|next| next.id == bpf.id);
        let whole = step.drop.is_none() && step.redirect.is_none() && same && next.nat.is_none();
        return whole
            && match change::course(bpf) {
                Course::Redirected => next.redirect.is_some(),
                Course::Dropped => next.drop.is_some() && next.netfilter.is_none(),
                Course::Passes | Course::Other => false,
            };
    }
    let decides = step.netfilter.as_ref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Drop));
    let drops = next.drop.as_ref().is_some_and(|drop| drop.reason == "NETFILTER_DROP");
    decides && drops && (next.netfilter.is_none() || next.netfilter == step.netfilter)
}

/// Headers that the reader knows of.
#[derive(Default)]
struct Headers {
    tuple: Option<Tuple>,
    outer: Option<Tuple>,
}

impl Headers {
    /// Adds to `what` which headers the packet carries, where that is news and nothing else tells it.
    fn tell(&mut self, step: &Step, decided: Option<&Step>, what: &mut [String]) {
        let Some(words) = what.last_mut() else { return };
        let tunnel = step.tunnel.as_ref();
        let wrapped = tunnel.filter(|tunnel| tunnel.enters).and_then(|tunnel| tunnel.outer.or(step.outer));
        if tunnel.is_some_and(|tunnel| !tunnel.enters) {
            self.outer = None;
        }
        match wrapped.or(step.outer) {
            Some(outer) if self.outer != Some(outer) => {
                self.outer = Some(outer);
                if wrapped.is_none() {
                    words.push_str(&format!(" as {}", change::outer(outer)));
                }
            }
            _ => {}
        }
        let translated = step.nat.is_some() || decided.is_some_and(|step| step.nat.is_some());
        if self.tuple.is_some_and(|tuple| tuple != step.tuple) && !translated {
            words.push_str(&format!(", now {}", step.tuple));
        }
        self.tuple = Some(step.tuple);
    }
}

/// What is not known at a step is as it was before.
fn says(step: &Step, decided: Option<&Step>, before: Option<&Says>, trace: &Trace, verbose: bool) -> Says {
    let Happening { words, rule, tone } = words::happening(step, decided, trace, verbose);
    let what = match (&step.drop, verbose) {
        (_, false) => words,
        (Some(drop), true) => format!("{words} ({} at {})", clean(&step.hook), clean(&drop.location)),
        (None, true) => format!("{words} ({})", clean(&step.hook)),
    };
    // A redirect may already be on its target, where the packet is not yet when the program runs.
    let at = decided.filter(|step| step.bpf.is_some() && !step.ifname.is_empty()).unwrap_or(step);
    Says {
        netns: if step.netns == 0 { before.map_or(0, |row| row.netns) } else { step.netns },
        ifname: clean(&at.ifname).into_owned(),
        mark: step.mark,
        ct: step.ct.as_ref().map_or_else(|| before.map_or(CtState::None, |row| row.ct), |ct| ct.state),
        what: vec![what],
        rule,
        tone,
    }
}

impl Says {
    /// Whether `next` says the same again: several functions that one event passes.
    fn repeats(&self, next: &Self) -> bool {
        self == next && self.tone == Tone::Notable
    }

    /// Whether `next` brings nothing new but its words.
    fn takes(&self, next: &Self) -> bool {
        let state = |says: &Self| (says.netns, says.mark, says.ct, says.tone == Tone::Quiet);
        self.ifname == next.ifname && state(self) == state(next) && self.tone == Tone::Quiet
    }

    /// A netfilter hook and each of its chains say the same: once is enough.
    fn append(&mut self, next: Self) {
        let known = |words: &String| words.starts_with("netfilter ") && self.what.contains(words);
        let news: Vec<_> = next.what.into_iter().filter(|words| !known(words)).collect();
        self.what.extend(news);
    }
}
