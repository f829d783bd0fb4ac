//! Reads chains and rules of a netns as they are now: nftables by netlink, including tables that iptables-nft made, and
//! legacy iptables by its socket options. Texts come from the user's own tools if they exist.
//!
//! Invariant: only parts that are already loaded are asked for. A netlink message to nf_tables or a socket option for a
//! legacy table would make the kernel load the module or register the table.

pub mod legacy;
mod names;
mod nft;
mod tools;
mod xt;

use std::io;

use super::{attrs, bytes, netns::Netns};
use crate::model::{Chain, NfFamily};

/// A chain of nftables to look up, with those that can be reached from it by jump or goto. A rule that leads to more
/// than 16 chains is not followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Family of the table.
    pub family: NfFamily,
    /// Table.
    pub table: Key,
    /// Chain.
    pub chain: Key,
}

/// Identifies a table or chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The kernel's handle: a table's is unique in its netns, a chain's in its table. People know both by name.
    pub handle: u64,
    /// Name to report if the handle is not found.
    pub name: String,
}

/// Chains that were found, and the reasons why others could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lookup {
    /// The chains.
    pub chains: Vec<FoundChain>,
    /// Sentences that say what is missing and why.
    pub problems: Vec<String>,
}

/// A chain with the handles by which the kernel's records refer to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundChain {
    /// The table's handle.
    pub table_handle: u64,
    /// The chain's handle.
    pub handle: u64,
    /// The chain.
    pub chain: Chain,
}

/// Looks up a chain in a netns. Never fails as a whole: [`Lookup::problems`] gets a sentence for whatever cannot be
/// read.
#[must_use]
pub fn chains(netns: &Netns, wanted: &Wanted) -> Lookup {
    let inum = netns.inum();
    let result = netns.run_in(|| {
        let mut lookup = Lookup::default();
        nft::look_up(inum, wanted, &mut lookup);
        lookup
    });
    result.unwrap_or_else(|error| {
        let problem = format!("the rules of netns {} are unknown: cannot enter it: {}", netns.name(), why(&error));
        Lookup { problems: vec![problem], ..Lookup::default() }
    })
}

/// Returns a rule's text without control characters. Comments are untrusted, because anyone who may write rules in a
/// container chooses them, and they are shown on the host's terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Explains an error in words.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission (run as root)".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "the kernel did not answer".to_owned(),
        io::ErrorKind::NotFound => "it no longer exists".to_owned(),
        _ => error.to_string(),
    }
}

/// Formats chains as text for snapshots.
#[cfg(test)]
fn describe<'a>(chains: impl Iterator<Item = &'a Chain>) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for chain in chains {
        let base = match (chain.hook, chain.priority, chain.policy) {
            (Some(hook), Some(priority), Some(policy)) => format!(" · {hook} {priority}, policy {policy}"),
            (None, None, None) => String::new(),
            other => format!(" · {other:?}"),
        };
        let _ = writeln!(text, "{} {} {}{base}", chain.family, chain.table, chain.chain);
        for rule in &chain.rules {
            let _ = write!(text, "{:5} {}", rule.rule, rule.text);
            if !rule.ct_state.is_empty() {
                let not = if rule.ct_state_negated { "not " } else { "" };
                let _ = write!(text, " · {not}{}", rule.ct_state.join("|"));
            }
            if let Some(verdict) = rule.verdict {
                let _ = write!(text, " · {verdict}");
            }
            if let Some(jump) = &rule.jump {
                let _ = write!(text, " · → {jump}");
            }
            text.push_str(if rule.never_drops { "\n" } else { " · may drop\n" });
        }
    }
    text
}
