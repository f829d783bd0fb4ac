//! Finds an entry of a legacy table: the one that holds a target, or the one that dropped the packet.
//!
//! A rule with only a standard target runs no function that could be hooked, but the kernel counts each entry that
//! matches, per CPU. The counters are remembered when the walk begins. When it ends in a drop, the entry that
//! dropped is the one with a dropping target whose counter has moved.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use tracer_common::LEGACY_POLICY;

use crate::{
    each::each,
    frozen::field,
    packet::Packet,
    per_cpu,
    read::{Probed, Read, zero},
};

/// Maximum number of entries to distinguish; a power of two. A per-CPU value has 32 KiB at most.
const MAX_ENTRIES: usize = 2048;

/// `XT_STANDARD` targets hold `-verdict - 1`: this is `NF_DROP`.
const STANDARD_DROP: i32 = -1;

/// Offsets of `struct ipt_entry` or `struct ip6t_entry`.
pub trait Layout {
    /// Whether this is `ip6t_entry`.
    const IPV6: bool;
}

/// `struct ipt_entry`
pub struct Ipv4;
impl Layout for Ipv4 {
    const IPV6: bool = false;
}

/// `struct ip6t_entry`
pub struct Ipv6;
impl Layout for Ipv6 {
    const IPV6: bool = true;
}

/// The counters when a packet's walk began.
#[repr(C)]
struct Counters {
    /// The packet that walks, so that a second packet on this CPU is not taken for it.
    skb: u64,
    packets: [u64; MAX_ENTRIES],
}

#[map]
static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(2, 0);

/// Returns the slot of a packet's walk. The second slot is for a walk within a walk: the ICMP error or reset of a
/// rule that rejects.
#[inline(always)]
fn slot_of(skb: *const u8, begins: bool) -> u32 {
    let Some(first) = COUNTERS.get_ptr(0) else { return 0 };
    // SAFETY: this CPU's slot.
    let owner = unsafe { (*first).skb };
    u32::from(owner != skb as u64 && (!begins || owner != 0))
}

/// Releases the slot of a walk that is over.
#[inline(always)]
pub fn forget(skb: *const u8) {
    if let Some(counters) = COUNTERS.get_ptr_mut(slot_of(skb, false)) {
        // SAFETY: this CPU's slot.
        unsafe { (*counters).skb = 0 };
    }
}

/// A walk over the entries of one table.
#[repr(C)]
struct Walk {
    first: u64,
    entry: u64,
    end: u64,
    /// An address inside the entry to find; 0 if the walk is about counters.
    inside: u64,
    /// `__per_cpu_offset` of this CPU; 0 if counters are not per CPU, or if the offset is unknown.
    cpu: u64,
    /// Offset of the entry found, or `NOT_FOUND`.
    found: u64,
    /// Number of entries with a target of their own whose counter moved; `extension` is the last one's offset.
    extensions: u64,
    extension: u64,
    ipv6: u32,
    /// Slot of [`COUNTERS`].
    slot: u32,
}

/// No entry has this offset.
pub const NOT_FOUND: u64 = u64::MAX;

/// Remembers the counters of a table for the walk that begins.
#[inline(always)]
pub fn remember_counters<E: Layout>(skb: *const u8, table: *const u8) {
    let slot = slot_of(skb, true);
    let Some(counters) = COUNTERS.get_ptr_mut(slot) else { return };
    // SAFETY: this CPU's slot.
    unsafe { (*counters).skb = skb as u64 };
    let mut walk = begin(table, E::IPV6, 0);
    walk.slot = slot;
    each(MAX_ENTRIES as u32, remember, &mut walk);
}

/// Returns the byte offset of the entry that dropped the packet, with [`LEGACY_POLICY`] if it is a policy, or
/// [`NOT_FOUND`].
///
/// An `Option` would leave its number undefined, which the verifier does not let through.
#[inline(always)]
pub fn that_dropped<E: Layout>(packet: *const Packet, skb: *const u8, table: *const u8) -> u64 {
    let slot = slot_of(skb, false);
    let Some(counters) = COUNTERS.get_ptr_mut(slot) else { return NOT_FOUND };
    // SAFETY: this CPU's slot.
    if unsafe { (*counters).skb } != skb as u64 {
        return NOT_FOUND;
    }
    let mut walk = begin(table, E::IPV6, 0);
    walk.slot = slot;
    let all = each(MAX_ENTRIES as u32, compare, &mut walk);
    let offset = match (walk.found, walk.extensions) {
        (NOT_FOUND, 1) if all => walk.extension,
        (offset, _) => offset,
    };
    if offset == NOT_FOUND { NOT_FOUND } else { offset | policy_bit(packet, table, offset) }
}

