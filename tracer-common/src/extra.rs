//! What [`crate::Step::extra`] holds, by hook. The kernel side packs it, user space unpacks it.

#![expect(clippy::cast_possible_truncation, reason = "each part is taken out of its own bits")]

/// At a redirect: the bit that says that the target device is up (`IFF_UP`). The lower half holds the redirect's flags.
pub const REDIRECT_UP: u64 = 1 << 32;

/// At `nf_conntrack_in`: packs the return value, and the zone of the look-up.
#[inline(always)]
#[must_use]
pub const fn looked_up(ret: i32, zone: u64) -> u64 {
    ret as u32 as u64 | zone << 32
}

/// At `nf_conntrack_in`: returns the return value, an `NF_*` verdict.
#[inline(always)]
#[must_use]
pub const fn return_value(extra: u64) -> i32 {
    extra as u32 as i32
}

/// At `nf_conntrack_in`: returns the zone of the look-up.
#[inline(always)]
#[must_use]
pub const fn zone(extra: u64) -> u16 {
    (extra >> 32) as u16
}

/// For an ICMP error: packs its type, its code, and the `info` that the kernel sends with it.
#[inline(always)]
#[must_use]
pub const fn icmp_error(kind: u64, code: u64, info: u64) -> u64 {
    (kind & 0xff) | (code & 0xff) << 8 | info << 32
}

/// For an ICMP error: returns its type, its code and its `info`.
#[inline(always)]
#[must_use]
pub const fn icmp_parts(extra: u64) -> (u8, u8, u32) {
    (extra as u8, (extra >> 8) as u8, (extra >> 32) as u32)
}
