//! Findings that need only a drop itself: its reason, its place, the packet's path so far and the node's answers.
//!
//! Invariant: a reason or a place alone is no cause if the kernel uses it for several things.

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
pub mod reason;
mod route;
mod socket;
mod source;
mod wireguard;
mod xfrm;

use std::collections::HashSet;

use super::{facts::Facts, finding::merged};
use crate::model::{Finding, Name};
pub use dropped::Dropped;
pub use explained::Explained;

/// A family of causes. It explains the drops of its own kind and returns `None` for all others.
type Family = fn(&Dropped<'_>) -> Option<Explained>;

/// All families, in the order in which they are tried; the first explanation counts.
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
    reason::explain,
];

/// Returns one finding for each flow, place and cause. Skips drops that `known` findings explain already: copies of a
/// packet share its id, but each may be dropped for a reason of its own.
pub fn find(facts: &Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let explained: HashSet<(u64, &Name)> =
        known.iter().flat_map(|finding| finding.packets.iter().map(|packet| (*packet, &finding.reason))).collect();
    merged(facts.drops().filter_map(|step| {
        let dropped = Dropped::new(facts, step)?;
        if explained.contains(&(step.packet, &dropped.drop.reason)) {
            return None;
        }
        let explained = FAMILIES.iter().find_map(|family| family(&dropped))?;
        Some(explained.finding(&dropped))
    }))
}
