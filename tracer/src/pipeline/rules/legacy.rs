//! Caches the tables of legacy iptables.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::cannot_have_refused;
use crate::{
    enrich::{
        netns::Netns,
        ruleset::legacy::{self, LocatedRule, Table},
    },
    model::{Chain, Name, Netfilter, NfFamily},
};

/// Tables by netns, family and name.
#[derive(Default)]
pub struct TableCache(HashMap<(u32, NfFamily, Name), CachedTable>);

struct CachedTable {
    /// `None` if the table could not be read.
    table: Option<Table>,
    generation: u64,
    at: Instant,
    took: Duration,
}

/// A table is trusted for this many times the time that reading it took.
///
/// A changed table has another generation than the one before it. But the generation is its place in memory, so it may
/// equal that of an older table. Therefore tables are read again and again, which takes at most this fraction of the
/// time.
const SPARE: u32 = 20;

impl TableCache {
    /// Adds chain, rule and text to a verdict that was given at this offset. Returns the chains of the table if they
    /// are new.
    pub fn complete(
        &mut self,
        netfilter: &mut Netfilter,
        netns: &Netns,
        (family, name): (NfFamily, &Name),
        (generation, offset): (u64, Option<u64>),
        problems: &mut Vec<String>,
    ) -> &[Chain] {
        let id = (netns.inum(), family, name.clone());
        let before = self.0.remove(&id);
        let (reading, news) = match before {
            Some(before) if before.holds(generation) => (before, false),
            before => {
                let at = Instant::now();
                let before = before.and_then(|before| before.table);
                let (table, news) = match legacy::table(netns, family, name, before.as_ref()) {
                    Ok(Some(table)) => (Some(table), true),
                    Ok(None) => (before, false),
                    Err(problem) => {
                        if !problems.contains(&problem) {
                            problems.push(problem);
                        }
                        (None, false)
                    }
                };
                // CachedTable a new table includes asking the tool for texts, and takes longer than the next comparison.
                let took = if news { Duration::ZERO } else { at.elapsed() };
                (CachedTable { table, generation, at, took }, news)
            }
        };
        let reading = self.0.entry(id).insert_entry(reading).into_mut();
        let Some(table) = &reading.table else { return &[] };
        let offset = offset.and_then(|offset| u32::try_from(offset).ok());
        if let Some(place) = offset.and_then(|offset| table.locate(offset)) {
            put(netfilter, place);
        }
        if news { table.chains() } else { &[] }
    }
}

impl CachedTable {
    fn holds(&self, generation: u64) -> bool {
        self.generation == generation && self.at.elapsed() < self.took * SPARE
    }
}

fn put(netfilter: &mut Netfilter, place: LocatedRule) {
    netfilter.chain = Some(place.chain.chain);
    netfilter.policy = place.policy;
    netfilter.priority = place.chain.priority;
    if let Some(rule) = place.rule.filter(|rule| !cannot_have_refused(netfilter, rule)) {
        netfilter.rule = Some(rule.rule);
        netfilter.text = Some(rule.text);
    }
}
