//! Builds the last line of a trace: what was seen, and what was covered.

use std::collections::HashMap;

use crate::{
    history::drop_counts::DropCounts,
    model::{DropCount, Finding, Hooks, Lost, Start, Step, Summary, Trace},
};

/// Numbers counted while the trace ran.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
    /// Records from the kernel side.
    pub events: u64,
    /// Losses.
    pub lost: Lost,
    /// Nanoseconds from the first line to the end.
    pub duration_ns: u64,
}

/// Returns the last line of a trace. `evicted` are drops that the trace no longer contains.
pub fn summary(trace: &Trace, counted: Counted, evicted: Vec<DropCount>) -> Summary {
    let Counted { packets, flows, events, lost, duration_ns } = counted;
    Summary {
        packets,
        flows,
        drops: drops(trace, evicted),
        events,
        lost,
        coverage: coverage(&trace.start),
        duration_ns,
    }
}

/// Counts the drops by kind, most packets first.
fn drops(trace: &Trace, evicted: Vec<DropCount>) -> Vec<DropCount> {
    let mut findings: HashMap<u64, Vec<&Finding>> = HashMap::new();
    for finding in &trace.findings {
        for packet in &finding.packets {
            findings.entry(*packet).or_default().push(finding);
        }
    }
    let mut counts = DropCounts::new(trace.start.drops);
    for step in &trace.steps {
        let about = findings.get(&step.packet).map_or(&[][..], Vec::as_slice);
        counts.add(step, cause(step, about).map(|finding| finding.id.as_str()));
    }
    evicted.into_iter().for_each(|count| counts.add_count(count));
    counts.worst_first()
}

/// Returns the finding that fits a drop best, of those about its packet. Copies of a packet share its id, and each may
/// be dropped elsewhere for a reason of its own.
fn cause<'a>(step: &Step, about: &[&'a Finding]) -> Option<&'a Finding> {
    let drop = step.drop.as_ref()?;
    let fits = |finding: &Finding| {
        let place = &finding.r#where;
        let same = (place.netns == Some(step.netns), place.ifname.as_ref().is_some_and(|name| *name == step.ifname));
        (finding.reason == drop.reason, same)
    };
    // The first of those that fit alike is the gravest.
    about.iter().rev().copied().max_by_key(|finding| fits(finding))
}

/// Describes what "no drop seen" would mean for this trace.
fn coverage(start: &Start) -> String {
    let Hooks { asked, attached, failed } = &start.hooks;
    let packets =
        if start.filter.is_empty() { "All packets".to_owned() } else { format!("Packets of {}", start.filter) };
    let blind: Vec<&str> = failed.iter().filter(|hook| !hook.harmless).map(|hook| hook.hook.as_str()).collect();
    let absent = failed.len() - blind.len();
    let programs = match start.programs {
        0 => String::new(),
        1 => " and in 1 BPF program".to_owned(),
        count => format!(" and in {count} BPF programs"),
    };
    let mut text = format!(
        "{packets} were followed from the first hook to their end, at {attached} of {asked} hooks{programs}. Drops \
         anywhere in the kernel are reported, except drops in hardware and silent frees in drivers."
    );
    if !start.joined.is_empty() {
        let modules: Vec<_> = start.joined.iter().map(|(module, hooks)| format!("{module} ({hooks} hooks)")).collect();
        text.push_str(&format!(" Loaded during the trace and followed shortly afterwards: {}.", modules.join(", ")));
    }
    if absent > 0 {
        text.push_str(&format!(" {absent} hooks belong to modules that are not loaded."));
    }
    if !blind.is_empty() {
        text.push_str(&format!(" Not observed because these are not attached: {}.", blind.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Confidence, CtState, Direction, Drop, Severity, Where};

    fn finding(id: &str, reason: &str, netns: u32) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: Severity::Error,
            title: String::new(),
            flow: 1,
            direction: Direction::Reply,
            tuple: Step::sample().tuple,
            packets: vec![1],
            r#where: Where { netns: Some(netns), ..Where::default() },
            reason: reason.into(),
            ct_state: CtState::None,
            cause: Cause::default(),
            evidence: Vec::new(),
            confidence: Confidence::Certain,
            advice: String::new(),
        }
    }

    #[test]
    fn each_copy_of_a_packet_has_its_own_cause() {
        let dropped = |reason: &str, netns: u32| {
            let drop = Some(Drop { reason: reason.into(), location: "f+0x1".into() });
            Step { netns, drop, ..Step::sample() }
        };
        let steps = vec![dropped("OTHERHOST", 1), dropped("OTHERHOST", 2), dropped("IP_CSUM", 2)];
        let findings =
            vec![finding("first", "OTHERHOST", 3), finding("here", "OTHERHOST", 2), finding("checksum", "IP_CSUM", 9)];
        let trace = Trace { steps, findings, ..Trace::default() };
        let mut causes: Vec<_> = drops(&trace, Vec::new()).into_iter().map(|count| count.cause).collect();
        causes.sort_unstable();
        assert_eq!(causes, ["checksum", "first", "here"].map(|id| Some(id.to_owned())));
    }
}
