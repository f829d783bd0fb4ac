//! Tracks skbs, and keeps what is known of each.

pub mod calls;
mod filter;
mod table;

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns},
    macros::map,
    maps::PerCpuArray,
};
use tracer_common::{Tuple, counter};

use crate::{
    headers::{EMPTY, Seen},
    log,
};

/// Number of chains that are remembered of a packet's walk through one base chain; a power of two.
pub const VISITED: usize = 16;

/// What is known of a tracked packet. Everything hangs on the skb, so that a second packet that is handled in
/// between (an ICMP error of `reject`, an interrupt) cannot overwrite it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Packet {
    /// Raw id.
    pub id: u64,
    /// Tuple as it is now; that of the inner headers if the packet is in a tunnel.
    pub tuple: Tuple,
    /// Outermost tuple as last reported; `version` is 0 if it is the packet's own.
    pub outer: Tuple,
    /// `_nfct` as last reported.
    pub nfct: u64,
    /// `_nfct` that could not be reported yet, 0 for none. The missing record counts as a loss until it is written.
    pub nfct_unsent: u64,
    /// Device as last reported; compared, never dereferenced.
    pub dev: u64,
    /// nftables: base chain of the walk, 0 outside a walk.
    pub base: u64,
    /// nftables: last expression that gave a verdict.
    pub expr: u64,
    /// nftables: expression that may have given a verdict by now, 0 for none.
    pub pending: u64,
    /// nftables: the walk's registers, in which `pending` leaves its verdict.
    pub regs: u64,
    /// Legacy iptables: table of the walk, 0 outside a walk.
    pub table: u64,
    /// The listener that was asked to take this SYN.
    pub listener: u64,
    /// nftables: chains that the walk went through, in a ring; the newest is at `visits - 1`.
    pub visited: [u64; VISITED],
    /// nftables: how many chains the walk went through.
    pub visits: u32,
    /// nftables: verdict of `expr`.
    pub code: i32,
    /// ifindex of `dev`.
    pub ifindex: u32,
    /// Inode number of the netns as last reported.
    pub netns: u32,
    /// `NFPROTO_*` of the netfilter walk.
    pub pf: u8,
    /// `NF_INET_*` of the netfilter walk.
    pub nf_hook: u8,
    /// Bits of `tracer_common::flag`.
    pub flags: u8,
    /// Zero.
    pub pad: u8,
    /// `skb->mark` when the BPF program in progress began.
    pub mark: u32,
    /// See [`Seen::fingerprint`]; 0 for a copy of the packet.
    pub fingerprint: u32,
    /// Index of the packet's trail in the flight recorder.
    pub trail: u32,
    /// A value that a later hook needs: the conntrack zone of a look-up, or the drops that the listener had
    /// counted.
    pub kept: u32,
}

#[map]
static LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(counter::SLOTS, 0);

/// A packet of which nothing is known yet.
const BLANK: Packet = Packet {
    id: 0,
    tuple: EMPTY,
    outer: EMPTY,
    nfct: 0,
    nfct_unsent: 0,
    dev: 0,
    base: 0,
    expr: 0,
    pending: 0,
    regs: 0,
    table: 0,
    listener: 0,
    visited: [0; VISITED],
    visits: 0,
    code: 0,
    ifindex: 0,
    netns: 0,
    pf: 0,
    nf_hook: 0,
    flags: 0,
    pad: 0,
    mark: 0,
    fingerprint: 0,
    trail: 0,
    kept: 0,
};

/// Adds one to a counter.
#[inline(always)]
pub fn count(slot: u32) {
    add(slot, 1);
}

/// Subtracts one from a counter, because the lost record was written after all. Only the sum over all CPUs means
/// something.
#[inline(always)]
pub fn uncount(slot: u32) {
    add(slot, u64::MAX);
}

/// Adds to a counter. Not inlined, because the verifier rewrites a program for each map look-up.
#[inline(never)]
fn add(slot: u32, addend: u64) {
    if let Some(value) = LOST.get_ptr_mut(slot) {
        // SAFETY: a per-CPU slot; an interrupted increment can at worst be one short.
        unsafe { *value = (*value).wrapping_add(addend) };
    }
}

