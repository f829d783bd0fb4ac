//! Caches the chains of nftables, and reads them again if they have another rule since.

use std::collections::{HashMap, HashSet};

use super::cannot_have_refused;
use crate::{
    enrich::{
        netns::Netns,
        ruleset::{self, Key, Wanted},
    },
    model::{Chain, Netfilter, NfFamily, Rule},
    track::Named,
};

/// A walk: netns, family, table and base chain.
type WalkKey = (u32, NfFamily, Named, Named);

/// Chains read so far.
#[derive(Default)]
pub struct ChainCache {
    read: HashMap<WalkKey, Vec<Chain>>,
    /// Rules that were missing from the chains read.
    missed: HashSet<(WalkKey, u64)>,
}

impl ChainCache {
    /// Adds its text to the rule that a walk ended in. Returns the chains of the walk if this call has read them.
    pub fn complete(
        &mut self,
        netfilter: &mut Netfilter,
        netns: &Netns,
        (family, table, base): (NfFamily, &Named, &Named),
        problems: &mut Vec<String>,
    ) -> &[Chain] {
        let walk = (netns.inum(), family, table.clone(), base.clone());
        let missed = |chains: &Vec<Chain>| netfilter.rule.filter(|_| rule_of(netfilter, chains).is_none());
        // A handle is never given to another rule, so that one more read is enough.
        if let Some(rule) = self.read.get(&walk).and_then(missed)
            && self.missed.insert((walk.clone(), rule))
        {
            self.read.remove(&walk);
        }
        if !self.read.contains_key(&walk) {
            // Discards the walk of the same names, if a table was created again: nothing else bounds their number.
            self.read.retain(|known, _| !is_called_like(known, &walk));
            self.missed.retain(|(known, _)| known == &walk || !is_called_like(known, &walk));
        }
        let mut news = false;
        let chains = self.read.entry(walk).or_insert_with(|| {
            news = true;
            let lookup = ruleset::chains(netns, &Wanted { family, table: key(table), chain: key(base) });
            problems.extend(lookup.problems);
            lookup.chains.into_iter().map(|found| found.chain).collect()
        });
        match rule_of(netfilter, chains) {
            Some(rule) if cannot_have_refused(netfilter, rule) => forget_rule(netfilter),
            rule => netfilter.text = rule.map(|rule| rule.text.clone()),
        }
        if news { chains } else { &[] }
    }
}

/// Leaves the rule unknown, and names the chain that the walk began in.
fn forget_rule(netfilter: &mut Netfilter) {
    netfilter.rule = None;
    if let Some(base) = netfilter.base_chain.take() {
        netfilter.chain = Some(base);
    }
}

fn is_called_like(a: &WalkKey, b: &WalkKey) -> bool {
    (a.0, a.1, &a.2.name, &a.3.name) == (b.0, b.1, &b.2.name, &b.3.name)
}

fn key(of: &Named) -> Key {
    Key { handle: of.handle, name: of.name.to_string() }
}

fn rule_of<'a>(netfilter: &Netfilter, chains: &'a [Chain]) -> Option<&'a Rule> {
    let mut rules =
        chains.iter().filter(|chain| Some(&chain.chain) == netfilter.chain.as_ref()).flat_map(|chain| &chain.rules);
    rules.find(|rule| Some(rule.rule) == netfilter.rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    #[test]
    fn a_rule_that_cannot_drop_is_not_named_for_a_drop() {
        let accepts = Rule { rule: 7, never_drops: true, ..Rule::default() };
        let mut dropped = Netfilter {
            chain: Some("public".into()),
            base_chain: Some("guard".into()),
            rule: Some(7),
            verdict: Some(Verdict::Drop),
            ..Netfilter::default()
        };
        assert!(cannot_have_refused(&dropped, &accepts));
        assert!(!cannot_have_refused(&dropped, &Rule { never_drops: false, ..accepts.clone() }));
        let made_untracked = Netfilter { verdict: Some(Verdict::Notrack), ..dropped.clone() };
        assert!(!cannot_have_refused(&made_untracked, &accepts));
        forget_rule(&mut dropped);
        assert_eq!((dropped.rule, dropped.chain.as_deref(), dropped.base_chain), (None, Some("guard"), None));
    }
}
