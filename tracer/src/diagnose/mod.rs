//! Derives findings, and then verdicts, from a capture. The detectors are listed in a table; each cites its evidence or does
//! not fire.
//!
//! Invariant: no I/O, no clock. A finding follows from the capture alone, so that a replay gives the same findings.

mod asymmetric_reply;
mod chains;
mod down_device;
mod drops;
mod earned;
mod expected;
mod facts;
mod finding;
mod firewall;
mod path_mtu;
mod pending;
mod tunnel_mtu;
mod unreversed_reply;
mod untracked_reply;
mod verdict;
mod wireguard;

use crate::model::{Finding, Trace};
use facts::Facts;
pub use verdict::{OpenEnd, OpenEnds, open_ends, verdicts};

/// A rule: derives findings from the facts of a capture.
type Detector = fn(&Facts<'_>) -> Vec<Finding>;

/// Detectors of a packet's whole path. [`drops`] has those of its end alone. `docs/findings.md` describes
/// each finding by its id.
const DETECTORS: &[Detector] = &[
    untracked_reply::find,
    unreversed_reply::find,
    asymmetric_reply::find,
    wireguard::no_peer,
    wireguard::source_refused,
    tunnel_mtu::find,
    down_device::find,
];

/// Returns the findings of all detectors, gravest first.
#[must_use]
pub fn diagnose(trace: &Trace) -> Vec<Finding> {
    let facts = Facts::of(trace);
    let mut findings: Vec<Finding> = DETECTORS.iter().flat_map(|detector| detector(&facts)).collect();
    let about_drops = drops::find(&facts, &findings);
    findings.extend(about_drops);
    let unanswered = pending::find(trace, &facts, &findings);
    findings.extend(unanswered);
    earned::check(trace, &mut findings);
    findings.sort_by_key(|finding| finding.severity);
    findings
}