/// Adds atomically across all CPUs. The previous value is not returned, because 5.10 cannot return it.
#[inline(always)]
fn atomic_add(word: *mut u64, addend: u64) {
    // SAFETY: callers pass a valid, aligned word.
    unsafe {
        core::arch::asm!("lock *(u64 *)(r1 + 0) += r2", in("r1") word, in("r2") addend, options(nostack));
    }
}

/// Returns the packet behind an skb, if the skb is tracked.
#[inline(always)]
pub fn tracked(skb: *const u8) -> Option<*mut Packet> {
    if !filter::may_contain(skb) {
        return None;
    }
    let packet = table::find(skb);
    (!packet.is_null()).then_some(packet)
}

/// Returns whether an skb is tracked.
#[inline(always)]
pub fn is_tracked(skb: *const u8) -> bool {
    tracked(skb).is_some()
}

/// Returns whether a packet is in a tunnel.
#[inline(always)]
pub fn is_wrapped(packet: *const Packet) -> bool {
    // SAFETY: a packet from the map.
    unsafe { (*packet).outer.version != 0 }
}

/// Starts to track an skb. Returns null if there is no room. For [`crate::emit::begin`].
#[inline(always)]
pub fn begin(skb: *const u8, seen: &Seen) -> *mut Packet {
    let packet = table::take(skb);
    if packet.is_null() {
        count(counter::TRACKED_OVERFLOW);
        log::table_is_full(skb);
        return packet;
    }
    // SAFETY: the pointer is into the map and this CPU holds the only reference to the skb.
    unsafe {
        (*packet).id = new_id();
        (*packet).tuple = seen.tuple;
        (*packet).fingerprint = seen.fingerprint;
    }
    count(counter::PACKETS);
    packet
}

/// Tracks another skb that carries a copy of a tracked packet, as the same packet. The walks that the first one is
/// in are not the copy's.
#[inline(always)]
pub fn copied(to: *const u8, from: *const u8) {
    let Some(packet) = tracked(from) else { return };
    if let Some(copy) = move_to(to, packet) {
        // A segment or a fragment has a sequence number of its own.
        // SAFETY: a packet from the map.
        unsafe { (*copy).fingerprint = 0 };
    }
}

/// Moves a packet that was tracked by another address (an XDP buffer) to the skb that it has become.
#[inline(always)]
pub fn renamed(to: *const u8, from: *const u8) {
    let Some(packet) = tracked(from) else { return };
    move_to(to, packet);
    end(from);
}

#[inline(always)]
fn move_to(to: *const u8, packet: *mut Packet) -> Option<*mut Packet> {
    let copy = tracked(to).unwrap_or_else(|| table::take(to));
    if copy.is_null() {
        count(counter::TRACKED_OVERFLOW);
        log::table_is_full(to);
        return None;
    }
    // SAFETY: both are packets from the map.
    unsafe { copy.copy_from_nonoverlapping(packet, 1) };
    // SAFETY: both are packets from the map.
    unsafe {
        (*copy).base = 0;
        (*copy).pending = 0;
        (*copy).table = 0;
    }
    Some(copy)
}

/// Stops tracking an skb, whose memory is about to be used again.
#[inline(always)]
pub fn end(skb: *const u8) {
    if filter::may_contain(skb) {
        table::free(skb);
    }
}

/// Stops tracking an skb that carries another packet than the tracked one, whose end went unseen because the kernel
/// does not run a program twice at once on a CPU.
#[inline(always)]
pub fn end_stale(skb: *const u8) {
    log::stale(skb);
    end(skb);
}

/// Returns a new packet id. Time and CPU distinguish packets, because no CPU begins two in the same nanosecond.
#[inline(always)]
fn new_id() -> u64 {
    // SAFETY: helpers without arguments.
    unsafe { (bpf_ktime_get_boot_ns() << 8) | u64::from(bpf_get_smp_processor_id() & 0xff) }
}
