//! `neighbour-failed` and `neighbour-queue-full`: the next hop's hardware address is not known.

use std::net::IpAddr;

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Severity};

/// Functions that free packets waiting for an address that is never resolved, with ARP's and ND's report inlined or
/// not (`neigh_invalidate`, net/core/neighbour.c; `arp_error_report`, net/ipv4/arp.c; `ndisc_error_report`,
/// net/ipv6/ndisc.c, without a reason up to 7.3).
pub const UNANSWERED: &[&str] =
    &["neigh_invalidate", "neigh_timer_handler", "arp_error_report", "ndisc_error_report", "__neigh_event_send"];

/// Explains drops of packets that wait for the next hop's address.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    queue_full(dropped).or_else(|| failed(dropped)).or_else(|| renewed(dropped))
}

/// Explains drops by a full queue. `__neigh_event_send` discards the packet that has waited longest when a new one
/// comes.
fn queue_full(dropped: &Dropped<'_>) -> Option<Explained> {
    let counted = dropped.counted(&["arp_cache.unresolved_discards", "ndisc_cache.unresolved_discards"]);
    let hop = next_hop(dropped.node())?;
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
    let hop = next_hop(dropped.node())?;
    if !is_unanswered(dropped) || hop.is_resolved() {
        return None;
    }
    let protocol = hop.protocol();
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
        advice: hop.advice(),
        ..Explained::default()
    })
}

/// Explains drops by an entry that failed, or was deleted (`ip neighbour flush`), while the packet waited, and that the
/// next packet had resolved by the time the node was asked.
fn renewed(dropped: &Dropped<'_>) -> Option<Explained> {
    let hop = next_hop(dropped.node()).filter(Hop::is_resolved)?;
    if !is_unanswered(dropped) {
        return None;
    }
    let waited = dropped.before().next().map_or(0, |step| dropped.step.ts.saturating_sub(step.ts));
    let why = format!(
        "its wait for the hardware address of {} on {} ended without an answer; right afterwards the address is known",
        hop.addr, hop.ifname
    );
    Some(Explained {
        id: "neighbour-failed",
        severity: if waited >= GIVES_UP { Severity::Warning } else { Severity::Info },
        cause: Cause { place: on_device(dropped.step), did: why.clone(), ..Cause::default() },
        why,
        evidence: vec![hop.describe()],
        confidence: Confidence::Likely,
        advice: format!(
            "If this happens once, do nothing: the entry may have been deleted while the packet waited (`ip neighbour \
             flush`).\nIf it is repeated, find out why {} answers late.",
            hop.addr
        ),
        ..Explained::default()
    })
}

/// How long the kernel waits for an answer: three requests, one a second (`mcast_solicit`, `retrans_time_ms`), less
/// what the first packet waited before the first of them.
const GIVES_UP: u64 = 2_500_000_000;

fn is_unanswered(dropped: &Dropped<'_>) -> bool {
    dropped.because(&["NEIGH_FAILED"]) || dropped.unspecified_within(UNANSWERED)
}

/// The neighbour entry of a next hop.
pub struct Hop<'a> {
    /// Its address.
    pub addr: IpAddr,
    /// The device that leads to it.
    pub ifname: &'a str,
    /// `NUD_*` without the prefix.
    state: &'a str,
}

impl Hop<'_> {
    fn is_resolved(&self) -> bool {
        !["FAILED", "INCOMPLETE", "NONE"].contains(&self.state)
    }

    /// Names the protocol that asks for its hardware address.
    pub fn protocol(&self) -> &'static str {
        if self.addr.is_ipv4() { "ARP" } else { "neighbour discovery" }
    }

    /// Advice if it does not answer.
    pub fn advice(&self) -> String {
        let Self { addr, ifname, .. } = self;
        format!(
            "Find out whether {addr} is up and connected to the network of {ifname} (VLAN, bridge, cable).\nOr correct the \
             address or the route, if no host should have {addr} there."
        )
    }

    /// A sentence about the entry.
    pub fn describe(&self) -> String {
        format!("the neighbour entry of {} on {} is {}", self.addr, self.ifname, self.state)
    }
}

/// Returns the next hop's entry, if the node was asked for it.
pub fn next_hop(node: &[NodeFact]) -> Option<Hop<'_>> {
    node.iter().find_map(|fact| match fact {
        NodeFact::Neighbour { addr, ifname, state } => Some(Hop { addr: *addr, ifname, state }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::diagnose,
        model::{Drop, Step, Trace},
    };

    #[test]
    fn an_address_that_is_known_right_afterwards_did_not_fail() {
        let found = |state: &str, waited: u64| {
            let first = Step { ts: 1, ..Step::sample() };
            let addr = IpAddr::from([10, 0, 0, 1]);
            let fact = NodeFact::Neighbour { addr, ifname: "eth0".to_owned(), state: state.to_owned() };
            let drop = Drop { reason: "NEIGH_FAILED".into(), location: "neigh_invalidate+0x1".into() };
            let last = Step { ts: 1 + waited, node: vec![fact], drop: Some(drop), ..Step::sample() };
            let findings = diagnose(&Trace { steps: vec![first, last], ..Trace::default() });
            findings.first().map(|finding| (finding.id.clone(), finding.severity))
        };
        let failed = |severity| Some(("neighbour-failed".to_owned(), severity));
        assert_eq!(found("FAILED", 3_000_000_000), failed(Severity::Error));
        assert_eq!(found("REACHABLE", 3_000_000_000), failed(Severity::Warning));
        assert_eq!(found("REACHABLE", 40_000_000), failed(Severity::Info));
    }
}
