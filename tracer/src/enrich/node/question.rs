//! Decides which facts to ask for about a packet's end.

use tracer_common::{hook, way};

use super::sysctl::Topic;
use crate::model::{Step, Verdict};

/// One thing to ask the node.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Question {
    /// Counters that rose since the first snapshot.
    Counters,
    /// Settings.
    Sysctls(Topic),
    /// The device.
    Link,
    /// Which of the packet's addresses are local.
    Addresses,
    /// The route that the kernel would choose.
    Routes,
    /// The neighbour entry of the next hop.
    Neighbour,
    /// Queueing disciplines that have dropped packets.
    Qdiscs,
    /// The bridge's ports.
    Bridge,
    /// Sockets that the packet may be for.
    Sockets,
    /// The same, with the processes that have them: all open files are looked at.
    OwnedSockets,
    /// Queues to user space in which packets wait.
    Queues,
    /// The WireGuard device that receives the packet.
    WireguardDevice,
    /// The WireGuard peer that the packet is for.
    WireguardPeer,
    /// How full conntrack's table is.
    Conntrack,
    /// Conntrack entries that know the tuple.
    ConntrackEntries,
    /// IPsec policies.
    Policies,
}

/// Returns the questions to ask about a drop, each once, by its location and the kernel's reason. An unknown location
/// gets a general list. Because inlining moves locations between kernels, the lists ask too much rather than too
/// little. `kind` is that of the drop's device ([`crate::model::Device::kind`]).
#[must_use]
pub fn questions(step: &Step, kind: &str) -> Vec<Question> {
    let Some(drop) = &step.drop else { return Vec::new() };
    let function = function(&drop.location);
    let by_place = PLACES.iter().find(|(starts, _)| starts.iter().any(|start| function.starts_with(start)));
    let by_reason = REASONS.iter().filter(|(parts, _)| parts.iter().any(|part| drop.reason.contains(part)));
    let mut asked: Vec<Question> = by_reason.flat_map(|(_, questions)| *questions).copied().collect();
    asked.extend(by_place.map_or(GENERAL, |(_, questions)| questions));
    asked.extend([Question::Counters, Question::Link]);
    if kind == "bridge" {
        asked.push(Question::Bridge);
    }
    // Without a reason from the kernel, a drop by an IPsec policy looks like any other.
    let unsaid = matches!(drop.reason.as_str(), "" | "NOT_SPECIFIED" | "UNKNOWN");
    if unsaid && !asked.contains(&Question::Qdiscs) {
        asked.push(Question::Policies);
    }
    asked.sort_unstable();
    asked.dedup();
    asked
}

/// Returns the questions to ask at the end of the trace about a packet that was last seen at this step, and not seen
/// to end.
#[must_use]
pub fn pending_questions(step: &Step) -> Vec<Question> {
    let queued = step.netfilter.as_deref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Queue));
    let mut asked = match step {
        _ if queued => vec![Question::Queues],
        _ if [way::DELIVERED, way::REQUESTED, way::UNWRAPPED].iter().any(|hooks| step.is_at(hooks)) => vec![
            Question::OwnedSockets,
            Question::Routes,
            Question::Addresses,
            Question::Sysctls(Topic::Echo),
            Question::WireguardDevice,
        ],
        _ if step.is_at(&[hook::WG_XMIT]) => vec![Question::WireguardPeer],
        _ if step.is_at(&[hook::NET_DEV_QUEUE]) => vec![Question::Qdiscs],
        // Where modules have no types, WireGuard's own functions and the verdicts of nftables are not seen.
        _ if step.is_at(&[hook::NET_DEV_START_XMIT]) => {
            vec![Question::Routes, Question::Neighbour, Question::WireguardPeer]
        }
        _ => vec![Question::Routes, Question::Neighbour, Question::Qdiscs, Question::Queues],
    };
    asked.push(Question::Link);
    asked.sort_unstable();
    asked
}

/// Returns whether a drop at this location happens to a packet that comes in.
#[must_use]
pub fn is_inwards(location: &str) -> bool {
    let function = function(location);
    let place = PLACES.iter().find(|(starts, _)| starts.iter().any(|start| function.starts_with(start)));
    place.is_some_and(|(_, questions)| [INPUT, TRANSPORT, FRAGMENTS].contains(questions))
}

