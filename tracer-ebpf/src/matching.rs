//! Decides whether a packet belongs to the flow to trace, and in which direction.
//!
//! A packet matches by the filter, or by what was learned since. When a tracked packet is translated, its new tuple
//! and the reply to that join the match. The reply is then found even if nothing translates it back. Outer headers
//! of tunnels never join.

use aya_ebpf::{macros::map, maps::LruHashMap};
use tracer_common::{Prefix, Tuple, direction};

use crate::{
    frozen::{config, field},
    raised::Raised,
};

/// Returns one of [`direction`], or `None` if the packet does not match.
#[inline(always)]
pub fn direction(tuple: &Tuple) -> Option<u8> {
    match asked(tuple) {
        None if ANY_LEARNED.get() => learned(tuple),
        direction => direction,
    }
}

/// Tuples of translated packets, with their direction. A one-way filter learns no replies.
#[map]
static LEARNED: LruHashMap<Tuple, u8> = LruHashMap::with_max_entries(65536, 0);

/// Whether [`LEARNED`] holds anything. Until then, packets skip the look-up.
static ANY_LEARNED: Raised = Raised::NO;

/// Adds the new tuple of a tracked packet to the match, and the reply to it.
#[inline(never)]
pub fn learn(tuple: &Tuple) {
    let mut key = Tuple { tcp_flags: 0, direction: 0, ..*tuple };
    let _forgotten_oldest = LEARNED.insert(key, tuple.direction, 0);
    if field!(filter.one_way) == 0 {
        (key.saddr, key.daddr) = (tuple.daddr, tuple.saddr);
        (key.sport, key.dport) = (tuple.dport, tuple.sport);
        let opposite = match tuple.direction {
            direction::ORIG => direction::REPLY,
            direction::REPLY => direction::ORIG,
            unknown => unknown,
        };
        let _forgotten_oldest = LEARNED.insert(key, opposite, 0);
    }
    ANY_LEARNED.raise();
}

#[inline(always)]
fn learned(tuple: &Tuple) -> Option<u8> {
    match look_up(tuple) {
        NOT_LEARNED => None,
        direction => Some(direction as u8),
    }
}

/// Result of [`look_up`] for a tuple that was not learned; not a [`direction`].
const NOT_LEARNED: u32 = u32::MAX;

#[inline(never)]
fn look_up(tuple: &Tuple) -> u32 {
    let key = Tuple { tcp_flags: 0, direction: 0, ..*tuple };
    // SAFETY: the value is a byte, which no writer leaves half written.
    LEARNED.get_ptr(key).map_or(NOT_LEARNED, |direction| unsafe { u32::from(*direction) })
}

/// Matches a tuple against the filter.
#[inline(always)]
fn asked(tuple: &Tuple) -> Option<u8> {
    let version = field!(filter.version);
    let proto = field!(filter.proto_plus_one);
    if (version != 0 && version != tuple.version) || (proto != 0 && proto - 1 != tuple.proto) {
        return None;
    }
    if !either(field!(filter.port), tuple) || !(host(&tuple.saddr) || host(&tuple.daddr)) {
        return None;
    }
    if field!(filter.directed) == 0 {
        return Some(direction::UNKNOWN);
    }
    if ends(&tuple.saddr, &tuple.daddr, tuple.sport, tuple.dport) {
        return Some(direction::ORIG);
    }
    if field!(filter.one_way) == 0 && ends(&tuple.daddr, &tuple.saddr, tuple.dport, tuple.sport) {
        return Some(direction::REPLY);
    }
    None
}

/// Returns whether these ends match the filter's source and destination.
#[inline(always)]
fn ends(src: &[u32; 4], dst: &[u32; 4], sport: u16, dport: u16) -> bool {
    let (wanted_sport, wanted_dport) = (field!(filter.sport), field!(filter.dport));
    (wanted_sport == 0 || wanted_sport == sport)
        && (wanted_dport == 0 || wanted_dport == dport)
        // SAFETY: the addresses lie in the configuration, valid for reads.
        && unsafe { within(src, &raw const (*config()).filter.src) && within(dst, &raw const (*config()).filter.dst) }
}

#[inline(always)]
fn host(addr: &[u32; 4]) -> bool {
    // SAFETY: the prefix lies in the configuration, valid for reads.
    unsafe { within(addr, &raw const (*config()).filter.host) }
}

#[inline(always)]
fn either(port: u16, tuple: &Tuple) -> bool {
    port == 0 || port == tuple.sport || port == tuple.dport
}

/// # Safety
/// `prefix` must be valid for reads.
#[inline(always)]
unsafe fn within(addr: &[u32; 4], prefix: *const Prefix) -> bool {
    let mut differs = 0;
    for half in 0..2 {
        // SAFETY: the caller guarantees it; tuples and prefixes are aligned. Volatile for the same reason as
        // `field!`.
        let (value, wanted, mask) = unsafe {
            (
                addr.as_ptr().cast::<u64>().add(half).read(),
                (&raw const (*prefix).addr).cast::<u64>().add(half).read_volatile(),
                (&raw const (*prefix).mask).cast::<u64>().add(half).read_volatile(),
            )
        };
        differs |= (value ^ wanted) & mask;
    }
    differs == 0
}
