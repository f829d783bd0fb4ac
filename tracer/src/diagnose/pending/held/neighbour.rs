//! `neighbour-failed`: packets wait for the next hop's hardware address.

use super::{
    super::{super::drops::neighbour, Waited},
    Held, draft,
};
use crate::model::{Confidence, NodeFact, Severity};

/// Explains packets in a neighbour's queue.
pub fn explain(waited: &Waited<'_>) -> Option<Held> {
    let hop = neighbour::next_hop(waited.node)?;
    let route =
        waited.routes(waited.first.outer.unwrap_or(waited.first.tuple).dst).find_map(|answer| answer.route.as_deref());
    let carrier = waited.node.iter().find_map(|fact| match fact {
        NodeFact::Link { ifname, carrier: false, .. } => Some(format!("{ifname} has no carrier")),
        _ => None,
    });
    let evidence = [Some(hop.describe()), route.map(|route| format!("the packet's route: `{route}`")), carrier]
        .into_iter()
        .flatten();
    // That the packet is in this queue follows from what it waits for, and was not seen.
    let mut draft = draft(waited, evidence.collect(), Confidence::Likely, hop.advice());
    draft.place.ifname = Some(hop.ifname.into());
    draft.cause.place = draft.place.clone();
    Some(Held {
        id: "neighbour-failed",
        why: format!("{} has not answered {} on {} so far", hop.addr, hop.protocol(), hop.ifname),
        draft,
        severity: Severity::Error,
    })
}
