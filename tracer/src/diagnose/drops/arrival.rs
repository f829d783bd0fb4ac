//! `bad-checksum`, `packet-for-other-host` and `fragments-incomplete`: the packet arrives in a state that nothing
//! accepts.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Proto, Severity};

/// Explains drops because of how a packet arrives.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    checksum(dropped).or_else(|| other_host(dropped)).or_else(|| fragments(dropped))
}

fn checksum(dropped: &Dropped<'_>) -> Option<Explained> {
    let which = said(dropped).or_else(|| counted(dropped))?;
    let (src, ifname) = (dropped.tuple().src, &dropped.step.ifname);
    Some(Explained {
        id: "bad-checksum",
        why: format!("its {which} checksum is wrong"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the packet arrived with a wrong {which} checksum"),
            ..Cause::default()
        },
        evidence: dropped.counted(COUNTERS).into_iter().collect(),
        confidence: if dropped.unspecified() { Confidence::Likely } else { Confidence::Certain },
        advice: format!(
            "Find out what damages packets between {src} and {ifname}: a cable, a device, or a program that rewrites \
             headers.\nOr look for a device that should have filled in the checksum (`ethtool -K DEVICE tx off` at the \
             sender shows it)."
        ),
        ..Explained::default()
    })
}

fn said(dropped: &Dropped<'_>) -> Option<&'static str> {
    let rows = [("IP_CSUM", "IPv4 header"), ("TCP_CSUM", "TCP"), ("UDP_CSUM", "UDP"), ("ICMP_CSUM", "ICMP")];
    rows.into_iter().find(|(reason, _)| dropped.because(&[reason])).map(|(_, which)| which)
}

/// Names the checksum by the counters, which are the only evidence before 5.17. Another packet may have raised
/// them, so the result is `None` if this packet explains another counter that rose.
fn counted(dropped: &Dropped<'_>) -> Option<&'static str> {
    let ipv4 = dropped.tuple().dst.is_ipv4();
    let (functions, counter, other, which): (&[&str], _, _, _) = match (dropped.tuple().proto, ipv4) {
        (Proto::TCP, _) => (&["tcp_v4_rcv", "tcp_v6_rcv"], "Tcp.InCsumErrors", "Tcp.OutRsts", "TCP"),
        (Proto::UDP, true) => (UDP, "Udp.InCsumErrors", "Udp.NoPorts", "UDP"),
        (Proto::UDP, false) => (UDP, "Udp6InCsumErrors", "Udp6NoPorts", "UDP"),
        _ => (&[], "", "", ""),
    };
    // The header's checksum is verified first, whatever the packet is for.
    if ipv4 && dropped.unspecified_within(&["ip_rcv_core"]) {
        return dropped.counted(&["IpExt.InCsumErrors"]).map(|_| "IPv4 header");
    }
    dropped.counted(&[counter]).filter(|_| dropped.unspecified_within(functions))?;
    let unasked = dropped.node().contains(&NodeFact::NoSocket) && dropped.counted(&[other]).is_some();
    (!unasked).then_some(which)
}

const UDP: &[&str] = &[
    "__udp4_lib_rcv",
    "__udp6_lib_rcv",
    "udp_rcv",
    "udpv6_rcv",
    "udp_queue_rcv_one_skb",
    "udpv6_queue_rcv_one_skb",
    "udp_recvmsg",
    "udpv6_recvmsg",
    "__first_packet_length",
    "udp_read_skb",
];

const COUNTERS: &[&str] = &[
    "Tcp.InCsumErrors",
    "Udp.InCsumErrors",
    "Udp6InCsumErrors",
    "IpExt.InCsumErrors",
    "Icmp.InCsumErrors",
    "Icmp6InCsumErrors",
];

/// Explains packets for another host, for which there is a reason since 5.19 (`ip_rcv_core`, net/ipv4/ip_input.c;
/// `ip6_rcv_core`, net/ipv6/ip6_input.c).
fn other_host(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.because(&["OTHERHOST"]) {
        return None;
    }
    let (dst, netns, ifname) = (dropped.tuple().dst, dropped.netns(), &dropped.step.ifname);
    let own = dropped.node().iter().find_map(|fact| match fact {
        NodeFact::Link { address, .. } if !address.is_empty() => Some(address.as_str()),
        _ => None,
    });
    let own = own.map_or_else(String::new, |address| format!(" ({address})"));
    let local = dropped.local(dst);
    Some(Explained {
        id: "packet-for-other-host",
        // A bridge floods frames for others, and a promiscuous device passes them on. Only a packet for an address
        // of this netns is a loss.
        severity: if local.is_some() { Severity::Error } else { Severity::Info },
        why: format!("the frame is addressed to another host's MAC address, not to that of {ifname}{own}"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the frame is addressed to the MAC address of another host, not to that of {ifname}{own}"),
            ..Cause::default()
        },
        evidence: local
            .map(|device| format!("{dst} is an address of netns {netns}, on {device}"))
            .into_iter()
            .collect(),
        advice: format!(
            "Check the sender's neighbour entry for its next hop (`ip neighbour`): the entry may be stale or configured \
             wrongly.\nIf {ifname} receives all frames (a bridge port, a capture), frames for other hosts are normal and \
             nothing is lost."
        ),
        ..Explained::default()
    })
}

/// Functions that end a queue of fragments after its timeout, and nothing else (net/ipv4/ip_fragment.c,
/// include/net/ipv6_frag.h, net/ipv6/reassembly.c, net/ipv6/netfilter/nf_conntrack_reasm.c).
const EXPIRE: &[&str] = &["ip_expire", "ip6_frag_expire", "ip6frag_expire_frag_queue", "nf_ct_frag6_expire"];

fn fragments(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.because(&["FRAG_REASM_TIMEOUT"]) && !dropped.unspecified_within(EXPIRE) {
        return None;
    }
    let (src, netns) = (dropped.tuple().src, dropped.netns());
    let wait = dropped.sysctls("frag_time").next();
    let waited = wait.map_or_else(String::new, |(name, value)| format!(" within {value} s ({name})"));
    Some(Explained {
        id: "fragments-incomplete",
        why: "other fragments of its datagram did not arrive".to_owned(),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("netns {netns} waited for the datagram's other fragments, which did not arrive{waited}"),
            ..Cause::default()
        },
        evidence: dropped.counted(&["Ip.ReasmTimeout", "Ip6ReasmTimeout"]).into_iter().collect(),
        advice: format!(
            "Find out where the other fragments from {src} are lost: firewalls and load balancers often drop fragments, \
             which have no ports.\nOr avoid fragments: use a smaller MTU at the sender, or smaller datagrams."
        ),
        ..Explained::default()
    })
}
