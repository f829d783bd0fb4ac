//! Names the rules that verdicts point at, read in the packet's own netns when they first matter, and anew where the
//! ruleset is another one since or has another rule.

mod legacy;
mod nft;

use std::collections::{HashMap, HashSet};

use crate::{
    enrich::netns::Netns,
    fast::Map,
    model::{Chain, Name, Netfilter, NfFamily, Record, Rule, Verdict},
    track::{Locus, Tracked},
};

/// What has been looked up so far.
#[derive(Default)]
pub struct Rules {
    netns: Map<u32, Option<Netns>>,
    chains: nft::Chains,
    tables: legacy::Tables,
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

/// Whether a rule that was found for a drop, or for a queued packet, can do no such thing. Some expressions that end a walk
/// have no hook (a match that drops malformed packets, `ct count` without memory), and then the last one with a hook is
/// taken for them.
fn cannot_have_refused(netfilter: &Netfilter, rule: &Rule) -> bool {
    rule.never_drops && matches!(netfilter.verdict, Some(Verdict::Drop | Verdict::Queue))
}
