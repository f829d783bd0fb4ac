//! Reads nftables by netlink.

mod data;
mod facts;
mod field;
mod ipt;
mod objects;
mod other;
mod payload;
mod socket;
mod spell;
mod stmt;
mod texts;
mod value;
mod walk;

use std::{cell::OnceCell, collections::BTreeSet, io};

use super::{FoundChain, Lookup, Wanted, names::hook, printable, why};
use crate::{
    enrich::loaded::{NF_TABLES, is_loaded},
    model::{Chain, NfFamily, Verdict},
};
use objects::{Element, Set, Table};
use socket::{Dump, Running};
use texts::{Texts, Tools};
use walk::Sets;

/// Adds the wanted chain, and those that it leads to, of the calling thread's netns to `lookup`.
pub(super) fn look_up(netns: u32, wanted: &Wanted, lookup: &mut Lookup) {
    if is_loaded(&NF_TABLES) {
        look_up_from(&Running, Tools::Ask, netns, std::slice::from_ref(wanted), lookup);
    } else {
        lookup.problems.push("nf_tables is not loaded".to_owned());
    }
}

fn look_up_from(kernel: &dyn Dump, tools: Tools, netns: u32, wanted: &[Wanted], lookup: &mut Lookup) {
    let tables = objects::tables(kernel).unwrap_or_else(|error| {
        lookup.problems.push(format!("the nftables ruleset cannot be read: {}", why(&error)));
        Vec::new()
    });
    let read_something = lookup.problems.is_empty();
    let before = lookup.chains.len();
    for table in &tables {
        let Some(family) = NfFamily::from_nfproto(table.family) else { continue };
        let wanted: Vec<_> = wanted.iter().filter(|wanted| wanted.is_in(family, table)).collect();
        if wanted.is_empty() {
            continue;
        }
        let takes = |chain: &objects::Chain| wanted.iter().any(|wanted| wanted.chain.handle == chain.handle);
        match read_table(kernel, table, takes) {
            Ok(chains) => {
                let texts = Texts::new(tools, family, table, &chains);
                lookup.chains.extend(finish(netns, family, table, chains, &texts));
            }
            Err(error) => {
                lookup.problems.push(format!("nftables table {family} {} cannot be read: {}", table.name, why(&error)));
            }
        }
    }
    let found = &lookup.chains[before..];
    let gone = wanted.iter().filter(|wanted| read_something && !found.iter().any(|found| wanted.is(found)));
    let gone: Vec<_> = gone
        .map(|Wanted { family, table, chain }| {
            format!("chain {} of nftables table {family} {} no longer exists", chain.name, table.name)
        })
        .collect();
    lookup.problems.extend(gone);
}

impl Wanted {
    fn is_in(&self, family: NfFamily, table: &Table) -> bool {
        (self.family, self.table.handle) == (family, table.handle)
    }

    fn is(&self, found: &FoundChain) -> bool {
        (self.family, self.table.handle, self.chain.handle) == (found.chain.family, found.table_handle, found.handle)
    }
}

/// A chain with its rules decoded.
struct Read {
    chain: objects::Chain,
    rules: Vec<ReadRule>,
}

/// A decoded rule.
struct ReadRule {
    handle: u64,
    comment: Option<String>,
    stmts: Vec<stmt::Stmt>,
}

/// Reads the wanted chains of a table and those that they lead to.
fn read_table(kernel: &dyn Dump, table: &Table, wanted: impl Fn(&objects::Chain) -> bool) -> io::Result<Vec<Read>> {
    let chains = objects::chains(kernel, table)?;
    let sets = TableSets { kernel, table, sets: OnceCell::new(), interfaces: OnceCell::new() };
    let mut queue: Vec<_> = chains.iter().filter(|chain| wanted(chain)).collect();
    queue.reverse();
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    while let Some(chain) = queue.pop() {
        if !seen.insert(chain.handle) {
            continue;
        }
        let rules: Vec<_> = objects::rules(kernel, table, &chain.name)?
            .into_iter()
            .map(|rule| {
                let stmts = walk::statements(table.family, &rule.expressions, &sets);
                ReadRule { handle: rule.handle, comment: rule.comment, stmts }
            })
            .collect();
        let targets =
            rules.iter().map(|rule| facts::targets(&rule.stmts)).filter(|targets| targets.len() <= MAX_TARGETS);
        let targets: BTreeSet<_> = targets.flatten().collect();
        queue.extend(chains.iter().filter(|chain| targets.contains(&chain.name)));
        read.push(Read { chain: chain.clone(), rules });
    }
    Ok(read)
}

/// A rule with more target chains than this is not followed, because kube-proxy's verdict map leads to every service of
/// a cluster. The kernel's records show which of them a packet took.
const MAX_TARGETS: usize = 16;

/// Converts chains to the model, with the best text that there is for each rule.
fn finish(netns: u32, family: NfFamily, table: &Table, chains: Vec<Read>, texts: &Texts<'_>) -> Vec<FoundChain> {
    let each = chains.into_iter().map(|Read { chain, rules }| {
        let base = chain.hook.is_some();
        let texts = texts.of(&chain, &rules);
        let with_text = |(rule, text): (&ReadRule, String)| {
            let facts = facts::rule(rule.handle, &rule.stmts);
            crate::model::Rule { text: printable(&text).into(), ..facts }
        };
        FoundChain {
            table_handle: table.handle,
            handle: chain.handle,
            chain: Chain {
                netns,
                family,
                table: table.name.as_str().into(),
                hook: chain.hook.and_then(|(number, _)| hook(family, number)),
                priority: chain.hook.map(|(_, priority)| priority),
                policy: chain
                    .policy
                    .filter(|_| base)
                    .map(|code| if code == 0 { Verdict::Drop } else { Verdict::Accept }),
                legacy: false,
                rules: rules.iter().zip(texts).map(with_text).collect(),
                chain: chain.name.into(),
            },
        }
    });
    each.collect()
}

/// The sets of a table and the interfaces of the netns, read when a rule first needs them.
struct TableSets<'a> {
    kernel: &'a dyn Dump,
    table: &'a Table,
    sets: OnceCell<Vec<Set>>,
    interfaces: OnceCell<Vec<(u32, String)>>,
}

impl Sets for TableSets<'_> {
    fn set(&self, name: &str) -> Option<Set> {
        let sets = self.sets.get_or_init(|| objects::sets(self.kernel, self.table).unwrap_or_default());
        sets.iter().find(|set| set.name == name).cloned()
    }

    fn elements(&self, name: &str) -> Option<Vec<Element>> {
        objects::elements(self.kernel, self.table, name).ok()
    }

    fn interface(&self, index: u32) -> Option<String> {
        let interfaces = self.interfaces.get_or_init(|| crate::enrich::netns::interfaces_here().unwrap_or_default());
        interfaces.iter().find(|(known, _)| *known == index).map(|(_, name)| name.clone())
    }
}

#[cfg(test)]
mod tests;
