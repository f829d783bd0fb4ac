//! The first question of every interior hook: may this skb be tracked at all?
//!
//! A counting Bloom filter with one hash over skb addresses. The filter lives in a global, so that a check costs a
//! handful of instructions and no helper call.

use core::cell::UnsafeCell;

use tracer_common::tracked::SLOTS;

use super::atomic_add;

/// Number of tracked skbs that fall into each slot. Not `AtomicU64`, because rustc has no atomic operations for the
/// BPF target, although the instruction set has. The section becomes a map of its own, which user space reads.
// SAFETY: the loader makes a map of each section whose name begins with `.data`.
#[unsafe(link_section = ".data.filter")]
static FILTER: Slots = Slots(UnsafeCell::new([0; SLOTS as usize]));

struct Slots(UnsafeCell<[u64; SLOTS as usize]>);

// SAFETY: slots are read as whole words and changed by atomic additions only.
unsafe impl Sync for Slots {}

/// Returns whether an skb may be tracked. False means that it certainly is not.
#[inline(always)]
pub fn may_contain(skb: *const u8) -> bool {
    // SAFETY: a slot is valid for reads; volatile, because other CPUs change it.
    unsafe { slot(skb).read_volatile() != 0 }
}

/// Counts an skb in.
#[inline(always)]
pub fn add(skb: *const u8) {
    atomic_add(slot(skb), 1);
}

/// Counts an skb out.
#[inline(always)]
pub fn remove(skb: *const u8) {
    atomic_add(slot(skb), u64::MAX);
}

/// Returns the number of the slot that an skb falls into.
#[inline(always)]
pub fn number(skb: *const u8) -> u32 {
    (offset(skb) / 8) as u32
}

#[inline(always)]
fn slot(skb: *const u8) -> *mut u64 {
    // SAFETY: the offset is inside, at a whole slot.
    unsafe { FILTER.0.get().cast::<u8>().add(offset(skb) as usize).cast() }
}

/// Returns the byte offset of an skb's slot.
///
/// skbs lie at least 64 bytes apart, so the lowest bits say nothing. The verifier forbids 64-bit logic on pointers,
/// and only a 32-bit move turns one into a number. The verifier of 5.10 forgets the bounds of a number unless the
/// mask comes last. The compiler must not choose otherwise.
#[inline(always)]
fn offset(skb: *const u8) -> u64 {
    let offset: u64;
    // SAFETY: the instructions only do logic on registers.
    unsafe {
        core::arch::asm!(
            "w2 = w1",
            "w3 = w2",
            "w2 >>= 3",
            "w3 >>= 17",
            "w2 ^= w3",
            "r2 &= {mask}",
            mask = const SLOTS * 8 - 8,
            in("r1") skb,
            lateout("r2") offset,
            out("r3") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    offset
}
