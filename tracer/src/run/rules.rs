//! Names the rules that verdicts point at, read in the packet's own netns when they first matter, and anew where the
//! ruleset is another one since or has another rule.

use std::collections::{HashMap, HashSet};

use crate::{
    enrich::{
        netns::Netns,
        ruleset::{self, Key, Wanted, legacy},
    },
    fast::Map,
    model::{Chain, Name, Netfilter, NfFamily, Record, Rule, Verdict},
    track::{Locus, Named, Tracked},
};

/// What has been looked up so far.
#[derive(Default)]
pub struct Rules {
    netns: Map<u32, Option<Netns>>,
    chains: HashMap<(u32, Locus), Vec<Chain>>,
    tables: HashMap<(u32, Locus), Option<legacy::Table>>,
    /// Rules that were not in what had been read.
    missed: HashSet<(u32, Locus, u64)>,
    told: HashMap<(u32, NfFamily, Name, Name, bool), Chain>,
    problems: Vec<String>,
}

impl Rules {
    /// Adds rule and text to a step, as far as they can be found, and to `lines` what must come before it: the name
    /// of a netns, the chains of a walk.
    pub fn name(&mut self, tracked: &mut Tracked, lines: &mut Vec<Record>) {
        let inum = tracked.step.netns;
        lines.extend(self.netns_line(inum));
        let (Some(locus), Some(netfilter)) = (&tracked.locus, &mut tracked.step.netfilter) else { return };
        // Most walks end in an accept that nobody asks about: those are not worth a look-up.
        if !matches!(netfilter.verdict, Some(Verdict::Drop | Verdict::Notrack | Verdict::Queue | Verdict::Stolen)) {
            return;
        }
        let Some(Some(netns)) = self.netns.get(&inum) else { return };
        let key = (inum, without_offset(locus));
        let chains = match locus {
            Locus::Nft { family, table, base_chain } => {
                let wanted = Wanted::Nft { family: *family, table: handle(table), chain: handle(base_chain) };
                let missed = |chains: &Vec<Chain>| netfilter.rule.filter(|_| rule_of(netfilter, chains).is_none());
                // A handle is never given to another rule: one more look tells, if anything does.
                if let Some(rule) = self.chains.get(&key).and_then(missed)
                    && self.missed.insert((inum, locus.clone(), rule))
                {
                    self.chains.remove(&key);
                }
                let chains = self.chains.entry(key).or_insert_with(|| {
                    let lookup = ruleset::chains(netns, &[wanted]);
                    self.problems.extend(lookup.problems);
                    lookup.chains.into_iter().map(|found| found.chain).collect()
                });
                netfilter.text = rule_of(netfilter, chains).map(|rule| rule.text.clone());
                chains.as_slice()
            }
            Locus::Legacy { family, table: name, offset, .. } => {
                let table = self.tables.entry(key).or_insert_with(|| match legacy::table(netns, *family, name) {
                    Ok(table) => Some(table),
                    Err(problem) => {
                        self.problems.push(problem);
                        None
                    }
                });
                let offset = offset.and_then(|offset| u32::try_from(offset).ok());
                let place = table.as_ref().zip(offset).and_then(|(table, offset)| table.locate(offset));
                if let Some(place) = place {
                    complete_legacy(netfilter, place);
                }
                table.as_ref().map_or(&[][..], legacy::Table::chains)
            }
        };
        for chain in chains {
            let id = (inum, chain.family, chain.table.clone(), chain.chain.clone(), chain.legacy);
            if self.told.get(&id) != Some(chain) {
                lines.push(Record::Chain(chain.clone()));
                self.told.insert(id, chain.clone());
            }
        }
    }

    /// The netns of a step that has been named, if it can be found.
    pub fn netns(&self, inum: u32) -> Option<&Netns> {
        self.netns.get(&inum)?.as_ref()
    }

    /// What could not be looked up, each once, as sentences.
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

fn without_offset(locus: &Locus) -> Locus {
    match locus {
        Locus::Legacy { family, table, generation, .. } => {
            Locus::Legacy { family: *family, table: table.clone(), generation: *generation, offset: None }
        }
        nft @ Locus::Nft { .. } => nft.clone(),
    }
}

fn handle(of: &Named) -> Key {
    Key::Handle { handle: of.handle, name: of.name.to_string() }
}

fn rule_of<'a>(netfilter: &Netfilter, chains: &'a [Chain]) -> Option<&'a Rule> {
    let mut rules =
        chains.iter().filter(|chain| Some(&chain.chain) == netfilter.chain.as_ref()).flat_map(|chain| &chain.rules);
    rules.find(|rule| Some(rule.rule) == netfilter.rule)
}

fn complete_legacy(netfilter: &mut Netfilter, place: legacy::Place) {
    netfilter.chain = Some(place.chain.chain);
    netfilter.policy = place.policy;
    netfilter.priority = place.chain.priority;
    if let Some(rule) = place.rule {
        netfilter.rule = Some(rule.rule);
        netfilter.text = Some(rule.text);
    }
}
