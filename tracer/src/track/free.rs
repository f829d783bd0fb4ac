//! Frees that the kernel reports like drops although nothing is lost.

use crate::model::Drop;

/// Reason and function. A socket that closes purges its queue of what was delivered; the TCP
/// handshake frees segments that have served their purpose, also the repeated SYN of a request that
/// it knows; a late duplicate ACK is not wanted any more; a copy for a packet socket is no loss on the way. An empty function means any. Seen on 6.18.15.
const ORDINARY: &[(&str, &str)] = &[
    ("QUEUE_PURGE", "sk_stream_kill_queues"),
    ("QUEUE_PURGE", "inet_sock_destruct"),
    ("QUEUE_PURGE", "__sk_destruct"),
    // Before 6.x that reason does not exist, and 5.10 tells none at all.
    ("NOT_SPECIFIED", "sk_stream_kill_queues"),
    ("NOT_SPECIFIED", "inet_sock_destruct"),
    ("NOT_SPECIFIED", "__sk_destruct"),
    ("UNKNOWN", "sk_stream_kill_queues"),
    ("UNKNOWN", "inet_sock_destruct"),
    ("UNKNOWN", "__sk_destruct"),
    ("UNKNOWN", "packet_rcv"),
    ("UNKNOWN", "tpacket_rcv"),
    ("NOT_SPECIFIED", "tcp_v4_rcv"),
    ("NOT_SPECIFIED", "tcp_v6_rcv"),
    ("NOT_SPECIFIED", "tcp_v4_do_rcv"),
    ("NOT_SPECIFIED", "tcp_v6_do_rcv"),
    ("NOT_SPECIFIED", "tcp_rcv_state_process"),
    ("TCP_RFC7323_PAWS_ACK", ""),
    ("PACKET_SOCK_ERROR", ""),
    ("NOT_SPECIFIED", "packet_rcv"),
    ("NOT_SPECIFIED", "tpacket_rcv"),
];

/// Whether a free is the end of a packet that did its work.
pub fn is_ordinary(drop: &Drop) -> bool {
    let function = drop.location.split('+').next().unwrap_or_default();
    ORDINARY.iter().any(|(reason, place)| *reason == drop.reason && (place.is_empty() || *place == function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_decides_whatever_the_offset() {
        let drop = |reason: &str, location: &str| Drop { reason: reason.to_owned(), location: location.to_owned() };
        assert!(is_ordinary(&drop("NOT_SPECIFIED", "tcp_v4_rcv+0x3a1")));
        assert!(!is_ordinary(&drop("NO_SOCKET", "tcp_v4_rcv+0x3a1")));
        assert!(!is_ordinary(&drop("NOT_SPECIFIED", "ip_error+0x10")));
    }
}