/// Returns the symbol without offset and without the suffixes of compilers (`.isra.0`, `.constprop.0`, `.part.0`).
fn function(location: &str) -> &str {
    let symbol = location.split(['+', ' ']).next().unwrap_or_default();
    symbol.split('.').next().unwrap_or_default()
}

type Row = (&'static [&'static str], &'static [Question]);

/// Questions by the start of a function's name. The first match decides. Seen on 5.10 to 7.3.
const PLACES: &[Row] = &[
    (&["ip_frag", "ip_defrag", "ip_expire", "ip6_frag", "ip6frag", "ipv6_frag", "inet_frag", "nf_ct_frag6"], FRAGMENTS),
    (
        &["nf_", "nft_", "ipt_", "ip6t_", "xt_", "ebt_", "nfqnl_", "__nf_", "ipv4_conntrack", "ipv6_conntrack"],
        NETFILTER,
    ),
    (&["ip_output", "ip_finish_output", "ip_mc_output", "ip_fragment", "ip_do_fragment", "__ip_finish"], OUTPUT),
    (&["ip6_output", "ip6_finish_output", "ip6_fragment", "__ip6_finish", "ip6_xmit", "__ip6_local_out"], OUTPUT),
    (&["ip_queue_xmit", "__ip_queue_xmit", "__ip_local_out", "ip_local_out", "ip6_local_out", "ip_send"], OUTPUT),
    (&["ip_", "__ip_", "ip6_", "__ip6_", "ipv6_", "fib", "ipmr", "ip6mr", "dst_discard", "__dst_"], INPUT),
    (&["tcp_", "__tcp_", "udp", "__udp", "sctp_", "dccp_", "raw_", "rawv6_", "sk_", "__sk_", "sock_"], TRANSPORT),
    (&["icmp", "inet_", "inet6_", "ping_", "cookie_", "mptcp_", "release_sock", "__release_sock"], TRANSPORT),
    (&["neigh_", "__neigh_", "___neigh_", "arp_", "ndisc_"], NEIGHBOURS),
    (&["br_", "__br_", "should_deliver", "nbp_", "deliver_clone"], BRIDGES),
    (&["xfrm", "__xfrm", "esp", "ah_", "ah4_", "ah6_"], POLICIES),
    (&["__dev_", "dev_", "qdisc_", "__qdisc", "sch_", "tcf_", "validate_xmit", "pfifo", "bfifo", "tbf_"], DEVICES),
    (&["fq_", "netem_", "htb_", "hfsc_", "prio_", "red_", "sfq_", "cake_", "codel", "drr_", "qfq_"], DEVICES),
    (&["__netif_", "netif_", "enqueue_to_backlog", "process_backlog", "napi_", "generic_xdp", "do_xdp"], DEVICES),
    (&["vlan_", "veth_", "tun_", "macvlan", "ipvlan", "vxlan", "geneve", "bond_", "gre", "ipgre", "ipip"], DEVICES),
];

/// Questions by a part of the reason (`enum skb_drop_reason`, include/net/dropreason-core.h). All matches count.
const REASONS: &[Row] = &[
    (&["SOCKET", "TCP_", "UDP_", "PROTO_MEM", "UNHANDLED_PROTO", "RFC", "SYNCOOKIE", "QUEUE_FULL"], TRANSPORT),
    (&["IP_", "IPV6", "PKT_TOO_BIG", "OTHERHOST", "HOSTUNREACH", "NOROUTES"], INPUT),
    (&["NEIGH_"], NEIGHBOURS),
    (&["NETFILTER"], NETFILTER),
    (&["XFRM"], POLICIES),
    (&["QDISC", "TC_", "CPU_BACKLOG", "FULL_RING", "DEV_", "TAP_", "VXLAN", "TUNNEL", "XDP"], DEVICES),
    (&["BRIDGE", "VLAN", "MAC_"], BRIDGES),
    (&["FRAG"], FRAGMENTS),
];

