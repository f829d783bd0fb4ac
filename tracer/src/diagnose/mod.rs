//! Facts to findings. Rules read like a table; each cites its evidence or does not fire.
//!
//! Invariant: no I/O, no clock: a finding follows from the capture alone, so that a replay finds
//! the same.

mod facts;
mod untracked_reply;

use crate::model::{Finding, Trace};
use facts::Facts;

/// A rule: from the facts of a capture to the findings of one id.
type Rule = fn(&Facts<'_>) -> Vec<Finding>;

/// All rules, by the id of their findings; `docs/findings.md` tells each.
const RULES: &[(&str, Rule)] = &[("untracked-reply-dropped", untracked_reply::find)];

/// Everything that the rules find, gravest first.
#[must_use]
pub fn diagnose(trace: &Trace) -> Vec<Finding> {
    let facts = Facts::of(trace);
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|(_, rule)| rule(&facts)).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}
