//! Packets that reached a protocol of this node, which did not answer: `echo-ignored`,
//! `wireguard-handshake-refused`, `reply-without-route`, `receive-queue-unread` and `no-answer-from-here`.

use tracer_common::hook;

use super::{
    super::{
        finding::Draft,
        firewall::{on_device, packet_with_tuple},
    },
    PATIENCE, Waited,
};
use crate::{
    duration,
    model::{Cause, Confidence, Finding, NodeFact, Severity},
};

/// Returns the finding about packets that this node did not answer; `None` if they need no answer.
pub fn finding(waited: &Waited<'_>) -> Option<Finding> {
    let unheard = match waited.answered {
        true => unread(waited),
        false => echo_ignored(waited)
            .or_else(|| handshake(waited))
            .or_else(|| no_way_back(waited))
            .or_else(|| unread(waited))
            .or_else(|| silent(waited)),
    };
    let Unheard { id, why, evidence, confidence, advice, severity } = unheard?;
    let netns = waited.facts.netns(waited.first.netns);
    let mut cited = waited.cited(&format!("it is delivered, at {}", waited.first.hook), "were delivered");
    let (for_long, but) =
        (duration::words(waited.ns), if waited.answered { "waits since" } else { "was not answered" });
    if !waited.answered {
        cited.push(format!("no answer was seen until the trace ended, {for_long} later"));
    }
    cited.extend(evidence);
    let draft = Draft {
        id,
        title: format!("the {} reached netns {netns}, but {but}: {why}", packet_with_tuple(waited.first)),
        place: on_device(waited.first),
        cause: Cause { place: on_device(waited.first), did: why, ..Cause::default() },
        evidence: cited,
        confidence,
        advice,
    };
    Some(Finding { severity, packets: waited.packets.clone(), ..draft.about(waited.first) })
}

/// Why there was no answer.
struct Unheard {
    id: &'static str,
    why: String,
    evidence: Vec<String>,
    confidence: Confidence,
    advice: String,
    severity: Severity,
}

fn echo_ignored(waited: &Waited<'_>) -> Option<Unheard> {
    let setting = waited.node.iter().find_map(|fact| match fact {
        NodeFact::Sysctl { name, value } if name.ends_with("echo_ignore_all") && value != "0" => Some((name, value)),
        _ => None,
    });
    let (name, value) = setting.filter(|_| waited.is_echo())?;
    Some(Unheard {
        id: "echo-ignored",
        why: format!("this netns ignores echo requests ({name} is {value})"),
        evidence: vec![format!("{name} is {value}")],
        // The setting was read at the end of the trace, not when the packet came.
        confidence: Confidence::Likely,
        advice: format!(
            "Test with the protocol and port of the service instead of ping.\nOr answer echo requests: `sysctl -w {name}=0`."
        ),
        severity: Severity::Error,
    })
}

/// WireGuard does not answer a handshake from a peer that it does not know (`wg_receive_handshake_packet`,
/// drivers/net/wireguard/receive.c).
fn handshake(waited: &Waited<'_>) -> Option<Unheard> {
    /// Size of a UDP header and `struct message_handshake_initiation` (drivers/net/wireguard/messages.h).
    const INITIATION: u32 = 8 + 148;
    let (ifname, port, peers) = waited.node.iter().find_map(|fact| match fact {
        NodeFact::WireguardDevice { ifname, port, peers } => Some((ifname, port, peers)),
        _ => None,
    })?;
    let sender = waited.first.tuple.src;
    if !waited.first.is_at(&[hook::WG_RECEIVE]) || waited.first.len != INITIATION {
        return None;
    }
    Some(Unheard {
        id: "wireguard-handshake-refused",
        why: format!("WireGuard device {ifname} does not accept the handshake of {sender}"),
        evidence: vec![
            format!("it has the size of a handshake initiation: {INITIATION} bytes with the UDP header"),
            format!("WireGuard device {ifname} receives on port {port} and has {peers} peers"),
        ],
        confidence: Confidence::Likely,
        advice: format!(
            "Compare the keys that `wg show` prints on both nodes: the public key of {sender} must be that of a peer of \
             {ifname}, and the public key of {ifname} that of the peer on {sender}.\nIf they are right, compare the clocks: \
             a handshake that is older than the last one is refused."
        ),
        severity: Severity::Error,
    })
}

