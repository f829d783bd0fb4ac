//! Counts drops by cause, by place and, if only drops are reported, by flow.

use std::cmp::Reverse;

use crate::{
    fast::Map,
    model::{Direction, Drop, DropCount, Step, Where},
};

/// Counts of drops.
#[derive(Debug, Default)]
pub struct DropCounts {
    by_flow: bool,
    counts: Map<Key, DropCount>,
}

/// Maximum number of rows before flows are no longer distinguished, because their number has no bound.
const FLOWS_AT_MOST: usize = 65_536;

#[derive(Debug, Eq, Hash, PartialEq)]
struct Key {
    cause: Option<String>,
    drop: Drop,
    place: Where,
    flow: Option<(u64, Direction)>,
}

impl DropCounts {
    /// Creates empty counts; `by_flow` distinguishes flows.
    pub fn new(by_flow: bool) -> Self {
        Self { by_flow, counts: Map::default() }
    }

    /// Counts a step, if it is a drop; `cause` is the id of the finding that explains it.
    pub fn add(&mut self, step: &Step, cause: Option<&str>) {
        let Some(drop) = &step.drop else { return };
        let by_flow = self.by_flow && self.counts.len() < FLOWS_AT_MOST;
        let key = Key {
            cause: cause.map(str::to_owned),
            drop: drop.clone(),
            place: place(step),
            flow: by_flow.then_some((step.flow, step.direction)),
        };
        let count = self.counts.entry(key).or_insert_with_key(|key| DropCount {
            cause: key.cause.clone(),
            flow: key.flow.map(|(flow, _)| flow),
            tuple: key.flow.map(|_| step.tuple),
            reason: drop.reason.clone(),
            location: drop.location.clone(),
            r#where: key.place.clone(),
            packets: 0,
        });
        count.packets += 1;
    }

    /// Adds drops that were counted elsewhere, without distinguishing flows.
    pub fn add_count(&mut self, more: DropCount) {
        let drop = Drop { reason: more.reason.clone(), location: more.location.clone() };
        let key = Key { cause: more.cause.clone(), drop, place: more.r#where.clone(), flow: None };
        let count = self.counts.entry(key).or_insert(DropCount { packets: 0, ..more });
        count.packets += more.packets;
    }

    /// Returns the counts, most packets first. Equal counts are in the order of their flows and places.
    pub fn worst_first(&self) -> Vec<DropCount> {
        let mut counts: Vec<DropCount> = self.counts.values().cloned().collect();
        counts.sort_by_cached_key(|count| {
            (
                Reverse(count.packets),
                count.flow,
                count.reason.clone(),
                count.location.clone(),
                format!("{:?}", count.r#where),
            )
        });
        counts
    }
}

/// Returns the place of a step, down to the rule.
pub fn place(step: &Step) -> Where {
    let netfilter = step.netfilter.clone().unwrap_or_default();
    Where {
        netns: Some(step.netns),
        ifname: Some(step.ifname.clone()).filter(|name| !name.is_empty()),
        hook: netfilter.hook,
        family: netfilter.family,
        table: netfilter.table,
        chain: netfilter.chain,
        rule: netfilter.rule,
        policy: netfilter.policy,
    }
}
