//! The verdict of each flow of a trace that reports passing packets.

mod fate;
mod seen;
mod words;

use std::collections::HashSet;

use super::firewall::on_device;
use crate::{
    fast::Map,
    model::{Direction, Finding, Flow, FlowVerdict, Packets, Pending, Step, Trace},
};
use fate::Packet;
pub use fate::{Fate, Queue};
pub use seen::PATIENCE;
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
    // A finding knows better where it happened than the step does.
    let place =
        || findings.iter().find(|finding| finding.packets.contains(&ended.step.packet)).map(|f| f.r#where.clone());
    let place = ended.place.clone().or_else(place).unwrap_or_else(|| on_device(ended.step));
    Flow {
        flow: seen.flow,
        tuple: seen.tuple,
        verdict: ended.verdict,
        since: ended.step.ts,
        title: ended.title,
        r#where: place,
        packets: Packets { orig: count(Direction::Orig), reply: count(Direction::Reply) },
        findings: ids,
    }
}

/// The packets of a flow that ended alike, and were not answered.
pub struct Unanswered<'a> {
    /// How they ended: delivered, left or held.
    pub fate: Fate,
    /// Whether the flow was answered before. Then these were delivered, and are in the kernel since.
    pub answered: bool,
    /// The steps at which they were seen last, in order of time; at least one.
    pub steps: Vec<&'a Step>,
    /// What was looked up about the flow at the end of the trace.
    pub pending: Option<&'a Pending>,
    /// When the trace ended, in nanoseconds since boot.
    pub until: u64,
}

/// Returns what was not answered, at most one for each flow, after these findings. None if the filter may miss answers,
/// except for what is held: that needs no answer to be missed.
pub fn unanswered<'a>(trace: &'a Trace, findings: &[Finding]) -> Vec<Unanswered<'a>> {
    if trace.start.drops {
        return Vec::new();
    }
    let findings = by_flow(findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    let until = words::end(trace);
    let unanswered = |seen: &Seen<'a>| {
        let ended = seen.ended(trace, about(seen.flow));
        let alike = |wanted: &dyn Fn(&Packet<'a>) -> bool| -> Vec<_> {
            let packets = seen.in_direction(ended.step.direction).filter(|packet| wanted(packet));
            packets.map(Packet::fate).collect()
        };
        let pending = seen.pending();
        let ends = match ended.verdict {
            // Without a look-up, it is not known whether the packet is still there.
            FlowVerdict::Held => alike(&|packet| pending.is_some() && matches!(packet.fate().0, Fate::Held(_))),
            FlowVerdict::Answered => seen.delivered_in_kernel(),
            FlowVerdict::Delivered | FlowVerdict::Left if trace.start.misses_answers => Vec::new(),
            FlowVerdict::Delivered => alike(&|packet| pending.is_some() && packet.fate().0 == Fate::Delivered),
            FlowVerdict::Left => alike(&|packet| packet.fate().0 == Fate::Left),
            _ => Vec::new(),
        };
        let &(fate, _) = ends.first()?;
        let steps = ends.into_iter().map(|(_, step)| step).collect();
        Some(Unanswered { fate, answered: ended.verdict == FlowVerdict::Answered, steps, pending, until })
    };
    seen(trace).iter().filter_map(unanswered).collect()
}

/// Flows without an end.
pub struct OpenEnds<'a> {
    /// For each, the step at which a packet was seen last, which the node is to be asked about.
    pub ends: Vec<OpenEnd<'a>>,
    /// How many more there are.
    pub skipped: usize,
}

/// A flow without an end.
pub struct OpenEnd<'a> {
    /// The step at which a packet was seen last.
    pub step: &'a Step,
    /// Ids of the flow's packets that are in the kernel.
    pub in_kernel: Vec<u64>,
}

/// Maximum number of flows that the node is asked about at the end. Each takes a few milliseconds.
const OPEN_ENDS: usize = 32;

/// Returns the flows that the node is to be asked about: those without an answer, and those of which a packet has been
/// in the kernel for a while. `in_kernel` are the ids of packets that are in the kernel now, at `ts` in nanoseconds
/// since boot. None if only drops are reported.
#[must_use]
pub fn open_ends<'a>(trace: &'a Trace, in_kernel: &HashSet<u64>, ts: u64) -> OpenEnds<'a> {
    if trace.start.drops {
        return OpenEnds { ends: Vec::new(), skipped: 0 };
    }
    let findings = by_flow(&trace.findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    let open = |seen: &Seen<'a>| {
        let ended = seen.ended(trace, about(seen.flow));
        let waits = seen.last_in_kernel(in_kernel);
        let step = match ended.verdict {
            FlowVerdict::Delivered | FlowVerdict::Left | FlowVerdict::Held => waits.or(Some(ended.step)),
            FlowVerdict::Unknown => waits,
            _ => waits.filter(|step| ts.saturating_sub(step.ts) >= PATIENCE),
        }?;
        let in_kernel = seen.ids().filter(|packet| in_kernel.contains(packet)).collect();
        Some(OpenEnd { step, in_kernel })
    };
    let mut ends: Vec<_> = seen(trace).iter().filter_map(open).collect();
    let skipped = ends.len().saturating_sub(OPEN_ENDS);
    ends.truncate(OPEN_ENDS);
    OpenEnds { ends, skipped }
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
