//! `no-socket` and `socket-filter-drop`: no socket takes the packet, or the socket's filter refuses it.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Proto, Severity};

/// Explains drops by sockets that are not caused by their queues.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    filtered(dropped).or_else(|| nobody(dropped))
}

/// Functions in which TCP and UDP look up a socket. Kernels differ in what is inlined into them.
const RECEIVE: &[&str] = &["tcp_v4_rcv", "tcp_v6_rcv", "__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv", "udpv6_rcv"];

fn nobody(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.because(&["NO_SOCKET"]) && !dropped.unspecified_within(RECEIVE) {
        return None;
    }
    // The kernel also gives this reason if a listener's queue is full, or if the socket was just closed.
    dropped.node().iter().find(|fact| matches!(fact, NodeFact::NoSocket))?;
    let (proto, dst, port) = (dropped.step.tuple.proto, dropped.step.tuple.dst, dropped.step.tuple.dport);
    let netns = dropped.netns();
    let answer = if proto == Proto::TCP { "a reset" } else { "an ICMP error (port unreachable)" };
    Some(Explained {
        id: "no-socket",
        severity: if dropped.facts.is_asked_for(dropped.step) { Severity::Error } else { Severity::Info },
        why: format!("no socket in netns {netns} listens on {proto} port {port}"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("no socket in netns {netns} listens on {proto} port {port} of {dst}"),
            ..Cause::default()
        },
        evidence: vec![format!("none of the {proto} sockets in netns {netns} is bound to port {port} of {dst}")],
        advice: format!(
            "Start the service for {proto} port {port}, or make it listen on {dst}. The kernel answers with {answer}."
        ),
        ..Explained::default()
    })
}

fn filtered(dropped: &Dropped<'_>) -> Option<Explained> {
    // A cgroup's BPF program gives the same reason; its family is tried first.
    if !dropped.because(&["SOCKET_FILTER"]) {
        return None;
    }
    let local = dropped.node().iter().find_map(|fact| match fact {
        NodeFact::Listener { local, .. } | NodeFact::Socket { local, .. } => Some(local.as_str()),
        _ => None,
    });
    let socket = local.map_or_else(|| "the socket".to_owned(), |local| format!("socket {local}"));
    Some(Explained {
        id: "socket-filter-drop",
        why: format!("the filter of {socket} drops it"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!(
                "the filter attached to {socket} dropped the packet (SO_ATTACH_FILTER, SO_ATTACH_BPF, or a security module's hook)"
            ),
            ..Cause::default()
        },
        evidence: Vec::new(),
        confidence: Confidence::Likely,
        advice: "Find out which program owns the socket and what its filter is for (`ss -lntupe --bpf`).".to_owned(),
        ..Explained::default()
    })
}