/// The kernel has no route for an answer. Of a packet that goes to a socket, it sends none.
fn no_way_back(waited: &Waited<'_>) -> Option<Unheard> {
    let to = waited.first.tuple.src;
    let refused = ["unreachable", "prohibit", "blackhole", "throw"];
    let mut routes = waited.routes(to).filter(|answer| answer.iif.is_none());
    let answer = routes
        .find(|answer| answer.error.is_some() || answer.kind.as_deref().is_some_and(|kind| refused.contains(&kind)))?;
    let route = answer.route.as_ref().map(|route| format!(" (`{route}`)")).unwrap_or_default();
    let error = answer.error.as_deref().or(answer.kind.as_deref()).unwrap_or_default();
    let what = format!("a look-up of the route to {to} ends with {error}{route}");
    Some(Unheard {
        id: "reply-without-route",
        why: format!("this netns has no route to {to}"),
        evidence: vec![what],
        // That an answer was tried was not seen.
        confidence: Confidence::Likely,
        advice: format!("Add a route to {to} in this netns, or correct the source address of the request."),
        // Of other protocols, some need no answer.
        severity: if waited.is_syn() || waited.is_echo() { Severity::Error } else { Severity::Info },
    })
}

/// What the program of a socket has not read. Bytes alone prove nothing, because others may just have come; neither does an
/// skb alone, because the kernel frees what was read when it suits it.
fn unread(waited: &Waited<'_>) -> Option<Unheard> {
    let kept = waited.in_kernel.filter(|ns| *ns >= PATIENCE)?;
    // A FIN counts as one byte, and needs not be read.
    let least = u32::from(waited.first.tcp_flags.is_some());
    let (local, bytes, owner) = waited.node.iter().find_map(|fact| match fact {
        NodeFact::Socket { local, rmem, owner, .. } if *rmem > least => Some((local, *rmem, owner.as_deref())),
        _ => None,
    })?;
    Some(Unheard {
        id: "receive-queue-unread",
        why: match owner {
            Some(owner) => format!("{owner} has not read socket {local}, in which {bytes} bytes wait"),
            // A connection that waits to be accepted has no owner.
            None => format!("nobody has read socket {local}, in which {bytes} bytes wait"),
        },
        evidence: vec![
            format!("an skb of a packet was still in the kernel when the trace ended, {} later", duration::words(kept)),
            format!("socket {local}: {bytes} bytes wait to be read"),
        ],
        // The bytes may be those of other packets.
        confidence: Confidence::Likely,
        advice: match owner {
            Some(owner) => {
                format!("Find out what {owner} is waiting for: `strace -p`, or the stacks of its threads (`gdb -p`).")
            }
            None => "Find out which program has the socket, and whether it accepts connections: `ss -anp`.".to_owned(),
        },
        // Some programs read late on purpose.
        severity: if waited.trace.start.aimed { Severity::Warning } else { Severity::Info },
    })
}

/// Nothing is known, but an answer is due.
fn silent(waited: &Waited<'_>) -> Option<Unheard> {
    if !waited.is_syn() && !waited.is_echo() {
        return None;
    }
    let listener = waited.node.iter().find_map(|fact| match fact {
        NodeFact::Listener { local, queue, owner, .. } => {
            let of = owner.as_deref().map(|owner| format!(" of {owner}")).unwrap_or_default();
            Some(format!("listener {local}{of}: {queue} connections wait to be accepted"))
        }
        NodeFact::NoSocket => Some("no socket takes the packet".to_owned()),
        _ => None,
    });
    Some(Unheard {
        id: "no-answer-from-here",
        why: "nothing says why".to_owned(),
        evidence: listener.into_iter().collect(),
        confidence: Confidence::Likely,
        advice: "Look for what answers in place of the kernel: a program with a raw socket, or a BPF program that takes the \
                 packet.\nTrace with -v to see each hook that the packet passed."
            .to_owned(),
        severity: Severity::Error,
    })
}
