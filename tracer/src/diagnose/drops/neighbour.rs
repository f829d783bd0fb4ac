//! `neighbour-failed` and `neighbour-queue-full`: the next hop's hardware address is not known.

use std::net::IpAddr;

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, NodeFact};

/// Functions that free packets waiting for an address that is never resolved, with ARP's and ND's report inlined or
/// not (`neigh_invalidate`, net/core/neighbour.c; `arp_error_report`, net/ipv4/arp.c; `ndisc_error_report`,
/// net/ipv6/ndisc.c, without a reason up to 7.3).
pub const UNANSWERED: &[&str] =
    &["neigh_invalidate", "neigh_timer_handler", "arp_error_report", "ndisc_error_report", "__neigh_event_send"];

/// Explains drops of packets that wait for the next hop's address.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    queue_full(dropped).or_else(|| failed(dropped))
}

/// Explains drops by a full queue. `__neigh_event_send` discards the packet that has waited longest when a new one
/// comes.
fn queue_full(dropped: &Dropped<'_>) -> Option<Explained> {
    let counted = dropped.counted(&["arp_cache.unresolved_discards", "ndisc_cache.unresolved_discards"]);
    let hop = next_hop(dropped)?;
    // The hop may have answered by the time the node was asked. What a failed entry discards is not counted.
    let waits = !["FAILED", "NONE"].contains(&hop.state);
    let seen = dropped.unspecified_within(&["__neigh_event_send"]) && waits && counted.is_some();
    if !(seen || dropped.because(&["NEIGH_QUEUEFULL"])) {
        return None;
    }
    let limit = dropped.sysctl("unres_qlen_bytes");
    let limits = limit.map_or_else(String::new, |(name, value)| format!(" ({name} is {value})"));
    Some(Explained {
        id: "neighbour-queue-full",
        why: format!("the queue of packets that wait for the hardware address of {} is full", hop.addr),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("{} was not resolved yet on {}, and its queue was full{limits}", hop.addr, hop.ifname),
            ..Cause::default()
        },
        evidence: [Some(hop.describe()), counted, limit.map(|(name, value)| format!("{name} is {value}"))]
            .into_iter()
            .flatten()
            .collect(),
        advice: format!(
            "Find out why {} answers late.\nOr allow a longer queue: `sysctl net.{}.neigh.{}.unres_qlen_bytes`.",
            hop.addr,
            if hop.addr.is_ipv4() { "ipv4" } else { "ipv6" },
            hop.ifname,
        ),
        ..Explained::default()
    })
}

fn failed(dropped: &Dropped<'_>) -> Option<Explained> {
    let hop = next_hop(dropped)?;
    let unanswered = dropped.because(&["NEIGH_FAILED"]) || dropped.unspecified_within(UNANSWERED);
    if !unanswered || !["FAILED", "INCOMPLETE", "NONE"].contains(&hop.state) {
        return None;
    }
    let protocol = if hop.addr.is_ipv4() { "ARP" } else { "neighbour discovery" };
    let is_gateway = hop.addr != dropped.tuple().dst;
    let role = if is_gateway { "the gateway" } else { "the destination itself" };
    let route = dropped.route().and_then(|answer| answer.route.as_deref());
    Some(Explained {
        id: "neighbour-failed",
        why: format!("{} does not answer {protocol} on {}", hop.addr, hop.ifname),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the next hop {}, {role}, does not answer {protocol} on {}", hop.addr, hop.ifname),
            ..Cause::default()
        },
        evidence: [
            Some(hop.describe()),
            route.map(|route| format!("the packet's route: `{route}`")),
            dropped.counted(&["arp_cache.res_failed", "ndisc_cache.res_failed"]),
        ]
        .into_iter()
        .flatten()
        .collect(),
        advice: format!(
            "Find out whether {} is up and connected to the network of {} (VLAN, bridge, cable).\nOr correct the address \
             or the route, if no host should have {} there.",
            hop.addr, hop.ifname, hop.addr,
        ),
        ..Explained::default()
    })
}

struct Hop<'a> {
    addr: IpAddr,
    ifname: &'a str,
    state: &'a str,
}

impl Hop<'_> {
    fn describe(&self) -> String {
        format!("the neighbour entry of {} on {} is {}", self.addr, self.ifname, self.state)
    }
}

fn next_hop<'a>(dropped: &Dropped<'a>) -> Option<Hop<'a>> {
    dropped.node().iter().find_map(|fact| match fact {
        NodeFact::Neighbour { addr, ifname, state } => Some(Hop { addr: *addr, ifname, state }),
        _ => None,
    })
}
