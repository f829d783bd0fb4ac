//! Finds the rule that holds an expression, in the rule blob of a chain (5.17 and newer).

use aya_ebpf::{macros::map, maps::LruHashMap};

use crate::{
    each::each,
    layout::field,
    packet::{Packet, VISITED},
    read::{Probed, Read},
};

/// A chain of more rules than this is given up on: the verdict is reported without its rule.
const MAX_RULES: u32 = 65536;

/// The rule and its chain; all zero where it was not found.
#[derive(Clone, Copy, Default)]
pub struct Found {
    /// Handle.
    pub handle: u64,
    /// Address of the `nft_chain`.
    pub chain: u64,
    /// Address of the `nft_rule_dp`.
    at: u64,
}

/// Rules that were found, by expression: going through a chain costs as much as all else about a verdict.
#[map]
static FOUND: LruHashMap<u64, Found> = LruHashMap::with_max_entries(1024, 0);

/// A walk over the rules of one chain.
#[repr(C)]
struct Walk {
    /// The `struct nft_rule_dp` at hand.
    rule: u64,
    /// What is looked for.
    expr: u64,
    /// Handle of the rule that holds it, 0 as long as none does; then `rule` is where it is.
    handle: u64,
}

/// The rule of the visited chains that holds the packet's last expression, newest chain first, the
/// base chain last.
#[inline(always)]
pub fn find(packet: *const Packet) -> Found {
    // SAFETY: a packet from the map.
    let packet = unsafe { &*packet };
    let expr = packet.expr;
    if expr == 0 {
        return Found::default();
    }
    if let Some(found) = FOUND.get_ptr(expr) {
        // SAFETY: a value in the map.
        let found = unsafe { *found };
        if still_holds(&found, expr) {
            return found;
        }
    }
    let found = search(packet, expr);
    if found.handle != 0 {
        let _full = FOUND.insert(expr, &found, 0);
    }
    found
}

#[inline(always)]
fn search(packet: &Packet, expr: u64) -> Found {
    for back in 1..=VISITED as u32 {
        if back > packet.visits {
            break;
        }
        let found = find_in(packet.visited[(packet.visits - back) as usize & (VISITED - 1)], expr);
        if found.handle != 0 {
            return found;
        }
    }
    find_in(packet.base, expr)
}

/// Whether a rule with this handle still is there, and the expression in it: its memory is used again when the
/// ruleset changes.
#[inline(always)]
fn still_holds(found: &Found, expr: u64) -> bool {
    let word: u64 = Probed::at(found.at as *const u8, 0);
    let length = bits(word, field!(layout.rule_dlen), field!(layout.rule_dlen_width));
    let data = found.at + u64::from(field!(layout.rule_data));
    bits(word, field!(layout.rule_handle), field!(layout.rule_handle_width)) == found.handle
        && bits(word, field!(layout.rule_is_last), 1) == 0
        && expr >= data
        && expr < data + length
}

/// The policy of the base chain: `NF_ACCEPT` or `NF_DROP`.
#[inline(always)]
pub fn policy(chain: u64) -> i32 {
    i32::from(Probed::at::<u8>(base_of(chain), field!(layout.base_chain_policy)))
}

/// The `struct nft_base_chain` around a chain.
#[inline(always)]
pub fn base_of(chain: u64) -> *const u8 {
    (chain as *const u8).wrapping_sub(usize::from(field!(layout.base_chain_chain)))
}

/// A commit puts the new rules into the blob of the next generation: the expression is in one of the two.
#[inline(always)]
fn find_in(chain: u64, expr: u64) -> Found {
    let at = chain as *const u8;
    let found = find_in_blob(chain, Probed::at(at, field!(layout.chain_blob_gen_0)), expr);
    if found.handle != 0 {
        return found;
    }
    find_in_blob(chain, Probed::at(at, field!(layout.chain_blob_gen_1)), expr)
}

#[inline(always)]
fn find_in_blob(chain: u64, blob: u64, expr: u64) -> Found {
    if blob == 0 || field!(layout.blob_data) == tracer_common::ABSENT {
        return Found { handle: 0, chain, at: 0 };
    }
    let mut walk = Walk { rule: blob + u64::from(field!(layout.blob_data)), expr, handle: 0 };
    each(MAX_RULES, visit, &mut walk);
    Found { handle: walk.handle, chain, at: walk.rule }
}

/// One `struct nft_rule_dp`: a word of bit fields, then the expressions. Returns 1 to stop.
#[inline(never)]
unsafe extern "C" fn visit(_index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `each` passes what `find_in_blob` gave it.
    let walk = unsafe { &mut *walk };
    let word: u64 = Probed::at(walk.rule as *const u8, 0);
    let length = bits(word, field!(layout.rule_dlen), field!(layout.rule_dlen_width));
    let data = walk.rule + u64::from(field!(layout.rule_data));
    // A word of zeroes is memory that could not be read: no rule is without expressions and handle.
    if word == 0 || bits(word, field!(layout.rule_is_last), 1) != 0 {
        return 1;
    }
    if walk.expr >= data && walk.expr < data + length {
        walk.handle = bits(word, field!(layout.rule_handle), field!(layout.rule_handle_width));
        return 1;
    }
    walk.rule = data + length;
    0
}

#[inline(always)]
fn bits(word: u64, offset: u16, width: u16) -> u64 {
    (word >> (offset & 63)) & ((1 << (width & 63)) - 1)
}
