//! Facts to findings. Rules read like a table; each cites its evidence or does not fire.
//!
//! Invariant: no I/O, no clock: a finding follows from the capture alone, so that a replay finds
//! the same.

mod asymmetric_reply;
mod chains;
mod down_device;
mod drops;
mod facts;
mod finding;
mod firewall;
mod path_mtu;
mod tunnel_mtu;
mod unreversed_reply;
mod untracked_reply;
mod wireguard;

use crate::model::{Finding, Trace};
use facts::Facts;

/// A rule: from the facts of a capture to its findings.
type Rule = fn(&Facts<'_>) -> Vec<Finding>;

/// Rules about a packet's story; [`drops`] has those about its end alone; `docs/findings.md` tells each by the id of its findings.
const RULES: &[Rule] = &[
    untracked_reply::find,
    unreversed_reply::find,
    asymmetric_reply::find,
    wireguard::no_peer,
    wireguard::source_refused,
    tunnel_mtu::find,
    down_device::find,
];

/// Everything that the rules find, gravest first.
#[must_use]
pub fn diagnose(trace: &Trace) -> Vec<Finding> {
    let facts = Facts::of(trace);
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&facts)).collect();
    let about_drops = drops::find(&facts, &findings);
    findings.extend(about_drops);
    findings.sort_by_key(|finding| finding.severity);
    findings
}
