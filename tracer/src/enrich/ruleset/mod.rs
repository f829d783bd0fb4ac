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

/// Chains to look up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// All chains; slow with large rulesets.
    All,
    /// Chains of nftables, and those that can be reached from them by jump or goto. A rule that leads to more than 16
    /// chains is not followed.
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

/// Identifies a table or chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// Any table or chain.
    Any,
    /// The kernel's handle: a table's is unique in its netns, a chain's in its table. People know both by name.
    Handle {
        /// Handle to look up.
        handle: u64,
        /// Name to report if the handle is not found.
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

/// Chains that were found, and the reasons why others could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lookup {
    /// The chains.
    pub chains: Vec<FoundChain>,
    /// Sentences that say what is missing and why.
    pub problems: Vec<String>,
}

impl Lookup {
    /// Returns the chain with these handles.
    #[must_use]
    pub fn by_handle(&self, family: NfFamily, table: u64, chain: u64) -> Option<&Chain> {
        let wanted = |found: &&FoundChain| {
            found.chain.family == family && found.table_handle == Some(table) && found.handle == Some(chain)
        };
        self.chains.iter().find(wanted).map(|found| &found.chain)
    }
}

/// A chain with the handles by which the kernel's records refer to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundChain {
    /// The table's handle, for nftables.
    pub table_handle: Option<u64>,
    /// The chain's handle, for nftables.
    pub handle: Option<u64>,
    /// The chain.
    pub chain: Chain,
}

/// Looks up chains in a netns. Never fails as a whole: [`Lookup::problems`] gets a sentence for whatever cannot be
/// read.
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
