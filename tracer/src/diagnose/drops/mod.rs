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
pub mod neighbour;
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

use std::collections::HashMap;

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

/// Returns one finding for each flow, place and cause. Skips drops that `known` findings explain already. If copies of a
/// packet were dropped, which share its id, a finding explains those with its reason.
pub fn find(facts: &Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut explained: HashMap<u64, Vec<&Name>> = HashMap::new();
    for finding in known {
        for packet in &finding.packets {
            explained.entry(*packet).or_default().push(&finding.reason);
        }
    }
    let ended_once = |packet: u64| facts.packet(packet).iter().filter(|step| step.drop.is_some()).nth(1).is_none();
    merged(facts.drops().filter_map(|step| {
        let dropped = Dropped::new(facts, step)?;
        let known = explained.get(&step.packet);
        if known.is_some_and(|reasons| reasons.contains(&&dropped.drop.reason) || ended_once(step.packet)) {
            return None;
        }
        let explained = FAMILIES.iter().find_map(|family| family(&dropped))?;
        Some(explained.finding(&dropped))
    }))
}
