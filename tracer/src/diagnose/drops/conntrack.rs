//! `conntrack-table-full` and `conntrack-zone-mismatch`: conntrack refuses the packet, or knows its connection in
//! another zone.

use tracer_common::hook;

use super::{
    super::{
        facts::dropped_by_netfilter,
        firewall::{accept_rule, name, on_device, place},
    },
    Dropped, Explained,
};
use crate::model::{Cause, Confidence, CtState, NodeFact};

/// Explains drops by conntrack. Tried before the family of rules: a rule that drops what conntrack does not
/// recognise is not the cause.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    full(dropped).or_else(|| mismatch(dropped))
}

fn full(dropped: &Dropped<'_>) -> Option<Explained> {
    let by = dropped_by_netfilter(dropped.step);
    // On 5.10 conntrack's own verdict is not seen, but a full table still is.
    let unseen = by.is_none() && dropped.unspecified_within(&["nf_hook_slow", "nf_hook_slow_list"]);
    if !unseen && by.is_none_or(|by| by.table.is_some()) {
        return None;
    }
    let (count, max) = dropped.node().iter().find_map(|fact| match fact {
        NodeFact::ConntrackTable { count, max } => Some((*count, *max)),
        _ => None,
    })?;
    // `__nf_conntrack_alloc` (net/netfilter/nf_conntrack_core.c, 5.10 to 7.3) raises both counters if the table is
    // full.
    let counted = dropped.counted(&["nf_conntrack.drop", "nf_conntrack.early_drop"]);
    if count < max && counted.is_none() {
        return None;
    }
    let mut evidence = vec![format!("conntrack in netns {} has {count} entries, the limit is {max}", dropped.netns())];
    evidence.extend(counted);
    Some(Explained {
        id: "conntrack-table-full",
        why: format!("the conntrack table is full (right after the drop: {count} entries, limit {max})"),
        cause: Cause {
            place: by.map_or_else(|| on_device(dropped.step), |by| place(dropped.step, by)),
            did: format!("the conntrack table was full: {count} entries, nf_conntrack_max is {max}"),
            ..Cause::default()
        },
        evidence,
        confidence: if unseen { Confidence::Likely } else { Confidence::Certain },
        advice:
            "Raise net.netfilter.nf_conntrack_max (and the size of the hash table with it).\nOr find out who opens so \
                 many connections (`conntrack -L`), shorten the timeouts, or exempt such traffic from conntrack."
                .to_owned(),
        ..Explained::default()
    })
}

fn mismatch(dropped: &Dropped<'_>) -> Option<Explained> {
    let step = dropped.step;
    let refusal = dropped.facts.refusal(step).filter(|refusal| refusal.by.table.is_some())?;
    let by = refusal.by;
    let ct = step.ct.as_ref().filter(|ct| matches!(ct.state, CtState::New | CtState::Invalid))?;
    let zone = ct.zone.or_else(|| dropped.passed(&[hook::NF_CONNTRACK_IN])?.ct.as_ref()?.zone)?;
    let zones = dropped.node().iter().find_map(|fact| match fact {
        NodeFact::ConntrackZones { zones } if !zones.contains(&zone) => Some(zones),
        _ => None,
    })?;
    let chains = dropped.facts.reachable(step.netns, by);
    let (accepting, accept) = accept_rule(&chains, by)?;
    let others = zones.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    Some(Explained {
        id: "conntrack-zone-mismatch",
        why: format!("conntrack looked it up in zone {zone}, but its connection is in zone {others}"),
        place: Some(place(step, by)),
        cause: Cause {
            place: on_device(step),
            did: format!("the packet was looked up in conntrack zone {zone}, but its connection is in zone {others}"),
            ..Cause::default()
        },
        evidence: vec![
            format!(
                "conntrack has an entry for this tuple in zone {others}; the packet is {} in zone {zone}",
                ct.state
            ),
            format!(
                "rule {} of chain {} (`{}`) accepts established connections but cannot match this packet",
                accept.rule, accepting.chain, accept.text
            ),
            format!("the packet therefore reaches {}", name(by)),
        ]
        .into_iter()
        .chain(refusal.missed(dropped.facts, step))
        .collect(),
        confidence: refusal.confidence(step),
        advice:
            "Use the same zone for both directions of the connection (`ct zone set`, `-j CT --zone`).\nIf the zone \
                 depends on the device, add a rule for each device and one for packets that the host itself sends."
                .to_owned(),
        ..Explained::default()
    })
}
