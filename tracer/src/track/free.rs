//! Frees that the kernel reports like drops although nothing is lost.

use crate::model::{Drop, Tuple};

/// Reasons and functions whose frees lose nothing; an empty list of functions means all. Seen on 5.10, 6.1 or 6.18.15.
const ORDINARY: &[(&[&str], &[&str])] = &[
    // A socket that closes purges its queues: what its program has not read, it did not want. Before 6.6
    // `QUEUE_PURGE` does not exist (`udp_destruct_common`, net/ipv4/udp.c; `inet_sock_destruct`, net/ipv4/af_inet.c).
    (QUEUE_PURGE, CLOSE),
    // Up to 6.1 every ICMPv6 message ends like this after it was processed (net/ipv6/icmp.c).
    (UNSAID, &["icmpv6_rcv"]),
    // A copy for a packet socket is not the packet itself (net/packet/af_packet.c).
    (UNSAID, &["packet_rcv", "tpacket_rcv"]),
    (&["PACKET_SOCK_ERROR"], &[]),
    // The TCP handshake frees segments that it has used, and a repeated SYN of a request that it knows.
    (&["NOT_SPECIFIED"], &["tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_rcv_state_process"]),
    // A late ACK. The segment had been received before, or is a keepalive (`tcp_data_queue`, `tcp_data_queue_ofo`,
    // `tcp_sequence`, net/ipv4/tcp_input.c).
    (&["TCP_RFC7323_PAWS_ACK", "TCP_OLD_DATA", "TCP_OFOMERGE", "TCP_OLD_SEQUENCE"], &[]),
    // A raw socket gets a copy of each packet; ping filters for its own echoes, for which up to 6.1 there is no reason
    // (net/ipv4/raw.c, net/ipv6/raw.c).
    (&["SOCKET_FILTER", "NOT_SPECIFIED", "UNKNOWN"], &["raw_rcv", "raw_rcv_skb", "rawv6_rcv", "rawv6_rcv_skb"]),
    // The echo reply itself ends here after the raw socket got its copy, because no ping socket takes it. Up to 6.1 its
    // callers free it (net/ipv4/ping.c, net/ipv4/icmp.c, net/ipv6/icmp.c).
    (&["NO_SOCKET"], &["ping_rcv", "icmp_rcv", "icmpv6_rcv"]),
    // The parts that a packet was assembled from are freed with it (`kfree_skb_list`). The packet's own end is
    // reported.
    (UNSAID, &["skb_release_data"]),
];

const UNSAID: &[&str] = &["NOT_SPECIFIED", "UNKNOWN"];
const QUEUE_PURGE: &[&str] = &["QUEUE_PURGE", "NOT_SPECIFIED", "UNKNOWN"];
/// Functions that empty a queue of any kind (net/core/skbuff.c).
const PURGES: &[&str] = &["skb_queue_purge_reason", "skb_queue_purge"];
/// Functions that empty the queues of a socket that closes.
const CLOSE: &[&str] = &["sk_stream_kill_queues", "inet_sock_destruct", "__sk_destruct", "udp_destruct_common"];

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

/// Whether a free is the normal end of a packet, and no loss. `delivered` says that a protocol of this host had the
/// packet.
pub fn is_ordinary(drop: &Drop, tuple: Tuple, delivered: bool) -> bool {
    let function = drop.function();
    let matches = |&(reasons, functions): &(&[&str], &[&str])| {
        reasons.contains(&drop.reason.as_str()) && (functions.is_empty() || functions.contains(&function))
    };
    // The queues of sockets are emptied by the same function as others. Errors wait there, too (`sk_error_queue`).
    let closed = || delivered && QUEUE_PURGE.contains(&drop.reason.as_str()) && PURGES.contains(&function);
    let unheard = || UNHEARD.contains(&drop.reason.as_str()) && NOBODY_LISTENS.contains(&function);
    ORDINARY.iter().any(matches) || closed() || (tuple.is_to_the_link() && unheard())
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
            let tuple = Tuple { src: dst, dst, sport: 0, dport: 0, proto: Proto::UDP };
            is_ordinary(&drop(reason, location), tuple, false)
        };
        assert!(ordinary("NOT_SPECIFIED", "tcp_v4_rcv+0x3a1", "10.0.0.1"));
        assert!(ordinary("SOCKET_FILTER", "rawv6_rcv+0x1a0", "fd00::1"));
        assert!(ordinary("NO_SOCKET", "ping_rcv+0xa5", "10.0.0.1"));
        assert!(ordinary("NOT_SPECIFIED", "udp_destruct_common+0xbd", "fd00::1"));
        assert!(!ordinary("QUEUE_PURGE", "neigh_flush_dev.isra.0+0x1", "10.0.0.1"));
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
    #[test]
    fn what_waits_in_a_closing_socket_had_been_delivered() {
        let dst = std::net::IpAddr::from([10, 0, 0, 1]);
        let tuple = Tuple { src: dst, dst, sport: 0, dport: 0, proto: Proto::TCP };
        for (reason, location) in [("QUEUE_PURGE", "skb_queue_purge_reason+0x3e"), ("UNKNOWN", "skb_queue_purge+0x22")]
        {
            let drop = Drop { reason: reason.into(), location: location.into() };
            assert!(is_ordinary(&drop, tuple, true));
            assert!(!is_ordinary(&drop, tuple, false), "a neighbour's queue, for example");
        }
    }
}
