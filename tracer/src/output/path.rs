//! The path of one packet as rows: steps without news are merged.

use super::{
    style::clean,
    words::{self, Happening, Tone},
};
use crate::model::{CtState, Step, Verdict};

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
pub(super) fn rows(steps: &[&Step], verbose: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut decided = None;
    for (index, step) in steps.iter().enumerate() {
        let next = steps.get(index + 1).copied();
        if !verbose && next.is_some_and(|next| leads_to(step, next)) {
            decided = Some(*step);
            continue;
        }
        let says = says(step, decided.take(), rows.last().map(|row| &row.says), verbose);
        match rows.last_mut() {
            Some(row) if !verbose && row.says.takes(&says) => row.says.append(says),
            _ => rows.push(Row { ts: step.ts, says }),
        }
    }
    rows
}

/// Whether netfilter decides at `step` to drop, and `next` is that drop.
fn leads_to(step: &Step, next: &Step) -> bool {
    let decides = step.netfilter.as_ref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Drop));
    let drops = next.drop.as_ref().is_some_and(|drop| drop.reason == "NETFILTER_DROP");
    decides && drops && (next.netfilter.is_none() || next.netfilter == step.netfilter)
}

/// What is not known at a step is as it was before.
fn says(step: &Step, decided: Option<&Step>, before: Option<&Says>, verbose: bool) -> Says {
    let Happening { words, rule, tone } = words::happening(step, decided, verbose);
    let what = match (&step.drop, verbose) {
        (_, false) => words,
        (Some(drop), true) => format!("{words} ({} at {})", clean(&step.hook), clean(&drop.location)),
        (None, true) => format!("{words} ({})", clean(&step.hook)),
    };
    Says {
        netns: if step.netns == 0 { before.map_or(0, |row| row.netns) } else { step.netns },
        ifname: clean(&step.ifname).into_owned(),
        mark: step.mark,
        ct: step.ct.as_ref().map_or_else(|| before.map_or(CtState::None, |row| row.ct), |ct| ct.state),
        what: vec![what],
        rule,
        tone,
    }
}

impl Says {
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
