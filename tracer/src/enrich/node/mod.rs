//! Looks up the node's evidence about a packet's end. All questions about one packet are asked in one visit to its netns.
//!
//! Invariant: asking changes nothing. No module is loaded, no neighbour resolved, no packet sent.

mod address;
mod bridge;
mod conntrack;
mod counters;
mod link;
mod neighbour;
mod owners;
mod qdisc;
mod question;
mod queues;
mod route;
mod senders;
mod sockets;
mod sysctl;
mod wireguard;
mod xfrm;

use super::netns::Netns;
use crate::model::{NodeFact, Tuple};
pub use counters::Snapshot;
use link::Links;
pub use owners::Owners;
pub use question::{Question, is_inwards, pending_questions, questions};
pub use senders::{Destination, senders};
pub use sysctl::Topic;

/// Where a packet was dropped, or seen last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Site {
    /// The outermost headers.
    pub tuple: Tuple,
    /// ifindex of the device there, if there is one.
    pub ifindex: Option<u32>,
    /// ifindex of the receiving device; `None` for a packet that this host sends.
    pub iif: Option<u32>,
    /// `skb->mark`.
    pub mark: u32,
}

/// Takes a snapshot of the counters, with which later ones are compared.
///
/// # Errors
/// Returns one sentence if the netns cannot be entered, which takes `CAP_SYS_ADMIN`.
pub fn snapshot(netns: &Netns) -> Result<Snapshot, String> {
    netns.run_in(Snapshot::here).map_err(|error| cannot_enter(netns, &error))
}

/// Asks the node about a place as it is now. A question that the kernel does not answer yields no fact. `owners` says
/// whose sockets are, if that is asked.
///
/// # Errors
/// Fails like [`snapshot`].
pub fn look_up(
    netns: &Netns,
    place: &Site,
    asked: &[Question],
    before: Option<&Snapshot>,
    owners: &Owners,
) -> Result<Vec<NodeFact>, String> {
    netns.run_in(|| facts(place, asked, before, owners)).map_err(|error| cannot_enter(netns, &error))
}

fn cannot_enter(netns: &Netns, error: &std::io::Error) -> String {
    format!("netns {} could not be examined for evidence: cannot enter it: {error}", netns.name())
}

fn facts(place: &Site, asked: &[Question], before: Option<&Snapshot>, owners: &Owners) -> Vec<NodeFact> {
    // Counters come first, because the other questions may take a while.
    let after = before.filter(|_| asked.contains(&Question::Counters)).map(|_| Snapshot::here());
    let links = Links::here().unwrap_or_else(|_| Links::none());
    let wanted = |question| asked.contains(&question);
    let local = if wanted(Question::Addresses) || wanted(Question::Routes) {
        address::here().unwrap_or_default()
    } else {
        Vec::new()
    };
    let ifname = place.ifindex.map_or("", |ifindex| links.name(ifindex));
    let routes = if wanted(Question::Routes) || wanted(Question::Neighbour) {
        route::answers(place, &local, &links)
    } else {
        Vec::new()
    };
    let mut facts = Vec::new();
    for question in asked {
        let began = std::time::Instant::now();
        match question {
            Question::Counters => {
                facts.extend(before.zip(after.as_ref()).into_iter().flat_map(|(b, a)| counters::risen(b, a)));
            }
            Question::Sysctls(topic) => {
                // The receiving device decides, even if the packet was dropped at output.
                let of = place.iif.map_or(ifname, |iif| links.name(iif));
                let ifname = if *topic == Topic::Routing { of } else { ifname };
                facts.extend(sysctl::facts(*topic, place.tuple.dst.is_ipv4(), ifname));
            }
            Question::Link => facts.extend(place.ifindex.and_then(|ifindex| links.fact(ifindex))),
            Question::Addresses => facts.extend(address::facts(place.tuple, &local, &links)),
            Question::Routes => facts.extend(routes.iter().cloned().map(NodeFact::Route)),
            Question::Neighbour => facts.extend(neighbour::fact(place, &routes, &links)),
            Question::Qdiscs => {
                let qdiscs = qdisc::here().unwrap_or_default();
                let unknown = Snapshot::default();
                let of = |ifindex| qdisc::facts(ifindex, &qdiscs, before.unwrap_or(&unknown), &links);
                facts.extend(place.ifindex.into_iter().flat_map(of));
            }
            Question::Sockets => facts.extend(sockets::facts(place.tuple, None)),
            Question::OwnedSockets => facts.extend(sockets::facts(place.tuple, Some(owners))),
            Question::Queues => facts.extend(queues::facts(owners)),
            Question::WireguardDevice => facts.extend(wireguard::device(place.tuple, &links)),
            Question::WireguardPeer => facts.extend(wireguard::peer(place.tuple.dst, ifname, &links)),
            Question::Bridge => {
                facts.extend(place.ifindex.into_iter().flat_map(|ifindex| bridge::facts(ifindex, &links)))
            }
            Question::Conntrack => facts.extend(conntrack::table()),
            Question::ConntrackEntries => facts.extend(conntrack::entries(place.tuple)),
            Question::Policies => facts.extend(xfrm::facts(place.tuple)),
        }
        tracing::debug!("{question:?} took {:?}", began.elapsed());
    }
    facts
}
