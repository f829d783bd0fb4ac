//! Names the rules that verdicts refer to.
//!
//! Rules are read in the packet's own netns when they first matter. They are read again if the ruleset was replaced or
//! got another rule.

mod legacy;
mod nft;

use std::collections::{HashMap, HashSet};

use crate::{
    enrich::{netns::Netns, node::Owners},
    fast::Map,
    model::{Chain, Name, Netfilter, NfFamily, Record, Rule, Verdict},
    track::{Locus, Tracked},
};

/// The rulesets read so far.
#[derive(Default)]
pub struct Rules {
    netns: Map<u32, Option<Netns>>,
    chains: nft::ChainCache,
    tables: legacy::TableCache,
    reported: HashMap<(u32, NfFamily, Name, Name, bool), Chain>,
    problems: Vec<String>,
    /// The processes that have sockets, once somebody asks.
    owners: Owners,
}

impl Rules {
    /// Adds rule and text to a step, as far as they can be found. Adds to `lines` what must precede the step: the name
    /// of a netns, and the chains of a walk.
    pub fn name(&mut self, tracked: &mut Tracked, lines: &mut Vec<Record>) {
        let inum = tracked.step.netns;
        lines.extend(self.netns_line(inum));
        let (Some(locus), Some(netfilter)) = (&tracked.locus, &mut tracked.step.netfilter) else { return };
        // Most walks end in an accept, which is not worth a lookup.
        if !matches!(netfilter.verdict, Some(Verdict::Drop | Verdict::Notrack | Verdict::Queue | Verdict::Stolen)) {
            return;
        }
        let Some(Some(netns)) = self.netns.get(&inum) else { return };
        let chains = match locus {
            Locus::Nft { family, table, base_chain } => {
                self.chains.complete(netfilter, netns, (*family, table, base_chain), &mut self.problems)
            }
            Locus::Legacy { family, table, generation, offset } => {
                self.tables.complete(netfilter, netns, (*family, table), (*generation, *offset), &mut self.problems)
            }
        };
        for chain in chains {
            let id = (inum, chain.family, chain.table.clone(), chain.chain.clone(), chain.legacy);
            if self.reported.get(&id) != Some(chain) {
                lines.push(Record::Chain(chain.clone()));
                self.reported.insert(id, chain.clone());
            }
        }
    }

    /// Returns the netns of a step that has been named, if it can be found.
    pub fn netns(&self, inum: u32) -> Option<&Netns> {
        self.netns.get(&inum)?.as_ref()
    }

    /// The processes that have sockets.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Returns sentences about lookups that failed, each once.
    pub fn problems(&mut self) -> Vec<String> {
        let mut seen = HashSet::new();
        std::mem::take(&mut self.problems).into_iter().filter(|problem| seen.insert(problem.clone())).collect()
    }

    fn netns_line(&mut self, inum: u32) -> Option<Record> {
        if inum == 0 || self.netns.contains_key(&inum) {
            return None;
        }
        let netns = Netns::find(inum);
        let line = netns.as_ref().map(|netns| Record::Netns { inum, name: netns.name().to_owned() });
        self.netns.insert(inum, netns);
        line
    }
}

/// Whether a rule that was found for a drop, or for a queued packet, cannot be its cause.
///
/// Some expressions that end a walk have no hook (a match that drops malformed packets, `ct count` without memory). In
/// these cases, the last expression with a hook was mistaken for them.
fn cannot_have_refused(netfilter: &Netfilter, rule: &Rule) -> bool {
    rule.never_drops && matches!(netfilter.verdict, Some(Verdict::Drop | Verdict::Queue))
}
