//! The followed skbs, by address.
//!
//! Looked for at each hook of each packet, which a hash map makes the dearest part of it (140 instructions): so this is
//! an array, searched from where the filter's slot is. Atomic additions that return nothing are all that 5.10 has
//! to take a place by: whoever has added the first claim has it, all others go on.

use aya_ebpf::{macros::map, maps::Array};

use super::{BLANK, Packet, atomic_add, filter};
use crate::each::rolled;

/// Places that belong to a slot of the filter.
const WAYS: u32 = 4;
/// How many places are tried from there on: those of the next slot, too.
const PROBES: u32 = 8;

/// A place.
#[repr(C)]
struct Place {
    /// How many want it, or one that has it.
    claims: u64,
    /// Whose it is; 0 for nobody's.
    skb: u64,
    packet: Packet,
}

#[map]
static TRACKED: Array<Place> = Array::with_max_entries(filter::SLOTS as u32 * WAYS + PROBES, 0);

/// What is known of an skb; null where it is not followed. Hardly any skb is found elsewhere than in its first place.
#[inline(always)]
pub fn find(skb: *const u8) -> *mut Packet {
    match TRACKED.get_ptr_mut(filter::number(skb) * WAYS) {
        // SAFETY: a place in the map.
        Some(place) if unsafe { (*place).skb } == skb as u64 => unsafe { &raw mut (*place).packet },
        _ => match place_of(skb) {
            place if place.is_null() => core::ptr::null_mut(),
            // SAFETY: as above.
            place => unsafe { &raw mut (*place).packet },
        },
    }
}

/// The place of an skb; null where it has none. The verifier rewrites a program for each look into a map: the loop is
/// not unrolled.
#[inline(never)]
fn place_of(skb: *const u8) -> *mut Place {
    let first = filter::number(skb) * WAYS;
    for probe in rolled(0, PROBES) {
        let Some(place) = TRACKED.get_ptr_mut(first + probe) else { break };
        // SAFETY: a place in the map.
        if unsafe { (*place).skb } == skb as u64 {
            return place;
        }
    }
    core::ptr::null_mut()
}

/// A place for an skb that has none, blank; null where all are taken.
#[inline(never)]
pub fn take(skb: *const u8) -> *mut Packet {
    let first = filter::number(skb) * WAYS;
    for probe in rolled(0, PROBES) {
        let Some(place) = TRACKED.get_ptr_mut(first + probe) else { break };
        // SAFETY: a place in the map; from the claim on this CPU's own.
        unsafe {
            let claims = &raw mut (*place).claims;
            if claims.read_volatile() != 0 {
                continue;
            }
            atomic_add(claims, 1);
            if claims.read_volatile() != 1 {
                atomic_add(claims, u64::MAX);
                continue;
            }
            (*place).packet = BLANK;
            (&raw mut (*place).skb).write_volatile(skb as u64);
            filter::add(skb);
            return &raw mut (*place).packet;
        }
    }
    core::ptr::null_mut()
}

/// Gives the place of an skb free.
#[inline(always)]
pub fn free(skb: *const u8) {
    let place = place_of(skb);
    if place.is_null() {
        return;
    }
    // SAFETY: a place in the map, of an skb that only this CPU knows any more.
    unsafe {
        (&raw mut (*place).skb).write_volatile(0);
        atomic_add(&raw mut (*place).claims, u64::MAX);
    }
    filter::remove(skb);
}
