//! The verdict of each flow of a trace that reports passing packets.

mod fate;
mod seen;
mod words;

use super::firewall::on_device;
use crate::{
    fast::Map,
    model::{Direction, Finding, Flow, FlowVerdict, Packets, Step, Trace},
};
use fate::{Fate, Packet};
pub use seen::NO_ANSWER;
use seen::{Seen, seen};

/// Returns the verdict of each flow, in the order they were first seen. None if only drops are reported: the absence
/// of an answer would prove nothing.
///
/// The trace must have its findings and its summary.
#[must_use]
pub fn verdicts(trace: &Trace) -> Vec<Flow> {
    if trace.start.drops {
        return Vec::new();
    }
    let findings = by_flow(&trace.findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    seen(trace).iter().map(|seen| flow(seen, trace, about(seen.flow))).collect()
}

fn flow(seen: &Seen<'_>, trace: &Trace, findings: &[&Finding]) -> Flow {
    let ended = seen.ended(trace, findings);
    let count = |direction| seen.in_direction(direction).count() as u64;
    let mut ids: Vec<String> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.id) {
            ids.push(finding.id.clone());
        }
    }
    Flow {
        flow: seen.flow,
        tuple: seen.tuple,
        verdict: ended.verdict,
        since: ended.step.ts,
        title: ended.title,
        r#where: ended.place.unwrap_or_else(|| on_device(ended.step)),
        packets: Packets { orig: count(Direction::Orig), reply: count(Direction::Reply) },
        findings: ids,
    }
}

/// The packets of a flow that left the node and were not answered.
pub struct Unanswered<'a> {
    /// The steps at which they left, in order of time; at least one.
    pub left: Vec<&'a Step>,
    /// When the trace ended, in nanoseconds since boot.
    pub until: u64,
}

/// Returns what left unanswered, one for each flow whose verdict is `left` after these findings. None if the filter may
/// miss answers.
pub fn left_unanswered<'a>(trace: &'a Trace, findings: &[Finding]) -> Vec<Unanswered<'a>> {
    if trace.start.drops || trace.start.misses_answers {
        return Vec::new();
    }
    let findings = by_flow(findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    let until = words::end(trace);
    let unanswered = |seen: &Seen<'a>| {
        let ended = seen.ended(trace, about(seen.flow));
        let fates = seen.in_direction(ended.step.direction).map(Packet::fate);
        let left = fates.filter(|(fate, _)| *fate == Fate::Left).map(|(_, step)| step).collect();
        (ended.verdict == FlowVerdict::Left).then_some(Unanswered { left, until })
    };
    seen(trace).iter().filter_map(unanswered).collect()
}

fn by_flow(findings: &[Finding]) -> Map<u64, Vec<&Finding>> {
    let mut by_flow: Map<u64, Vec<&Finding>> = Map::default();
    for finding in findings {
        by_flow.entry(finding.flow).or_default().push(finding);
    }
    by_flow
}

#[cfg(test)]
mod tests;
