//! Tables of legacy iptables as they read last.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::cannot_have_refused;
use crate::{
    enrich::{
        netns::Netns,
        ruleset::legacy::{self, Place, Table},
    },
    model::{Chain, Name, Netfilter, NfFamily},
};

/// What has been read, by netns, family and name.
#[derive(Default)]
pub struct Tables(HashMap<(u32, NfFamily, Name), Reading>);

struct Reading {
    /// None where it could not be read.
    table: Option<Table>,
    generation: u64,
    at: Instant,
    took: Duration,
}

/// A changed table has another generation than the one before it, but maybe that of an older one: its place in memory.
/// So it is looked at again and again, in so small a part of the time.
const SPARE: u32 = 20;

impl Tables {
    /// Adds chain, rule and text to a verdict that was given at this offset; gives the chains of the table where they
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
                // Whoever asks the tool for texts takes longer than the next look will.
                let took = if news { Duration::ZERO } else { at.elapsed() };
                (Reading { table, generation, at, took }, news)
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

impl Reading {
    fn holds(&self, generation: u64) -> bool {
        self.generation == generation && self.at.elapsed() < self.took * SPARE
    }
}

fn put(netfilter: &mut Netfilter, place: Place) {
    netfilter.chain = Some(place.chain.chain);
    netfilter.policy = place.policy;
    netfilter.priority = place.chain.priority;
    if let Some(rule) = place.rule.filter(|rule| !cannot_have_refused(netfilter, rule)) {
        netfilter.rule = Some(rule.rule);
        netfilter.text = Some(rule.text);
    }
}
