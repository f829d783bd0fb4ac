//! Finds the rule that holds an expression, in the rule blob of a chain (5.17 and newer).

use aya_ebpf::{macros::map, maps::PerCpuArray};

use crate::{
    each::each,
    frozen::field,
    packet::{Packet, VISITED},
    read::{Probed, Read},
};

/// Maximum number of rules to search in a chain. If there are more, the verdict may be reported without its rule.
const MAX_RULES: u32 = 65536;

/// The rule and its chain; both zero if it was not found.
#[derive(Clone, Copy, Default)]
pub struct Found {
    /// Handle.
    pub handle: u64,
    /// Address of the `nft_chain`.
    pub chain: u64,
}

/// A rule that was found.
#[repr(C)]
#[derive(Clone, Copy)]
struct Known {
    expr: u64,
    handle: u64,
    chain: u64,
    /// Address of the `nft_rule_dp`.
    at: u64,
}

/// Rules that were found, by expression. Searching a chain costs as much as everything else about a verdict.
#[map]
static KNOWN: PerCpuArray<Known> = PerCpuArray::with_max_entries(RULES_KNOWN, 0);

/// Number of rules to remember on each CPU; a power of two.
const RULES_KNOWN: u32 = 512;

#[inline(always)]
fn place(expr: u64) -> Option<*mut Known> {
    KNOWN.get_ptr_mut((expr >> 3 ^ expr >> 12) as u32 & (RULES_KNOWN - 1))
}

/// A walk over the rules of one chain.
#[repr(C)]
struct Walk {
    /// The `struct nft_rule_dp` at hand.
    rule: u64,
    /// The expression to find.
    expr: u64,
    /// The rule that holds it, 0 until it is found.
    found: u64,
}

/// Finds the rule that holds the packet's last expression: in the visited chains, newest first, then in the base
/// chain. The expression is read from the map, where it is a number even if the verifier took it for a pointer.
#[inline(always)]
pub fn find(packet: *const Packet) -> Found {
    // SAFETY: a packet from the map.
    let expr = unsafe { (&raw const (*packet).expr).read_volatile() };
    if expr == 0 {
        return Found::default();
    }
    // A remembered rule must be in the walk's newest chain or base chain, because it may belong to an earlier
    // ruleset.
    let under_way = |found: &Found| {
        // SAFETY: a packet from the map.
        let packet = unsafe { &*packet };
        found.chain == packet.visited[packet.visits.wrapping_sub(1) as usize & (VISITED - 1)]
            || found.chain == packet.base
    };
    known(expr).filter(under_way).unwrap_or_else(|| {
        search(packet, expr);
        known(expr).unwrap_or_default()
    })
}

/// Returns the rule that is remembered for an expression, if the rule is still there. Its memory is used again when
/// the ruleset changes.
#[inline(always)]
fn known(expr: u64) -> Option<Found> {
    let known = place(expr)?;
    // SAFETY: a value in the map, of this CPU.
    let Known { expr: whose, handle, chain, at } = unsafe { *known };
    if whose != expr {
        return None;
    }
    let word: u64 = Probed::at(at as *const u8, 0);
    let holds = handle_in(word) == handle && bits(word, field!(layout.rule_is_last), 1) == 0;
    let data = at + u64::from(field!(layout.rule_data));
    (holds && expr >= data && expr < data + length_in(word)).then_some(Found { handle, chain })
}

/// Searches the chains of the walk, and remembers the rule that was found. Not inlined, to save stack.
#[inline(never)]
fn search(packet: *const Packet, expr: u64) {
    // SAFETY: a packet from the map.
    let packet = unsafe { &*packet };
    for back in 1..=VISITED as u32 {
        if back > packet.visits {
            break;
        }
        if search_chain(packet.visited[(packet.visits - back) as usize & (VISITED - 1)], expr) != 0 {
            return;
        }
    }
    search_chain(packet.base, expr);
}

/// Searches both generations of a chain's rule blob, and remembers the rule that was found. A commit puts the new
/// rules into the blob of the next generation, so the expression is in one of the two. Global so that the verifier
/// checks it once: see `skip_extensions` in [`crate::headers`].
#[unsafe(no_mangle)]
extern "C" fn search_chain(chain: u64, expr: u64) -> u64 {
    let chain_at = chain as *const u8;
    let mut at = search_in_blob(Probed::at(chain_at, field!(layout.chain_blob_gen_0)), expr);
    if at == 0 {
        at = search_in_blob(Probed::at(chain_at, field!(layout.chain_blob_gen_1)), expr);
    }
    if at != 0 {
        let handle = handle_in(Probed::at(at as *const u8, 0));
        if let Some(known) = place(expr) {
            // SAFETY: a value in the map, of this CPU.
            unsafe { *known = Known { expr, handle, chain, at } };
        }
    }
    at
}

/// Returns the `struct nft_rule_dp` that holds the expression, 0 if none does.
#[inline(always)]
fn search_in_blob(blob: u64, expr: u64) -> u64 {
    if blob == 0 || field!(layout.blob_data) == tracer_common::ABSENT {
        return 0;
    }
    let mut walk = Walk { rule: blob + u64::from(field!(layout.blob_data)), expr, found: 0 };
    each(MAX_RULES, visit, &mut walk);
    walk.found
}

/// Returns the policy of the base chain: `NF_ACCEPT` or `NF_DROP`.
#[inline(always)]
pub fn policy(chain: u64) -> i32 {
    i32::from(Probed::at::<u8>(base_of(chain), field!(layout.base_chain_policy)))
}

/// Returns the `struct nft_base_chain` around a chain.
#[inline(always)]
pub fn base_of(chain: u64) -> *const u8 {
    (chain as *const u8).wrapping_sub(usize::from(field!(layout.base_chain_chain)))
}

/// Visits one `struct nft_rule_dp`: a word of bit fields, then the expressions. Returns 1 to stop.
#[inline(never)]
unsafe extern "C" fn visit(_index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `each` passes what `search_in_blob` gave it.
    let walk = unsafe { &mut *walk };
    let word: u64 = Probed::at(walk.rule as *const u8, 0);
    let length = length_in(word);
    let data = walk.rule + u64::from(field!(layout.rule_data));
    // A word of zeroes is memory that could not be read, because each rule has expressions and a handle.
    if word == 0 || bits(word, field!(layout.rule_is_last), 1) != 0 {
        return 1;
    }
    if walk.expr >= data && walk.expr < data + length {
        walk.found = walk.rule;
        return 1;
    }
    walk.rule = data + length;
    0
}

#[inline(always)]
fn handle_in(word: u64) -> u64 {
    bits(word, field!(layout.rule_handle), field!(layout.rule_handle_width))
}

#[inline(always)]
fn length_in(word: u64) -> u64 {
    bits(word, field!(layout.rule_dlen), field!(layout.rule_dlen_width))
}

#[inline(always)]
fn bits(word: u64, offset: u16, width: u16) -> u64 {
    (word >> (offset & 63)) & ((1 << (width & 63)) - 1)
}
