//! Looks up what the node could send, if no packet matched the filter.

use ipnet::IpNet;

use super::Filter;
use crate::{
    enrich::{
        netns::Netns,
        node::{self, Destination},
    },
    model::{Sender, Unmatched},
};

/// Maximum number of network namespaces to ask. Each takes a few milliseconds.
const ASKED_AT_MOST: usize = 32;

/// Asks each netns that has a name, or the one that the filter asks for. Returns what was found, and sentences about
/// look-ups that failed.
pub fn unmatched(filter: &Filter) -> (Unmatched, Vec<String>) {
    let to =
        filter.dst.or(filter.host).filter(|net| net.prefix_len() == net.max_prefix_len()).as_ref().map(IpNet::addr);
    let mut problems = Vec::new();
    let mut all = match &filter.netns {
        Some(name) => Netns::resolve(name).into_iter().collect(),
        None => Netns::all_at_hand(),
    };
    all.sort_by(|one, other| one.name().cmp(other.name()));
    let mut senders = Vec::new();
    let Some(addr) = to else { return (Unmatched { to, senders, skipped: 0 }, problems) };
    let to_addr = Destination { addr, port: filter.dport.or(filter.port), proto: filter.proto };
    let owners = node::Owners::default();
    for netns in all.iter().take(ASKED_AT_MOST) {
        let node = node::senders(netns, to_addr, &owners).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        // A search finds better names than those that a CNI plugin made up.
        let named = Netns::find(netns.inum());
        let name = named.as_ref().unwrap_or(netns).name().to_owned();
        senders.push(Sender { netns: netns.inum(), name, node });
    }
    (Unmatched { to, senders, skipped: all.len().saturating_sub(ASKED_AT_MOST) }, problems)
}
