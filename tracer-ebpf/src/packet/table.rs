//! The tracked skbs, by address.
//!
//! Each hook looks each packet up here. With a hash map, the look-up would be the largest part of a hook's cost
//! (140 instructions). Therefore this is an array, searched from the place that the filter's slot gives.
//!
//! Places are claimed by atomic additions that return nothing, because 5.10 has no others. A CPU that finds no
//! claim but its own has the place; all others try the next one.

use core::mem::offset_of;

use aya_ebpf::{macros::map, maps::Array};
use tracer_common::tracked::{PLACES, PROBES, PlaceHead, WAYS};

use super::{BLANK, Packet, atomic_add, filter};
use crate::each::rolled;

/// A place in the table. It begins like [`PlaceHead`], which user space reads.
#[repr(C)]
struct Place {
    /// Number of claims, including that of the skb that has the place.
    claims: u64,
    /// The skb that has the place, 0 if none has.
    skb: u64,
    packet: Packet,
}

const _: () = {
    assert!(offset_of!(Place, claims) == offset_of!(PlaceHead, claims));
    assert!(offset_of!(Place, skb) == offset_of!(PlaceHead, skb));
    assert!(offset_of!(Place, packet) + offset_of!(Packet, id) == offset_of!(PlaceHead, id));
};

#[map]
static TRACKED: Array<Place> = Array::with_max_entries(PLACES, 0);

/// Returns what is known of an skb, null if it is not tracked. Nearly every skb is in its first place.
#[inline(always)]
pub fn find(skb: *const u8) -> *mut Packet {
    match TRACKED.get_ptr_mut(filter::number(skb) * WAYS) {
        // SAFETY: a place in the map.
        Some(place) if unsafe { (*place).skb } == skb as u64 => unsafe { &raw mut (*place).packet },
        _ => match place_of(skb) {
            place if place.is_null() => core::ptr::null_mut(),
            // SAFETY: a place in the map.
            place => unsafe { &raw mut (*place).packet },
        },
    }
}

/// Returns the place of an skb, null if it has none. The loop is not unrolled, because the verifier rewrites a
/// program for each map look-up.
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

/// Claims and clears a place for an skb that has none. Returns null if all places are taken.
#[inline(never)]
pub fn take(skb: *const u8) -> *mut Packet {
    let first = filter::number(skb) * WAYS;
    for probe in rolled(0, PROBES) {
        let Some(place) = TRACKED.get_ptr_mut(first + probe) else { break };
        // SAFETY: a place in the map, which is this CPU's own from the claim on.
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

/// Frees the place of an skb.
#[inline(always)]
pub fn free(skb: *const u8) {
    let place = place_of(skb);
    if place.is_null() {
        return;
    }
    // SAFETY: a place in the map, of an skb that only this CPU still knows.
    unsafe {
        (&raw mut (*place).skb).write_volatile(0);
        atomic_add(&raw mut (*place).claims, u64::MAX);
    }
    filter::remove(skb);
}
