//! From a table's entries to its chains.

use super::{
    entry::{Entry, Target},
    socket::Raw,
};
use crate::model::NfFamily;

/// A chain of entries.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Chain {
    pub(super) name: String,
    /// `NF_INET_*` of a base chain.
    pub(super) hook: Option<u32>,
    /// Offset of its first entry, which jumps name.
    pub(super) start: u32,
    /// Its rules in order.
    pub(super) rules: Vec<Entry>,
    /// The policy of a base chain, the implied RETURN of another.
    pub(super) end: Option<Entry>,
}

/// All chains in the order of the table. What is malformed ends the walk.
pub(super) fn decode(family: NfFamily, raw: &Raw) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut open = false;
    let mut at = 0;
    while let Some(entry) = Entry::decode(family, &raw.entries, at) {
        at = entry.end;
        let hook_at = |offsets: [u32; 5]| {
            (0..5).zip(offsets).find(|(hook, start)| raw.valid_hooks & (1 << hook) != 0 && *start == entry.offset)
        };
        if let Some((hook, start)) = hook_at(raw.hook_entry) {
            close(&mut chains, open);
            let name = BASE_CHAINS[hook as usize].to_owned();
            chains.push(Chain { name, hook: Some(hook), start, ..Chain::default() });
            open = true;
        }
        if let Target::Error(name) = &entry.target {
            close(&mut chains, open);
            // The last one is no chain: it ends the table.
            open = usize::try_from(at).is_ok_and(|at| at < raw.entries.len());
            if open {
                chains.push(Chain { name: name.clone(), start: at, ..Chain::default() });
            }
            continue;
        }
        let Some(chain) = chains.last_mut().filter(|_| open) else { continue };
        if chain.hook.is_some() && hook_at(raw.underflow).is_some_and(|(hook, _)| Some(hook) == chain.hook) {
            chain.end = Some(entry);
            open = false;
        } else {
            chain.rules.push(entry);
        }
    }
    close(&mut chains, open);
    chains
}

/// The last entry of a chain that a user made is not one of its rules.
fn close(chains: &mut [Chain], open: bool) {
    if let Some(chain) = chains.last_mut().filter(|chain| open && chain.hook.is_none()) {
        chain.end = chain.rules.pop();
    }
}

const BASE_CHAINS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
