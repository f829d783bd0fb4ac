//! The path of one packet as rows. Steps without news are merged.

use super::{
    headers::Headers,
    node,
    program::{self, Decision},
    style::clean,
    tone::Tone,
    words::{self, Happening},
};
use crate::model::{CtState, Step, Trace, Verdict};

/// One row: where the packet is, its mark and conntrack state, and what happens to it there.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Time of the row's first step, in nanoseconds since boot.
    pub(super) ts: u64,
    /// What the row says, apart from the time.
    pub(super) says: Says,
}

/// What a row says. Two packets whose rows say the same took the same path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Says {
    /// Inode number of the netns; 0 if unknown.
    pub(super) netns: u32,
    /// Device name; empty if there is no device yet.
    pub(super) ifname: String,
    /// Packet mark.
    pub(super) mark: u32,
    /// Conntrack state.
    pub(super) ct: CtState,
    /// What happens, in order.
    pub(super) what: Vec<String>,
    /// Text of the rule that decided.
    pub(super) rule: Option<String>,
    /// The node's facts about a drop; only with `verbose`.
    pub(super) facts: Vec<String>,
    /// How much it matters.
    pub(super) tone: Tone,
}

/// Returns the rows of a packet. With `verbose`, each step has its own row and names its function.
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
        for says in says(step, decided.take(), rows.last().map(|row| &row.says), &mut headers, trace, verbose) {
            match rows.last_mut() {
                Some(row) if !verbose && row.says.repeats(&says) => {}
                Some(row) if !verbose && row.says.takes(&says) => row.says.append(says),
                _ => rows.push(Row { ts: began, says }),
            }
        }
    }
    rows
}

/// Whether `step` is a decision that `next` carries out: netfilter or a program drops the packet, or a program
/// redirects it.
fn leads_to(step: &Step, next: &Step) -> bool {
    if let Some(bpf) = &step.bpf {
        let same = next.bpf.as_ref().is_none_or(|next| next.id == bpf.id);
        let whole = step.drop.is_none() && step.redirect.is_none() && same && next.nat.is_none();
        return whole
            && match program::decision(bpf) {
                Decision::Redirected => next.redirect.is_some(),
                Decision::Dropped => next.drop.is_some() && next.netfilter.is_none(),
                Decision::Passes | Decision::Other => false,
            };
    }
    let decides = step.netfilter.as_ref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Drop));
    let drops = next.drop.as_ref().is_some_and(|drop| drop.reason == "NETFILTER_DROP");
    decides && drops && (next.netfilter.is_none() || next.netfilter == step.netfilter)
}

/// Returns what a step says: what changed there, then where the packet is. With `verbose`, both share a row. Otherwise
/// they are two rows, and the second may be merged with the next ones. A netns or conntrack state that is unknown at
/// the step is taken from `before`.
fn says(
    step: &Step,
    decided: Option<&Step>,
    before: Option<&Says>,
    headers: &mut Headers,
    trace: &Trace,
    verbose: bool,
) -> Vec<Says> {
    let Happening { mut words, mut then, rule, tone } = words::happening(step, decided, trace, verbose);
    headers.append(step, decided, then.as_mut().unwrap_or(&mut words));
    if verbose {
        let at = step.drop.as_ref().map(|drop| format!(" at {}", clean(&drop.location))).unwrap_or_default();
        let then = then.take().map(|then| format!(", {then}")).unwrap_or_default();
        words = format!("{words}{then} ({}{at})", clean(&step.hook));
    }
    // The redirect's step may already name the target device, but the packet is still on the program's own device.
    let at = decided.filter(|step| step.bpf.is_some() && !step.ifname.is_empty()).unwrap_or(step);
    let first = Says {
        netns: if step.netns == 0 { before.map_or(0, |row| row.netns) } else { step.netns },
        ifname: clean(&at.ifname).into_owned(),
        mark: step.mark,
        ct: step.ct.as_ref().map_or_else(|| before.map_or(CtState::None, |row| row.ct), |ct| ct.state),
        what: vec![words],
        rule,
        facts: if verbose { step.node.iter().map(node::line).collect() } else { Vec::new() },
        tone,
    };
    let then =
        then.map(|words| Says { what: vec![words], rule: None, facts: Vec::new(), tone: Tone::Quiet, ..first.clone() });
    std::iter::once(first).chain(then).collect()
}

impl Says {
    /// Whether `next` says the same again, because one event passes several functions.
    fn repeats(&self, next: &Self) -> bool {
        self == next && self.tone == Tone::Notable
    }

    /// Whether `next` adds nothing but words, so that both fit in one row.
    fn takes(&self, next: &Self) -> bool {
        let state = |says: &Self| (says.netns, says.mark, says.ct, says.tone == Tone::Quiet);
        self.ifname == next.ifname && state(self) == state(next) && self.tone == Tone::Quiet
    }

    /// Appends the words of `next`. A netfilter hook and each of its chains say the same, so they appear once.
    fn append(&mut self, next: Self) {
        let known = |words: &String| words.starts_with("netfilter ") && self.what.contains(words);
        let news: Vec<_> = next.what.into_iter().filter(|words| !known(words)).collect();
        self.what.extend(news);
    }
}

#[cfg(test)]
mod tests;