const INPUT: &[Question] =
    &[Question::Routes, Question::Sysctls(Topic::Routing), Question::Addresses, Question::Policies];
const OUTPUT: &[Question] = &[
    Question::Routes,
    Question::Addresses,
    Question::Neighbour,
    Question::Sysctls(Topic::Routing),
    Question::Qdiscs,
    Question::Policies,
];
const TRANSPORT: &[Question] =
    &[Question::Sockets, Question::Addresses, Question::Sysctls(Topic::Sockets), Question::Policies];
const NEIGHBOURS: &[Question] =
    &[Question::Neighbour, Question::Routes, Question::Addresses, Question::Sysctls(Topic::Neighbours)];
const DEVICES: &[Question] =
    &[Question::Qdiscs, Question::Bridge, Question::Addresses, Question::Sysctls(Topic::Backlog)];
const NETFILTER: &[Question] = &[Question::Conntrack, Question::ConntrackEntries, Question::Addresses];
const BRIDGES: &[Question] = &[Question::Bridge, Question::Sysctls(Topic::Bridges)];
const POLICIES: &[Question] = &[Question::Policies, Question::Routes, Question::Addresses];
const FRAGMENTS: &[Question] = &[Question::Sysctls(Topic::Fragments), Question::Addresses];
const GENERAL: &[Question] = &[
    Question::Routes,
    Question::Sysctls(Topic::Routing),
    Question::Sysctls(Topic::Sockets),
    Question::Addresses,
    Question::Neighbour,
    Question::Qdiscs,
    Question::Bridge,
    Question::Sockets,
    Question::Conntrack,
    Question::Policies,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Drop, Proto, Tuple};

    fn asked(location: &str, reason: &str, kind: &str) -> Vec<Question> {
        let addr = std::net::IpAddr::from([10, 0, 0, 1]);
        let drop = Drop { reason: reason.into(), location: location.into() };
        let step = Step {
            hook: "kfree_skb".into(),
            tuple: Tuple { src: addr, dst: addr, sport: 1, dport: 2, proto: Proto::TCP },
            drop: Some(drop),
            ..Step::sample()
        };
        questions(&step, kind)
    }

    #[test]
    fn the_place_decides_and_the_reason_adds() {
        use Question::{Bridge, Conntrack, Counters, Link, Neighbour, Policies, Qdiscs, Routes, Sockets};
        for (location, reason, wanted) in [
            ("ip_rcv_finish_core.isra.0+0x1a", "IP_RPFILTER", Routes),
            ("ip6_forward+0x1a", "NOT_SPECIFIED", Routes),
            ("tcp_v4_rcv+0x1", "NO_SOCKET", Sockets),
            ("udpv6_queue_rcv_one_skb+0x1", "SOCKET_RCVBUFF", Sockets),
            ("__neigh_event_send+0x1", "NEIGH_QUEUEFULL", Neighbour),
            ("__dev_queue_xmit+0x1", "QDISC_DROP", Qdiscs),
            ("nf_hook_slow+0x1", "NETFILTER_DROP", Conntrack),
            ("br_handle_frame+0x1", "NOT_SPECIFIED", Bridge),
            ("ip_rcv+0x1", "XFRM_POLICY", Policies),
            ("nobody_knows+0x1", "", Sockets),
        ] {
            let asked = asked(location, reason, "");
            assert!(asked.contains(&wanted) && asked.contains(&Counters) && asked.contains(&Link), "{location}");
        }
        assert!(asked("ip_rcv+0x1", "NOT_SPECIFIED", "bridge").contains(&Bridge));
        assert!(!asked("tcp_v4_rcv+0x1", "NO_SOCKET", "").contains(&Routes));
    }

    #[test]
    fn counters_come_first_before_a_question_could_count() {
        assert_eq!(asked("ip_error+0x1", "", "").first(), Some(&Question::Counters));
    }

    #[test]
    fn symbols_without_what_compilers_add() {
        assert_eq!(function("ip_rcv_finish_core.isra.0+0x1a3"), "ip_rcv_finish_core");
        assert_eq!(function("nf_hook_slow+0x1a [nf]"), "nf_hook_slow");
        assert_eq!(function(""), "");
    }
}
