//! What a verdict means for a flow, in one sentence.

use std::net::IpAddr;

use super::{
    super::firewall::packet_name,
    fate::{Fate, Packet, Queue},
};
use crate::{
    duration,
    model::{Finding, Lost, NodeFact, Step, Trace},
};

/// An answer got through at this step.
pub fn answered(request: &Packet<'_>, answer: &Packet<'_>, step: &Step) -> String {
    match step.ts.checked_sub(request.first.ts) {
        Some(ns) => {
            format!(
                "the first answer ({}) came {} after the first packet",
                packet_name(answer.first),
                duration::words(ns)
            )
        }
        None => "packets of both directions got through".to_owned(),
    }
}

/// An error was found.
pub fn failed(finding: &Finding, trace: &Trace) -> String {
    let netns = finding.r#where.netns.map(|inum| format!(" in {}", netns(inum, trace))).unwrap_or_default();
    let device = finding.r#where.ifname.as_deref().map(|name| format!(" on {name}")).unwrap_or_default();
    format!("{}{device}{netns}", finding.id)
}

/// The node sent an ICMP error about the packet.
pub fn icmp_error(step: &Step, trace: &Trace) -> String {
    format!("{} answered the {} with an ICMP error", netns(step.netns, trace), packet_name(step))
}

/// A reset was sent, or came in.
pub fn reset(packet: &Packet<'_>, trace: &Trace) -> String {
    let step = packet.first;
    match (packet.is_sent_here(), step.ifname.is_empty()) {
        (false, false) => format!("a TCP reset of {} came in {}", step.tuple.src, by(step, trace)),
        _ => format!("{} answered with a TCP reset", netns(step.netns, trace)),
    }
}

/// The last packet was dropped, which no finding calls an error.
pub fn dropped(step: &Step, trace: &Trace) -> String {
    let reason = step.drop.as_ref().map_or("", |drop| drop.reason.as_str());
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("the {} {}{reason}", packet_name(step), at(step, trace))
}

/// Only replies were seen.
pub fn absent(reply: &Packet<'_>, trace: &Trace) -> String {
    format!(
        "only packets of {} were seen ({}), and none that they answer",
        reply.first.tuple.src,
        at(reply.first, trace)
    )
}

/// The end of the flow's packets was not seen.
pub fn unseen(step: &Step, trace: &Trace) -> String {
    format!("the {} was last seen {}, and how it ended was not seen", packet_name(step), at(step, trace))
}

/// `count` packets ended like the one of this step, and nothing came back.
pub fn unanswered(fate: Fate, step: &Step, count: usize, trace: &Trace) -> String {
    let packets = match count {
        0 | 1 => format!("the {}", packet_name(step)),
        count => format!("{count} packets ({})", packet_name(step)),
    };
    let waited = end(trace).saturating_sub(step.ts);
    let silence = match trace.start.misses_answers {
        true => "this filter may miss answers".to_owned(),
        false => format!("nothing came back within {}", duration::words(waited)),
    };
    match fate {
        Fate::Delivered => format!("{packets} reached {}, but {silence}", netns(step.netns, trace)),
        Fate::Left => {
            let towards = next_hop(step, trace).map(|hop| format!(" towards {hop}")).unwrap_or_default();
            format!("{packets} left {}{towards}, but {silence}", by(step, trace))
        }
        Fate::Held(queue) => {
            format!("the {} has waited {} for {}", packet_name(step), held(queue, step, trace), duration::words(waited))
        }
        Fate::Dropped | Fate::Unseen => unseen(step, trace),
    }
}

/// `in the queueing discipline on eth0 in netns web`
pub fn held(queue: Queue, step: &Step, trace: &Trace) -> String {
    match queue {
        Queue::UserSpace => format!("for a program (NFQUEUE) {}", at(step, trace)),
        Queue::Qdisc => format!("in the queueing discipline {}", at(step, trace)),
        Queue::WireGuard => format!("for a WireGuard session {}", at(step, trace)),
        Queue::Neighbour => {
            let waits_for = facts(step, trace).find_map(|fact| match fact {
                NodeFact::Neighbour { addr, ifname, .. } => Some(format!("of {addr} on {ifname}")),
                _ => None,
            });
            format!("for the hardware address {} in {}", waits_for.unwrap_or_default(), netns(step.netns, trace))
        }
        Queue::Other => format!("in the kernel since it was seen at {} {}", step.hook, at(step, trace)),
    }
}

/// Returns the gateway that packets of this step's destination are sent to, if they are.
fn next_hop(step: &Step, trace: &Trace) -> Option<IpAddr> {
    let to = step.outer.unwrap_or(step.tuple).dst;
    facts(step, trace).find_map(|fact| match fact {
        NodeFact::Route(answer) if answer.to == Some(to) => answer.gateway,
        _ => None,
    })
}

/// The node's answers about the step's flow in the step's netns.
fn facts<'a>(step: &Step, trace: &'a Trace) -> impl Iterator<Item = &'a NodeFact> {
    let (flow, netns) = (step.flow, step.netns);
    let pending = trace.pending.iter().filter(move |pending| pending.flow == flow && pending.netns == netns);
    pending.flat_map(|pending| &pending.node)
}

/// Names the losses that forbid a verdict, if there are any. A missed probe is none: every packet passes several.
pub fn lost(trace: &Trace) -> Option<String> {
    let Lost { events, tracked_overflow, forgotten_packets, forgotten_flows, .. } = trace.summary.lost;
    let losses = [
        (events, "events were lost"),
        (tracked_overflow, "packets could not be followed"),
        (forgotten_packets, "packets were evicted"),
        (forgotten_flows, "flows were evicted"),
    ];
    let losses: Vec<_> = losses.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let losses = match (losses.is_empty(), trace.complete) {
        (false, _) => losses.join(", "),
        (true, false) => "the capture has no summary".to_owned(),
        (true, true) => return None,
    };
    Some(format!("{losses}, so that a missing answer proves nothing"))
}

/// `by eth0 of netns web`
fn by(step: &Step, trace: &Trace) -> String {
    format!("by {} of {}", step.ifname, netns(step.netns, trace))
}

/// `on eth0 in netns web`
fn at(step: &Step, trace: &Trace) -> String {
    let device = if step.ifname.is_empty() { String::new() } else { format!("on {} ", step.ifname) };
    format!("{device}in {}", netns(step.netns, trace))
}

fn netns(inum: u32, trace: &Trace) -> String {
    format!("netns {}", trace.netns_name(inum))
}

/// The end of the trace in nanoseconds since boot.
pub fn end(trace: &Trace) -> u64 {
    let last = trace.steps.last().map_or(0, |step| step.ts);
    last.max(trace.start.boot_time_ns + trace.summary.duration_ns)
}
