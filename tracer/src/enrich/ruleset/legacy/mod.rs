//! Reads legacy iptables (`ip_tables`, `ip6_tables`) in its binary form, by socket options.

mod blob;
mod entry;
mod socket;

use std::{collections::BTreeMap, io};

use super::{Netns, printable, tools::save, why};
use crate::model::{Chain, NfFamily, Rule, Verdict};

/// A table as it was at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    blob: Vec<blob::Chain>,
    chains: Vec<Chain>,
    /// Maps the start of each entry to its end, the index of its chain and the number of its rule. The number is `None`
    /// for the policy of a base chain and for the end of any other chain.
    entries: BTreeMap<u32, (u32, usize, Option<u64>)>,
}

/// Describes an entry of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocatedRule {
    /// The chain that holds it, without its rules.
    pub chain: Chain,
    /// The rule, numbered from 1 in its chain.
    pub rule: Option<Rule>,
    /// Whether it is the policy of a base chain.
    pub policy: bool,
}

impl Table {
    /// Returns its chains, with rules numbered from 1.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// Returns the entry that contains `offset`, in bytes from the start of the first entry.
    #[must_use]
    pub fn locate(&self, offset: u32) -> Option<LocatedRule> {
        let (_, (end, chain, number)) = self.entries.range(..=offset).next_back()?;
        let chain = self.chains.get(*chain).filter(|_| offset < *end)?;
        let rule = number.and_then(|number| chain.rules.iter().find(|rule| rule.rule == number));
        let policy = number.is_none() && chain.hook.is_some();
        Some(LocatedRule { rule: rule.cloned(), policy, chain: Chain { rules: Vec::new(), ..chain.clone() } })
    }
}

/// Reads a table of a netns; `family` is `Ip` or `Ip6`. Returns `None`, at less cost, if the table is still as it was
/// `before`.
///
/// # Errors
/// Returns a sentence that says why the table cannot be read.
pub fn table(netns: &Netns, family: NfFamily, name: &str, before: Option<&Table>) -> Result<Option<Table>, String> {
    let read = || {
        let blob = read_blob(family, name)?;
        if before.is_some_and(|before| before.blob == blob) {
            return Ok(None);
        }
        with_texts(netns.inum(), family, name, blob).map(Some)
    };
    netns.run_in(read).and_then(|result| result).map_err(|error| {
        format!("legacy table {family} {name} of netns {} cannot be read: {}", netns.name(), why(&error))
    })
}

fn read_blob(family: NfFamily, name: &str) -> io::Result<Vec<blob::Chain>> {
    if !socket::loaded(family).iter().any(|loaded| loaded == name) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(blob::decode(family, &socket::read(family, name)?))
}

/// Converts a table to the model, with the tool's own texts if the table did not change while the tool ran.
fn with_texts(netns: u32, family: NfFamily, name: &str, blob: Vec<blob::Chain>) -> io::Result<Table> {
    let mut table = to_table(netns, family, name, blob);
    if let Some(saved) = save::legacy(family, name)
        && read_blob(family, name)? == table.blob
    {
        for chain in &mut table.chains {
            let lines = saved.get(chain.chain.as_str()).filter(|lines| lines.len() == chain.rules.len());
            for (rule, line) in chain.rules.iter_mut().zip(lines.into_iter().flatten()) {
                rule.text = printable(line).into();
            }
        }
    }
    Ok(table)
}

/// Converts a table to the model.
fn to_table(netns: u32, family: NfFamily, name: &str, blob: Vec<blob::Chain>) -> Table {
    let mut table = Table::default();
    let chains = blob.as_slice();
    for (index, chain) in chains.iter().enumerate() {
        let numbered = || (1..).zip(&chain.rules);
        for (number, entry) in numbered() {
            table.entries.insert(entry.offset, (entry.end, index, Some(number)));
        }
        if let Some(end) = &chain.end {
            table.entries.insert(end.offset, (end.end, index, None));
        }
        let rule = |(number, entry): (u64, &entry::Entry)| Rule {
            rule: number,
            text: printable(&entry.text(&chain.name, chains)).into(),
            ..entry.facts(chains)
        };
        table.chains.push(Chain {
            netns,
            family,
            table: name.into(),
            chain: chain.name.as_str().into(),
            hook: chain.hook.and_then(|number| super::names::hook(family, number)),
            priority: chain.hook.and_then(|number| priority(name, number)),
            policy: chain.policy(),
            legacy: true,
            rules: numbered().map(rule).collect(),
        });
    }
    table.blob = blob;
    table
}

impl blob::Chain {
    /// Returns the verdict of the entry at the end of a base chain.
    fn policy(&self) -> Option<Verdict> {
        self.hook?;
        self.end.as_ref()?.facts(&[]).verdict
    }
}

/// Returns the `NF_IP_PRI_*` of a table at a hook (include/uapi/linux/netfilter_ipv4.h and the tables' own modules,
/// 6.18). A rarely used module parameter can move `raw` before defragmentation.
fn priority(table: &str, hook: u32) -> Option<i32> {
    const LOCAL_IN: u32 = 1;
    const POST_ROUTING: u32 = 4;
    Some(match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" if matches!(hook, LOCAL_IN | POST_ROUTING) => 100,
        "nat" => -100,
        "filter" => 0,
        "security" => 50,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
