//! `link-down` and `device-mtu-exceeded`: the device or its veth peer is down, or the packet is too long for the
//! peer.

use super::{super::firewall::on_device, Dropped, Explained, neighbour::UNANSWERED};
use crate::model::{Cause, Confidence, NodeFact};

/// Explains drops because of the state of a device.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let link = Link::of(dropped)?;
    if link.up && link.carrier { too_long_for_peer(dropped, &link) } else { down(dropped, &link) }
}

/// Functions that free packets for a device that does not work: its qdisc is `noop` (`noop_enqueue`,
/// net/sched/sch_generic.c). Unanswered neighbours (`UNANSWERED`) and veth pairs (`PEER`) have lists of their own.
const ENDS: &[&str] = &[
    "__dev_queue_xmit",
    "__dev_xmit_skb",
    "noop_enqueue",
    "dev_hard_start_xmit",
    "sch_direct_xmit",
    "kfree_skb_list",
    "kfree_skb_list_reason",
    "__tcf_kfree_skb_list",
];

/// Functions that pass a packet to the other end of a veth pair. They refuse it if that end is down, or if the
/// packet is longer than its MTU (`__is_skb_forwardable`, include/linux/netdevice.h).
const PEER: &[&str] =
    &["__dev_forward_skb2", "__dev_forward_skb", "____dev_forward_skb", "veth_forward_skb", "veth_xmit"];

fn down(dropped: &Dropped<'_>, link: &Link<'_>) -> Option<Explained> {
    let place = dropped.within(ENDS) && (dropped.unspecified() || dropped.because(&["QDISC_DROP", "DEV_READY"]));
    let peer = dropped.unspecified_within(PEER) && link.kind == "veth";
    let unanswered = dropped.because(&["NEIGH_FAILED"]) || dropped.unspecified_within(UNANSWERED);
    // When a device loses carrier, its neighbours are removed with the packets that wait for them
    // (`neigh_carrier_down`, net/core/neighbour.c).
    let forgotten = dropped.because(&["QUEUE_PURGE"]) && dropped.within(&["neigh_destroy", "neigh_flush_dev"]);
    if !place && !peer && !unanswered && !forgotten {
        return None;
    }
    let ifname = link.ifname;
    let state = if link.up { "has no carrier" } else { "is down" };
    let far = match link.kind {
        "veth" if link.up => format!("the veth peer of {ifname} is down"),
        _ => format!("{ifname} {state}"),
    };
    Some(Explained {
        id: "link-down",
        why: format!("{ifname} {state}"),
        cause: Cause { place: on_device(dropped.step), did: far, ..Cause::default() },
        evidence: vec![format!(
            "{ifname} is {}, {}",
            if link.up { "up" } else { "down" },
            if link.carrier { "with carrier" } else { "without carrier" }
        )],
        advice: if link.up {
            format!("Find out why {ifname} has no carrier: check the cable or the other end (`ip link show {ifname}`).")
        } else {
            format!("Set {ifname} up (`ip link set {ifname} up`), and find out what set it down.")
        },
        ..Explained::default()
    })
}

fn too_long_for_peer(dropped: &Dropped<'_>, link: &Link<'_>) -> Option<Explained> {
    if !dropped.unspecified_within(PEER) || link.kind != "veth" {
        return None;
    }
    let ifname = link.ifname;
    let bytes = dropped.step.len.saturating_sub(ETH_HLEN);
    Some(Explained {
        id: "device-mtu-exceeded",
        why: format!("its {bytes} bytes exceed the MTU of the veth peer of {ifname}"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!(
                "the MTU of the veth peer of {ifname} is less than {bytes}; the MTU of {ifname} itself is {}",
                link.mtu
            ),
            ..Cause::default()
        },
        evidence: vec![format!(
            "{ifname} is a veth with carrier, so both ends are up; the only remaining reason is the packet's length"
        )],
        // The other end may be in another netns, which was not asked.
        confidence: Confidence::Likely,
        advice: format!(
            "Set the same MTU on both ends of {ifname}.\nOr set `mtu` on the route, if the smaller MTU is intended."
        ),
        ..Explained::default()
    })
}

/// Length of an Ethernet header, which `skb->len` includes when a device passes a frame on.
const ETH_HLEN: u32 = 14;

struct Link<'a> {
    ifname: &'a str,
    up: bool,
    carrier: bool,
    mtu: u32,
    kind: &'a str,
}

impl<'a> Link<'a> {
    fn of(dropped: &Dropped<'a>) -> Option<Self> {
        dropped.node().iter().find_map(|fact| match fact {
            NodeFact::Link { ifname, up, carrier, mtu, kind, .. } => {
                Some(Self { ifname, up: *up, carrier: *carrier, mtu: *mtu, kind })
            }
            _ => None,
        })
    }
}
