//! Chooses the best text for each rule: that of the tool that made it, or else our own spelling.

use std::collections::BTreeMap;

use super::{
    super::tools::{nft, save},
    Read, ReadRule, ipt,
    objects::{Chain, Table},
    spell,
};
use crate::model::NfFamily;

/// Whether to ask the user's programs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tools {
    /// Ask them.
    Ask,
    /// Do not ask them, because recorded rules are not those that the programs see.
    #[cfg(test)]
    Leave,
}

/// Texts of the rules of one table.
pub(super) struct Texts<'a> {
    family: NfFamily,
    table: &'a Table,
    tools: Tools,
    /// Lines of `iptables-save` by chain, if iptables-nft made the table.
    saved: Option<BTreeMap<String, Vec<String>>>,
    /// Texts of `nft` by rule handle, if many chains are asked for at once.
    listed: Option<BTreeMap<u64, String>>,
}

impl<'a> Texts<'a> {
    /// Asks the tools for the texts of the whole table if that saves calls.
    pub(super) fn new(tools: Tools, family: NfFamily, table: &'a Table, chains: &[Read]) -> Self {
        let by_iptables = IPTABLES_TABLES.contains(&table.name.as_str())
            && matches!(family, NfFamily::Ip | NfFamily::Ip6)
            && chains.iter().any(|read| is_iptables(&read.chain, &read.rules) && !read.rules.is_empty());
        let saved = if by_iptables && tools == Tools::Ask { save::nft(family, &table.name) } else { None };
        let native = chains.iter().filter(|read| !by_iptables || !is_iptables(&read.chain, &read.rules)).count();
        let listed = if native > MANY && tools == Tools::Ask { Some(nft::table(family, &table.name)) } else { None };
        Self { family, table, tools, saved: by_iptables.then(|| saved.unwrap_or_default()), listed }
    }

    /// Returns one text for each rule of the chain, in order.
    pub(super) fn of(&self, chain: &Chain, rules: &[ReadRule]) -> Vec<String> {
        if let Some(saved) = self.saved.as_ref().filter(|_| is_iptables(chain, rules)) {
            if let Some(lines) = saved.get(&chain.name).filter(|lines| lines.len() == rules.len()) {
                return lines.clone();
            }
            let own = |rule: &ReadRule| ipt::line(&chain.name, &rule.stmts).unwrap_or_else(|| own(rule));
            return rules.iter().map(own).collect();
        }
        let one;
        let listed = match &self.listed {
            Some(listed) => listed,
            None if rules.is_empty() => return Vec::new(),
            None if self.tools != Tools::Ask => {
                one = BTreeMap::new();
                &one
            }
            None => {
                one = nft::chain(self.family, &self.table.name, &chain.name);
                &one
            }
        };
        rules.iter().map(|rule| listed.get(&rule.handle).cloned().unwrap_or_else(|| own(rule))).collect()
    }
}

/// Above this number of chains, listing the table is quicker than listing each chain.
const MANY: usize = 8;

/// The tables that iptables knows.
const IPTABLES_TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// Returns whether iptables-nft may have made the chain: a base chain is called after its hook in capitals, and each
/// rule is plausible ([`ipt::is_plausible`]).
fn is_iptables(chain: &Chain, rules: &[ReadRule]) -> bool {
    let named = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"].contains(&chain.name.as_str());
    (chain.hook.is_none() || named) && rules.iter().all(|rule| ipt::is_plausible(&rule.stmts))
}

fn own(rule: &ReadRule) -> String {
    spell::rule(&rule.stmts, rule.comment.as_deref())
}
