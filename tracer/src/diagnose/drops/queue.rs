//! `accept-queue-full`, `syn-queue-full` and `receive-buffer-full`: the program behind a socket does not keep up.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Proto};

/// Explains drops because a socket's queue is full.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    match dropped.step.tuple.proto {
        Proto::TCP => requests(dropped).or_else(|| accept(dropped)).or_else(|| receive(dropped)),
        _ => receive(dropped),
    }
}

/// Returns a listener's address, and how many connections wait for it.
fn listener<'a>(dropped: &Dropped<'a>) -> Option<(&'a str, u32)> {
    dropped.node().iter().find_map(|fact| match fact {
        NodeFact::Listener { local, queue, .. } => Some((local.as_str(), *queue)),
        _ => None,
    })
}

/// Explains drops by a full accept queue. `tcp_v4_syn_recv_sock` (net/ipv4/tcp_ipv4.c) counts an overflow and
/// returns no socket; `tcp_v4_rcv` then frees the last segment of the handshake as one without a socket.
fn accept(dropped: &Dropped<'_>) -> Option<Explained> {
    let seen = dropped.because(&["ACCEPT_QUEUE_FULL"]);
    // From 6.15 on the kernel has a reason for it, which it rarely gives for lack of memory, too.
    let possible = dropped.because(&["NO_SOCKET", "TCP_LISTEN_OVERFLOW"])
        || dropped.unspecified_within(&["tcp_v4_rcv", "tcp_v6_rcv"]);
    if !seen && !possible {
        return None;
    }
    let (local, queue) = listener(dropped)?;
    // The listener may have caught up by the time the node was asked. If its queue was seen full, no counter is
    // needed.
    let counted = dropped.counted(&["TcpExt.ListenOverflows"]);
    if !seen && (counted.is_none() || queue == 0) {
        return None;
    }
    Some(Explained {
        id: "accept-queue-full",
        why: format!("the accept queue of {local} is full ({queue} waiting)"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the accept queue of {local} is full ({queue} waiting)"),
            ..Cause::default()
        },
        evidence: [Some(format!("accept queue of {local}: {queue} waiting")), counted].into_iter().flatten().collect(),
        confidence: if seen { Confidence::Certain } else { Confidence::Likely },
        advice:
            "The program does not call accept(2) fast enough: find out what blocks it.\nOr allow a longer queue: a \
                 larger backlog in listen(2), and net.core.somaxconn, which limits it."
                .to_owned(),
        ..Explained::default()
    })
}

/// Explains drops by a full SYN queue (`tcp_conn_request`, net/ipv4/tcp_input.c): there are as many half-open
/// connections as the backlog allows, and no cookies.
fn requests(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.because(&["SYN_QUEUE_FULL"]) {
        return None;
    }
    let local = listener(dropped).map_or("the listener", |(local, _)| local);
    let mut evidence =
        vec![format!("{local} had as many half-open connections as its backlog allows when the SYN arrived")];
    evidence.extend(dropped.counted(&["TcpExt.TCPReqQFullDrop"]));
    evidence.extend(dropped.sysctl("tcp_syncookies").map(|(name, value)| format!("{name} is {value}")));
    Some(Explained {
        id: "syn-queue-full",
        why: format!("the SYN queue of {local} is full, and SYN cookies are off"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the SYN queue of {local} is full: its half-open connections are not completed"),
            ..Cause::default()
        },
        evidence,
        advice: "Set net.ipv4.tcp_syncookies to 1.\nFind out who opens connections without completing them, or whose \
                 answers get lost (`ss -nt state syn-recv`).\nOr allow a longer queue: a larger backlog in listen(2), \
                 and net.core.somaxconn, which limits it."
            .to_owned(),
        ..Explained::default()
    })
}

fn receive(dropped: &Dropped<'_>) -> Option<Explained> {
    let udp = dropped.step.tuple.proto != Proto::TCP;
    let counters: &[&str] = if udp {
        &["Udp.RcvbufErrors", "Udp6RcvbufErrors"]
    } else {
        &["TcpExt.TCPRcvQDrop", "TcpExt.TCPZeroWindowDrop", "TcpExt.TCPBacklogDrop", "TcpExt.BeyondWindow"]
    };
    let counted = dropped.counted(counters);
    // TCP also gives `PROTO_MEM` for this, and counts it (`tcp_data_queue`, net/ipv4/tcp_input.c, 6.1 to 7.3). If
    // the window has shrunk with the buffer, the segment is beyond the window (`tcp_sequence`, 6.18).
    let said = dropped.because(&["SOCKET_RCVBUFF", "TCP_ZEROWINDOW"])
        || !udp && counted.is_some() && (dropped.because(BY_TCP) || dropped.because(BEYOND));
    let unspecified = dropped.unspecified_within(UNSPECIFIED) && counted.is_some();
    if !said && !unspecified {
        return None;
    }
    let beyond = dropped.because(BEYOND);
    let (local, rmem, rcvbuf) = dropped.node().iter().find_map(|fact| match fact {
        NodeFact::Socket { local, rmem, rcvbuf, .. } => Some((local.as_str(), *rmem, *rcvbuf)),
        _ => None,
    })?;
    // If nothing waits to be read, a segment beyond the window does not show that the program is slow.
    if beyond && rmem == 0 {
        return None;
    }
    let limit = rcvbuf.map_or_else(String::new, |limit| format!(" of {limit}"));
    let mut evidence = vec![format!("socket {local}: {rmem} bytes{limit} are unread")];
    evidence.extend(counted);
    Some(Explained {
        id: "receive-buffer-full",
        why: format!("the receive buffer of socket {local} is full ({rmem} bytes{limit} unread)"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the receive buffer of socket {local} is full: {rmem} bytes{limit} are unread"),
            ..Cause::default()
        },
        evidence,
        confidence: if beyond { Confidence::Likely } else { Confidence::Certain },
        advice:
            "The program does not read fast enough: find out what blocks it.\nOr allow a larger buffer: SO_RCVBUF, \
                 and net.core.rmem_max, which limits it."
                .to_owned(),
        ..Explained::default()
    })
}

/// TCP's reasons that mean a full queue if a counter confirms it.
const BY_TCP: &[&str] = &["PROTO_MEM", "SOCKET_BACKLOG"];
/// TCP's reasons for a segment that lies beyond the window, in part or as a whole.
const BEYOND: &[&str] = &["TCP_INVALID_END_SEQUENCE", "TCP_INVALID_SEQUENCE", "TCP_OVERWINDOW"];

/// Functions that check the buffer and free the packet without a reason.
const UNSPECIFIED: &[&str] = &[
    "udp_queue_rcv_one_skb",
    "udpv6_queue_rcv_one_skb",
    "__udp_queue_rcv_skb",
    "__udpv6_queue_rcv_skb",
    "udp_queue_rcv_skb",
    "udpv6_queue_rcv_skb",
    "udp_unicast_rcv_skb",
    "udp6_unicast_rcv_skb",
    "__udp4_lib_rcv",
    "__udp6_lib_rcv",
    "tcp_data_queue",
];
