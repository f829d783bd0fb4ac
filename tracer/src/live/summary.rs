//! Builds the last line of a trace: what was seen, and what was covered.

use std::collections::HashMap;

use crate::{
    history::drop_counts::DropCounts,
    model::{DropCount, Hooks, Lost, Start, Summary, Trace},
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
    let mut causes = HashMap::new();
    for finding in &trace.findings {
        for packet in &finding.packets {
            causes.entry((*packet, finding.direction)).or_insert(finding.id.as_str());
        }
    }
    let mut counts = DropCounts::new(trace.start.drops);
    for step in &trace.steps {
        counts.add(step, causes.get(&(step.packet, step.direction)).copied());
    }
    evicted.into_iter().for_each(|count| counts.add_count(count));
    counts.worst_first()
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
