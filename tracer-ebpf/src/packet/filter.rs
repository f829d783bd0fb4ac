//! The first question of every interior hook: may this skb be tracked at all?
//!
//! A counting Bloom filter of one hash over skb addresses. It lives in a global, so that asking
//! costs a handful of instructions and no helper call.

use core::cell::UnsafeCell;

const BITS: u32 = 13;
const SLOTS: usize = 1 << BITS;

/// How many tracked skbs fall into each slot. Not `AtomicU64`: rustc has no atomic operations for
/// the BPF target, although the instruction set has.
static FILTER: Slots = Slots(UnsafeCell::new([0; SLOTS]));

struct Slots(UnsafeCell<[u64; SLOTS]>);

// SAFETY: slots are read as whole words and changed by atomic additions only.
unsafe impl Sync for Slots {}

/// False: certainly not tracked.
#[inline(always)]
pub fn may_contain(skb: *const u8) -> bool {
    // SAFETY: a slot is valid for reads; volatile, since other CPUs change it.
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

#[inline(always)]
fn atomic_add(slot: *mut u64, addend: u64) {
    // SAFETY: adds to a valid, aligned word.
    unsafe {
        core::arch::asm!("lock *(u64 *)(r1 + 0) += r2", in("r1") slot, in("r2") addend, options(nostack));
    }
}

/// skbs lie at least 64 bytes apart, so the lowest bits say nothing.
#[inline(always)]
fn slot(skb: *const u8) -> *mut u64 {
    let low = low_word(skb);
    let index = ((low >> 6) ^ (low >> 20)) & (SLOTS as u32 - 1);
    // SAFETY: the mask keeps the index inside.
    unsafe { FILTER.0.get().cast::<u64>().add(index as usize) }
}

/// The low half of an address as a number. The verifier forbids 64-bit logic on pointers, and only
/// a 32-bit move makes a number of one; the compiler must not choose otherwise.
#[inline(always)]
fn low_word(skb: *const u8) -> u32 {
    let low: u64;
    // SAFETY: moves a register.
    unsafe {
        core::arch::asm!("w2 = w1", in("r1") skb, lateout("r2") low, options(pure, nomem, nostack, preserves_flags));
    }
    low as u32
}
