//! Remembers what was reported to user space, so that it is reported once.

use aya_ebpf::maps::{Array, LruHashMap};

/// Number of recently reported things that are found without a hash map look-up; a power of two.
pub const RECENT: u32 = 256;

/// Something in the kernel, identified by its address and by what distinguishes it from a later one at that
/// address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Thing {
    /// Its address.
    pub address: u64,
    /// Its number within its owner.
    pub number: u64,
    /// The number of its owner.
    pub owner: u64,
}

/// Returns whether the thing was reported. `recent` saves most packets the look-up in `all`.
#[inline(always)]
pub fn was_sent(thing: &Thing, recent: &Array<Thing>, all: &LruHashMap<Thing, u8>) -> bool {
    let place = recent.get_ptr_mut(place_of(thing.address));
    // SAFETY: a value in the map. A half-written value is a miss.
    let is_it = |place: *mut Thing| unsafe {
        (*place).address == thing.address && (*place).number == thing.number && (*place).owner == thing.owner
    };
    if place.is_some_and(is_it) {
        return true;
    }
    if all.get_ptr(thing).is_none() {
        return false;
    }
    if let Some(place) = place {
        // SAFETY: a value in the map.
        unsafe { *place = *thing };
    }
    true
}

/// Returns the index in `recent`. Chains lie 64 bytes apart or more, devices in pages of their own.
#[inline(always)]
fn place_of(address: u64) -> u32 {
    let number = number_of(address);
    (number >> 6 ^ number >> 12 ^ number >> 18) & (RECENT - 1)
}

/// Records that the thing was reported.
#[inline(always)]
pub fn keep_sent(thing: &Thing, all: &LruHashMap<Thing, u8>) {
    let _full = all.insert(thing, 1, 0);
}

/// Returns the lower half of an address as a number. The verifier forbids logic on pointers, and only a 32-bit move
/// turns one into a number.
#[inline(always)]
fn number_of(address: u64) -> u32 {
    let number: u64;
    // SAFETY: the instruction only moves a register.
    unsafe {
        core::arch::asm!("w2 = w1", in("r1") address, lateout("r2") number, options(pure, nomem, nostack, preserves_flags));
    }
    number as u32
}
