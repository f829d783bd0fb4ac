//! Findings about drops that speak for themselves: what ate the packet, by the kernel's reason, the place,
//! the packet's way so far and what the node said.
//!
//! Invariant: a reason or a place alone is no cause where the kernel uses it for several things.

mod arrival;
mod bridge;
mod conntrack;
mod dropped;
mod explained;
mod forward;
mod link;
mod neighbour;
mod netfilter;
mod program;
mod qdisc;
mod queue;
mod route;
mod socket;
mod source;
mod wireguard;
mod xfrm;

use std::collections::HashSet;

use super::{facts::Facts, finding::merged};
use crate::model::Finding;
pub use dropped::Dropped;
pub use explained::Explained;

/// A family of causes. It explains the drops that are its business, and no others.
type Family = fn(&Dropped<'_>) -> Option<Explained>;

/// All families, in the order that they are asked in: the first answer counts.
const FAMILIES: &[Family] = &[
    program::explain,
    bridge::explain,
    xfrm::explain,
    wireguard::explain,
    conntrack::explain,
    netfilter::explain,
    link::explain,
    neighbour::explain,
    qdisc::explain,
    source::explain,
    forward::explain,
    route::explain,
    arrival::explain,
    queue::explain,
    socket::explain,
];

/// One finding for each flow, place and cause. Packets that `known` findings are about are explained already.
pub fn find(facts: &Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let explained: HashSet<u64> = known.iter().flat_map(|finding| finding.packets.iter().copied()).collect();
    merged(facts.drops().filter_map(|step| {
        if explained.contains(&step.packet) {
            return None;
        }
        let dropped = Dropped::new(facts, step)?;
        let explained = FAMILIES.iter().find_map(|family| family(&dropped))?;
        Some(explained.finding(&dropped))
    }))
}
