//! Remembers what user space was told of, so that it is told once.

use aya_ebpf::maps::{Array, LruHashMap};

/// How many of the things told last are found without a look into a hash map; a power of two.
pub const RECENT: u32 = 256;

/// Something in the kernel, by its address and by what else tells it from what is there after it is gone.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Thing {
    /// Where it is.
    pub address: u64,
    /// Its number within what it belongs to.
    pub number: u64,
    /// What it belongs to.
    pub owner: u64,
}

/// Whether it was told. `recent` spares most packets the look into `all`.
#[inline(always)]
pub fn is_told(thing: &Thing, recent: &Array<Thing>, all: &LruHashMap<Thing, u8>) -> bool {
    let place = recent.get_ptr_mut(place_of(thing.address));
    // SAFETY: a value in the map. Half of another one is a miss.
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
        // SAFETY: as above.
        unsafe { *place = *thing };
    }
    true
}

/// Chains lie 64 bytes apart or more, devices in pages of their own.
#[inline(always)]
fn place_of(address: u64) -> u32 {
    let number = number_of(address);
    (number >> 6 ^ number >> 12 ^ number >> 18) & (RECENT - 1)
}

/// It has been told.
#[inline(always)]
pub fn told(thing: &Thing, all: &LruHashMap<Thing, u8>) {
    let _full = all.insert(thing, 1, 0);
}

/// The lower half of an address, as a number: the verifier forbids logic on pointers, and only a 32-bit move makes
/// a number of one.
#[inline(always)]
fn number_of(address: u64) -> u32 {
    let number: u64;
    // SAFETY: moves a register.
    unsafe {
        core::arch::asm!("w2 = w1", in("r1") address, lateout("r2") number, options(pure, nomem, nostack, preserves_flags));
    }
    number as u32
}
