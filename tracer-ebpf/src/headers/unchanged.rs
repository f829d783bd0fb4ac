//! Checks with a few loads whether a tracked packet's headers are unchanged, which is the usual case.

use tracer_common::Tuple;

use super::{Bytes, IPPROTO_TCP, IPPROTO_UDP, IPV4, IPV6, In, LATER_FRAGMENT, Seen};
use crate::read::{castable, casts};

/// Returns whether the headers at `l3` certainly are those of that tuple, and of that packet.
///
/// Returns false if checking is not worth it: if reading takes the helper, or for anything but TCP and UDP without
/// IP options.
#[inline(always)]
pub fn unchanged(l3: *const u8, tuple: &Tuple, fingerprint: u32) -> bool {
    if !casts() {
        return false;
    }
    let header = In(castable(l3));
    let l4 = match tuple.version {
        4 if ipv4(&header, tuple) => IPV4,
        6 if ipv6(&header, tuple) => IPV6,
        _ => return false,
    };
    let distinct = match tuple.proto {
        IPPROTO_TCP => 4,
        IPPROTO_UDP => 8,
        _ => return false,
    };
    header.word(l4) == u32::from(tuple.sport) | u32::from(tuple.dport) << 16
        && header.word(l4 + distinct) | Seen::NEVER_0 == fingerprint
}

#[inline(always)]
fn ipv4(header: &In, tuple: &Tuple) -> bool {
    /// Version 4, and a header of five words.
    const PLAIN: u8 = 0x45;
    header.byte(0) == PLAIN
        && header.word(4) & LATER_FRAGMENT == 0
        && header.byte(9) == tuple.proto
        && header.word(12) == tuple.saddr[0]
        && header.word(16) == tuple.daddr[0]
}

#[inline(always)]
fn ipv6(header: &In, tuple: &Tuple) -> bool {
    header.byte(0) >> 4 == 6
        && header.byte(6) == tuple.proto
        && (0..4).all(|word| {
            header.word(8 + word * 4) == tuple.saddr[word] && header.word(24 + word * 4) == tuple.daddr[word]
        })
}