/// Returns the byte offset of the entry that holds an address, or [`NOT_FOUND`].
#[inline(always)]
pub fn holding(packet: *const Packet, table: *const u8, inside: *const u8) -> u64 {
    // SAFETY: a packet from the map.
    let ipv6 = unsafe { (*packet).pf } == 10;
    let mut walk = begin(table, ipv6, inside as u64);
    each(MAX_ENTRIES as u32, search, &mut walk);
    walk.found
}

#[inline(always)]
fn begin(table: *const u8, ipv6: bool, inside: u64) -> Walk {
    let info: *const u8 = Probed::at(table, field!(layout.xt_table_private));
    let first = info as u64 + u64::from(field!(layout.xt_info_entries));
    let size: u32 = Probed::at(info, field!(layout.xt_info_size));
    let cpu = if field!(counters_per_cpu) == 0 { 0 } else { per_cpu::offset() };
    Walk {
        first,
        entry: first,
        end: first + u64::from(size),
        inside,
        cpu,
        found: NOT_FOUND,
        // If the verifier knew this number, it would count it up, and check the loop once for each entry.
        extensions: zero(),
        extension: 0,
        ipv6: u32::from(ipv6),
        slot: 0,
    }
}

#[inline(always)]
fn policy_bit(packet: *const Packet, table: *const u8, offset: u64) -> u64 {
    let info: *const u8 = Probed::at(table, field!(layout.xt_table_private));
    // SAFETY: a packet from the map.
    let hook = u16::from(unsafe { (*packet).nf_hook } & 7);
    let underflow: u32 = Probed::at(info.wrapping_add(usize::from(hook) * 4), field!(layout.xt_info_underflow));
    if u64::from(underflow) == offset { LEGACY_POLICY } else { 0 }
}

#[inline(never)]
unsafe extern "C" fn remember(index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `each` passes what it was given.
    let walk = unsafe { &mut *walk };
    let Some(counters) = COUNTERS.get_ptr_mut(walk.slot) else { return 1 };
    // SAFETY: this CPU's slot; the index is masked.
    unsafe { (*counters).packets[index as usize & (MAX_ENTRIES - 1)] = packets(walk) };
    advance(walk)
}

#[inline(never)]
unsafe extern "C" fn compare(index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `each` passes what it was given.
    let walk = unsafe { &mut *walk };
    let Some(counters) = COUNTERS.get_ptr_mut(walk.slot) else { return 1 };
    // SAFETY: this CPU's slot; the index is masked.
    let before = unsafe { (*counters).packets[index as usize & (MAX_ENTRIES - 1)] };
    if packets(walk) != before {
        let target = walk.entry + u64::from(target_offset(walk));
        let kind: *const u8 = Probed::at(target as *const u8, field!(layout.xt_entry_target_ptr));
        // A standard target has no function.
        if Probed::at::<u64>(kind, field!(layout.xt_target_fn)) != 0 {
            walk.extensions += 1;
            walk.extension = walk.entry - walk.first;
        } else if Probed::at::<i32>(target as *const u8, field!(layout.xt_standard_verdict)) == STANDARD_DROP {
            walk.found = walk.entry - walk.first;
            return 1;
        }
    }
    advance(walk)
}

#[inline(never)]
unsafe extern "C" fn search(_index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `each` passes what it was given.
    let walk = unsafe { &mut *walk };
    let entry = walk.entry;
    let stop = advance(walk);
    if walk.inside >= entry && walk.inside < walk.entry {
        walk.found = entry - walk.first;
        return 1;
    }
    stop
}

/// Advances to the next entry. Returns 1 if there is none.
#[inline(always)]
fn advance(walk: &mut Walk) -> i64 {
    let field = if walk.ipv6 != 0 { field!(layout.ip6t_next_offset) } else { field!(layout.ipt_next_offset) };
    let size: u16 = Probed::at(walk.entry as *const u8, field);
    walk.entry += u64::from(size);
    i64::from(size == 0 || walk.entry >= walk.end)
}

#[inline(always)]
fn target_offset(walk: &Walk) -> u16 {
    let field = if walk.ipv6 != 0 { field!(layout.ip6t_target_offset) } else { field!(layout.ipt_target_offset) };
    Probed::at(walk.entry as *const u8, field)
}

/// Returns how many packets this entry has matched on this CPU (`xt_get_this_cpu_counter`).
#[inline(always)]
fn packets(walk: &Walk) -> u64 {
    let field = if walk.ipv6 != 0 { field!(layout.ip6t_counters) } else { field!(layout.ipt_counters) };
    let counters: u64 = Probed::at(walk.entry as *const u8, field);
    if walk.cpu == 0 { counters } else { Probed::at((counters.wrapping_add(walk.cpu)) as *const u8, 0) }
}
