//! `tunnel-mtu-exceeded`: a sender repeats packets that do not fit into a tunnel, because it does not learn the
//! MTU.

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{dropped, on_device, packet_with_tuple},
    path_mtu::not_learned,
};
use crate::model::{Cause, Confidence, Finding, Step};

/// Returns one finding for each flow, direction and tunnel.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

/// `rtnl_link_ops.kind` of devices that wrap packets.
const TUNNELS: &[&str] = &[
    "wireguard",
    "vxlan",
    "geneve",
    "ipip",
    "sit",
    "gre",
    "gretap",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "erspan",
    "xfrm",
    "vti",
    "vti6",
];

fn finding(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    let (reported, mtu) = icmp_error(facts, drop)?;
    let kind = tunnel(facts, reported)?;
    // Working path MTU discovery drops a packet, too. Only a sender that repeats that size has not learned.
    let again = not_learned(facts, drop, |step| {
        icmp_error(facts, step)
            .is_some_and(|(place, _)| place.ifindex == reported.ifindex && place.netns == reported.netns)
    })?;
    let (netns, ifname) = (facts.netns(reported.netns), &reported.ifname);
    let draft = Draft {
        id: "tunnel-mtu-exceeded",
        title: format!(
            "the {} has {} bytes and exceeds the MTU of {kind} {ifname} in netns {netns}, which is {mtu}; the sender was \
             notified but keeps sending this size",
            packet_with_tuple(drop),
            reported.len,
        ),
        place: on_device(reported),
        cause: Cause {
            place: on_device(reported),
            did: format!("the MTU of {kind} {ifname} is {mtu}, the packet has {} bytes", reported.len),
            ..Cause::default()
        },
        evidence: vec![
            format!(
                "{}: {} bytes for {ifname}; the stack reports to the sender that the MTU is {mtu}",
                facts.cite(reported),
                reported.len
            ),
            format!("{}: {}", facts.cite(drop), dropped(drop)),
            format!("{}: another packet exceeds the MTU; the sender has not learned it", facts.cite(again)),
        ],
        confidence: Confidence::Certain,
        advice: format!(
            "Set an MTU of {mtu} at {} for packets to {} (on the device, or on the route with `mtu {mtu}`); for TCP, clamp \
             the MSS where the connection enters the tunnel.\nLet ICMP \u{201c}fragmentation needed\u{201d} and ICMPv6 \u{201c}packet too big\u{201d} through to {}, so that it can learn the MTU.",
            drop.tuple.src, drop.tuple.dst, drop.tuple.src
        ),
    };
    Some(draft.about(drop))
}

/// Returns the step at which the stack reported that the packet is too big, before it dropped it, and the reported
/// MTU.
fn icmp_error<'a>(facts: &Facts<'a>, drop: &Step) -> Option<(&'a Step, u32)> {
    facts.before(drop).find_map(|step| Some((step, step.icmp?.mtu?))).filter(|(step, mtu)| step.len > *mtu)
}

/// Names the tunnel that the packet does not fit into: the device that it was to leave by, or the tunnel that it is
/// in.
fn tunnel(facts: &Facts<'_>, reported: &Step) -> Option<String> {
    let device = facts.device(reported.netns, reported.ifindex).map(|device| device.kind.as_str());
    match device.filter(|kind| TUNNELS.contains(kind)) {
        Some(kind) => Some(format!("{kind} device")),
        None => reported.outer.map(|_| "a tunnel over".to_owned()),
    }
}
