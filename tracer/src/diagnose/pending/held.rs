//! Packets that still waited when the trace ended: `neighbour-failed`, `wireguard-handshake-unanswered`,
//! `nfqueue-unanswered`, `qdisc-held` and `packet-held`.

mod handshake;
mod neighbour;
mod program;

use super::{
    super::{
        finding::Draft,
        firewall::{on_device, packet_with_tuple},
        verdict::Queue,
    },
    Waited,
};
use crate::{
    duration,
    model::{Cause, Confidence, Finding, NodeFact, Severity},
};

/// Returns the finding about packets that wait in this queue.
pub fn finding(waited: &Waited<'_>, queue: Queue) -> Finding {
    let found = match queue {
        Queue::Neighbour => neighbour::explain(waited),
        Queue::WireGuard => handshake::explain(waited),
        Queue::UserSpace => Some(program::explain(waited)),
        Queue::Qdisc => Some(in_qdisc(waited)),
        Queue::Other => program::explain_unseen(waited),
    };
    about(waited, found.unwrap_or_else(|| somewhere(waited)))
}

/// Returns the finding about packets that a WireGuard device has taken and keeps. Where its functions are not seen,
/// such packets seem to leave.
pub fn in_wireguard(waited: &Waited<'_>) -> Option<Finding> {
    let held = handshake::explain(waited).filter(|_| waited.in_kernel.is_some())?;
    Some(about(waited, held))
}

fn about(waited: &Waited<'_>, held: Held) -> Finding {
    let Held { id, why, mut draft, severity } = held;
    let mut evidence = waited.cited(&format!("it is at {}, and is not seen to get on", waited.first.hook), "wait");
    match waited.in_kernel {
        Some(_) => evidence.push("an skb of the packet was still in the kernel when the trace ended".to_owned()),
        // Its free may have been missed.
        None => draft.confidence = draft.confidence.max(Confidence::Likely),
    }
    evidence.append(&mut draft.evidence);
    let title = format!(
        "the {} has waited for {} in netns {}: {why}",
        packet_with_tuple(waited.first),
        duration::words(waited.ns),
        waited.facts.netns(waited.first.netns),
    );
    let cause = Cause { did: why, ..draft.cause };
    let draft = Draft { id, title, evidence, cause, ..draft };
    Finding { severity, packets: waited.packets.clone(), ..draft.about(waited.first) }
}

struct Held {
    id: &'static str,
    /// What it waits for.
    why: String,
    /// Place, evidence, confidence and advice.
    draft: Draft,
    severity: Severity,
}

fn draft(waited: &Waited<'_>, evidence: Vec<String>, confidence: Confidence, advice: String) -> Draft {
    let place = on_device(waited.first);
    let cause = Cause { place: place.clone(), ..Cause::default() };
    Draft { id: "", title: String::new(), place, cause, evidence, confidence, advice }
}

fn in_qdisc(waited: &Waited<'_>) -> Held {
    let qdiscs = waited.node.iter().filter_map(|fact| match fact {
        NodeFact::Qdisc { kind, handle, qlen, .. } if *qlen > 0 => Some((kind, handle, *qlen)),
        _ => None,
    });
    let qdiscs: Vec<_> = qdiscs.collect();
    let device = &waited.first.ifname;
    let by = match &qdiscs[..] {
        [(kind, handle, _)] => format!("{kind} {handle}"),
        _ => "the queueing discipline".to_owned(),
    };
    Held {
        id: "qdisc-held",
        why: format!("{by} of {device} has not sent it so far"),
        draft: draft(
            waited,
            qdiscs.iter().map(|(kind, handle, qlen)| format!("{qlen} packets wait in qdisc {kind} {handle}")).collect(),
            certain_if(qdiscs.len() == 1),
            format!("Look at the queue and its limits: `tc -s qdisc show dev {device}`."),
        ),
        severity: severity(waited),
    }
}

/// Returns how sure it is that the packet waits in the only queue that holds any.
fn certain_if(only: bool) -> Confidence {
    if only { Confidence::Certain } else { Confidence::Likely }
}

fn somewhere(waited: &Waited<'_>) -> Held {
    Held {
        id: "packet-held",
        why: format!("something holds it since {}", waited.first.hook),
        draft: draft(
            waited,
            Vec::new(),
            // Something else may hold a copy, such as a capture of packets.
            Confidence::Possible,
            "Trace for longer: when the packet is dropped, its drop says more.".to_owned(),
        ),
        severity: severity(waited),
    }
}

/// A packet of another kind may be late on purpose.
fn severity(waited: &Waited<'_>) -> Severity {
    match waited.is_syn() || waited.is_syn_ack() || waited.is_echo() {
        true => Severity::Error,
        false => Severity::Warning,
    }
}
