//! Drops counted by cause, place and, where only drops are told, flow.

use std::{cmp::Reverse, collections::HashMap};

use crate::model::{Direction, Drop, DropCount, Step, Where};

/// What has been counted.
#[derive(Debug, Default)]
pub struct Tally {
    by_flow: bool,
    counts: HashMap<Key, DropCount>,
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct Key {
    cause: Option<String>,
    drop: Drop,
    place: Where,
    flow: Option<(u64, Direction)>,
}

impl Tally {
    /// Of nothing; `by_flow` tells flows apart.
    pub fn new(by_flow: bool) -> Self {
        Self { by_flow, counts: HashMap::new() }
    }

    /// Counts a step, if it is a drop; `cause` is the id of the finding that explains it.
    pub fn add(&mut self, step: &Step, cause: Option<&str>) {
        let Some(drop) = &step.drop else { return };
        let key = Key {
            cause: cause.map(str::to_owned),
            drop: drop.clone(),
            place: place(step),
            flow: self.by_flow.then_some((step.flow, step.direction)),
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

    /// Most packets first; those of like numbers in the order of their flows and places.
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

/// Where a step is, down to the rule.
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
