//! Frees that the kernel reports like drops although nothing is lost.

use crate::model::{Drop, Tuple};

/// Pairs of reason and function whose frees lose nothing. An empty function matches any function. Seen on 6.18.15.
///
/// - A socket that closes purges its queue of delivered packets.
/// - The TCP handshake frees segments that it has used, and a repeated SYN of a request that it knows.
/// - A late ACK, and a segment whose data had been received before, are not needed any more.
/// - A copy for a packet socket is not the packet itself.
const ORDINARY: &[(&str, &str)] = &[
    ("QUEUE_PURGE", "sk_stream_kill_queues"),
    ("QUEUE_PURGE", "inet_sock_destruct"),
    ("QUEUE_PURGE", "__sk_destruct"),
    // Before 6.x `QUEUE_PURGE` does not exist, and 5.10 gives no reason at all.
    ("NOT_SPECIFIED", "sk_stream_kill_queues"),
    ("NOT_SPECIFIED", "inet_sock_destruct"),
    ("NOT_SPECIFIED", "__sk_destruct"),
    ("UNKNOWN", "sk_stream_kill_queues"),
    ("UNKNOWN", "inet_sock_destruct"),
    ("UNKNOWN", "__sk_destruct"),
    // Up to 6.1 every ICMPv6 message ends like this after it was processed (net/ipv6/icmp.c).
    ("UNKNOWN", "icmpv6_rcv"),
    ("NOT_SPECIFIED", "icmpv6_rcv"),
    ("UNKNOWN", "packet_rcv"),
    ("UNKNOWN", "tpacket_rcv"),
    ("NOT_SPECIFIED", "tcp_v4_rcv"),
    ("NOT_SPECIFIED", "tcp_v6_rcv"),
    ("NOT_SPECIFIED", "tcp_v4_do_rcv"),
    ("NOT_SPECIFIED", "tcp_v6_do_rcv"),
    ("NOT_SPECIFIED", "tcp_rcv_state_process"),
    ("TCP_RFC7323_PAWS_ACK", ""),
    // The segment had been received before, or is a keepalive (`tcp_data_queue`, `tcp_data_queue_ofo`, `tcp_sequence`,
    // net/ipv4/tcp_input.c).
    ("TCP_OLD_DATA", ""),
    ("TCP_OFOMERGE", ""),
    ("TCP_OLD_SEQUENCE", ""),
    // A raw socket gets a copy of each packet; ping filters for its own echoes (net/ipv4/raw.c, net/ipv6/raw.c).
    ("SOCKET_FILTER", "raw_rcv"),
    ("SOCKET_FILTER", "raw_rcv_skb"),
    ("SOCKET_FILTER", "rawv6_rcv"),
    ("SOCKET_FILTER", "rawv6_rcv_skb"),
    // The echo reply itself ends here after the raw socket got its copy, because no ping socket takes it
    // (net/ipv4/ping.c).
    ("NO_SOCKET", "ping_rcv"),
    ("PACKET_SOCK_ERROR", ""),
    // The parts that a packet was assembled from are freed with it (`kfree_skb_list`). The packet's own end is
    // reported.
    ("NOT_SPECIFIED", "skb_release_data"),
    ("UNKNOWN", "skb_release_data"),
    ("NOT_SPECIFIED", "packet_rcv"),
    ("NOT_SPECIFIED", "tpacket_rcv"),
];

/// Functions that free packets to a link-local group that this host has not joined, or that arrive while the device
/// is still getting its addresses: MLD and IGMP reports, neighbour solicitations. Seen on 6.18.15.
const NOBODY_LISTENS: &[&str] = &[
    "ip6_mc_input",
    "ip6_pkt_discard",
    "ip6_pkt_drop",
    "br_pass_frame_up",
    "ip_rcv_finish_core",
    "ip_rcv_finish",
    "ip_mc_validate_source",
    "br_dev_xmit",
];
const UNHEARD: &[&str] = &["", "NOT_SPECIFIED", "UNKNOWN", "IP_INNOROUTES", "NO_TX_TARGET"];

/// Whether a free is the normal end of a packet, and no loss.
pub fn is_ordinary(drop: &Drop, tuple: Tuple) -> bool {
    let function = drop.function();
    let matches = |&(reason, place): &(&str, &str)| reason == drop.reason && (place.is_empty() || place == function);
    let unheard = || UNHEARD.contains(&drop.reason.as_str()) && NOBODY_LISTENS.contains(&function);
    ORDINARY.iter().any(matches) || (tuple.is_to_the_link() && unheard())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Proto;

    #[test]
    fn the_function_decides_whatever_the_offset() {
        let drop = |reason: &str, location: &str| Drop { reason: reason.into(), location: location.into() };
        let ordinary = |reason, location, dst: &str| {
            let dst: std::net::IpAddr = dst.parse().expect("an address");
            is_ordinary(&drop(reason, location), Tuple { src: dst, dst, sport: 0, dport: 0, proto: Proto::UDP })
        };
        assert!(ordinary("NOT_SPECIFIED", "tcp_v4_rcv+0x3a1", "10.0.0.1"));
        assert!(ordinary("SOCKET_FILTER", "rawv6_rcv+0x1a0", "fd00::1"));
        assert!(ordinary("NO_SOCKET", "ping_rcv+0xa5", "10.0.0.1"));
        assert!(ordinary("TCP_OLD_DATA", "tcp_data_queue+0x6c0", "10.0.0.1"));
        assert!(!ordinary("TCP_OVERWINDOW", "tcp_data_queue+0x6c0", "10.0.0.1"));
        assert!(!ordinary("SOCKET_FILTER", "sk_filter_trim_cap+0x10", "fd00::1"));
        assert!(!ordinary("NO_SOCKET", "tcp_v4_rcv+0x3a1", "10.0.0.1"));
        assert!(!ordinary("NOT_SPECIFIED", "ip_error+0x10", "10.0.0.1"));
        assert!(ordinary("NOT_SPECIFIED", "ip6_mc_input+0x157", "ff02::16"));
        assert!(ordinary("NOT_SPECIFIED", "ip_rcv_finish_core.isra.0+0x245", "224.0.0.22"));
        assert!(!ordinary("NOT_SPECIFIED", "ip6_mc_input+0x157", "ff05::1"));
        assert!(!ordinary("IP_INNOROUTES", "ip6_pkt_discard+0x15", "fd00::1"));
    }
}
