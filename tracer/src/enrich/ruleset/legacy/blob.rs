//! Builds chains from a table's entries.

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
    /// Offset of its first entry, to which jumps refer.
    pub(super) start: u32,
    /// Its rules in order.
    pub(super) rules: Vec<Entry>,
    /// The policy of a base chain, or the implied RETURN of any other chain.
    pub(super) end: Option<Entry>,
}

/// Returns all chains in the order of the table. Decoding stops at a malformed entry.
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
            // The last error entry is not a chain: it ends the table.
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

/// Takes the last entry of a user-defined chain out of its rules.
fn close(chains: &mut [Chain], open: bool) {
    if let Some(chain) = chains.last_mut().filter(|chain| open && chain.hook.is_none()) {
        chain.end = chain.rules.pop();
    }
}

const BASE_CHAINS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
