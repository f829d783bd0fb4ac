//! Chains and rules of a netns, as they read now: nftables (also what iptables-nft made) by netlink,
//! legacy iptables by its socket options, and their text from the user's own tools where those exist.
//!
//! Invariant: only what is loaded already is asked for. A netlink message to nf_tables or a socket
//! option for a legacy table would make the kernel load the module or register the table.

pub mod legacy;
mod names;
mod nft;
mod tools;
mod xt;

use std::io;

use super::{attrs, bytes, netns::Netns};
use crate::model::{Chain, NfFamily};

/// What to look up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// Everything there is; slow with large rulesets.
    All,
    /// Chains of nftables, and those that can be reached from them by jump or goto (not through
    /// maps that lead to more than 16 chains).
    Nft {
        /// Family of the table.
        family: NfFamily,
        /// Table.
        table: Key,
        /// Chain.
        chain: Key,
    },
    /// All chains of a legacy iptables table.
    Legacy {
        /// `Ip` or `Ip6`.
        family: NfFamily,
        /// Table name.
        table: String,
    },
}

/// By what a table or chain is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// Any.
    Any,
    /// The kernel's handle: of a table unique in its netns, of a chain in its table. People know it by its name.
    Handle {
        /// What it is found by.
        handle: u64,
        /// What it is called where it is not found.
        name: String,
    },
    /// Its name.
    Name(String),
}

impl Key {
    fn is(&self, handle: u64, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Handle { handle: wanted, .. } => *wanted == handle,
            Self::Name(wanted) => wanted == name,
        }
    }
}

/// What was found and what could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lookup {
    /// The chains.
    pub chains: Vec<Found>,
    /// Sentences that say what is missing and why.
    pub problems: Vec<String>,
}

impl Lookup {
    /// The chain with these handles.
    #[must_use]
    pub fn by_handle(&self, family: NfFamily, table: u64, chain: u64) -> Option<&Chain> {
        let wanted = |found: &&Found| {
            found.chain.family == family && found.table_handle == Some(table) && found.handle == Some(chain)
        };
        self.chains.iter().find(wanted).map(|found| &found.chain)
    }
}

/// A chain with the numbers by which the kernel's events point at it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// nftables: the table's handle.
    pub table_handle: Option<u64>,
    /// nftables: the chain's handle.
    pub handle: Option<u64>,
    /// The chain.
    pub chain: Chain,
}

/// Looks chains up in a netns. Never fails as a whole: what cannot be read is a sentence in
/// [`Lookup::problems`].
#[must_use]
pub fn chains(netns: &Netns, wanted: &[Wanted]) -> Lookup {
    let inum = netns.inum();
    let result = netns.run_in(|| {
        let mut lookup = Lookup::default();
        nft::look_up(inum, wanted, &mut lookup);
        legacy::look_up(inum, wanted, &mut lookup);
        lookup
    });
    result.unwrap_or_else(|error| {
        let problem = format!("no rules are known of netns {}: cannot enter it: {}", netns.name(), why(&error));
        Lookup { problems: vec![problem], ..Lookup::default() }
    })
}

/// A rule's text without control characters: whoever may write rules in a container chooses its
/// comments, and they end up on the terminal of the host.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// An error in words.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission (run as root)".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "the kernel did not answer".to_owned(),
        io::ErrorKind::NotFound => "it is gone".to_owned(),
        _ => error.to_string(),
    }
}

/// Chains as text, for snapshots.
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
