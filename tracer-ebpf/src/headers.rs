//! Reads addresses, ports and flags from a packet's headers.

use tracer_common::Tuple;

use crate::read::{Probed, Read, copy};

/// `ETH_P_IP` and `ETH_P_IPV6` as they stand in `skb->protocol`.
pub const ETH_P_IP: u16 = 0x0800u16.to_be();
/// See [`ETH_P_IP`].
pub const ETH_P_IPV6: u16 = 0x86ddu16.to_be();

const IPPROTO_ICMP: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;
const IPPROTO_DCCP: u8 = 33;

/// More IPv6 extension headers than this in a row are not followed.
const MAX_EXTENSIONS: u8 = 6;

/// Whether two tuples name the same flow in the same direction.
#[inline(always)]
pub fn same(a: &Tuple, b: &Tuple) -> bool {
    a.saddr == b.saddr
        && a.daddr == b.daddr
        && a.sport == b.sport
        && a.dport == b.dport
        && a.proto == b.proto
        && a.version == b.version
}

/// Where the transport header is behind the IP header at `l3`.
#[inline(always)]
pub fn l4(l3: *const u8) -> *const u8 {
    let first: u8 = Probed::at(l3, 0);
    if first >> 4 == 6 { extensions(l3).end } else { l3.wrapping_add(usize::from(first & 0xf) * 4) }
}

/// What tells a packet from the next one of its flow and survives translation: TCP's sequence number, an
/// echo's, SCTP's first chunk, the first bytes that a datagram carries. Never 0.
#[inline(never)]
pub fn fingerprint(l3: *const u8, proto: u8) -> u32 {
    let at = match proto {
        IPPROTO_TCP => 4,
        IPPROTO_ICMP | IPPROTO_ICMPV6 => 6,
        IPPROTO_SCTP => 16,
        _ => 8,
    };
    Probed::at::<u32>(l4(l3), at) | 1
}

/// Reads the tuple of the packet whose IP header is at `l3` into `tuple`; false where that is no IP header.
/// A function of its own, since the stack of all callers together is short (512 bytes before 6.13).
#[inline(never)]
pub fn read(l3: *const u8, tuple: &mut Tuple) -> bool {
    *tuple = EMPTY;
    match Probed::at::<u8>(l3, 0) >> 4 {
        4 => ipv4(l3, tuple),
        6 => ipv6(l3, tuple),
        _ => false,
    }
}

#[inline(always)]
fn ipv4(l3: *const u8, tuple: &mut Tuple) -> bool {
    let mut header = [0u32; 5];
    if !copy(header.as_mut_ptr().cast(), l3, 20) {
        return false;
    }
    let first = u32::from_be(header[0]);
    let words = (first >> 24) & 0xf;
    if words < 5 {
        return false;
    }
    tuple.version = 4;
    tuple.proto = (u32::from_be(header[2]) >> 16) as u8;
    tuple.saddr[0] = header[3];
    tuple.daddr[0] = header[4];
    // Only the first fragment carries a transport header.
    if u32::from_be(header[1]) & 0x1fff == 0 {
        transport(tuple, l3.wrapping_add(words as usize * 4));
    }
    true
}

#[inline(always)]
fn ipv6(l3: *const u8, tuple: &mut Tuple) -> bool {
    tuple.version = 6;
    if !copy(tuple.saddr.as_mut_ptr().cast(), l3.wrapping_add(8), 16)
        || !copy(tuple.daddr.as_mut_ptr().cast(), l3.wrapping_add(24), 16)
    {
        return false;
    }
    let extensions = extensions(l3);
    tuple.proto = extensions.proto;
    if !extensions.later_fragment {
        transport(tuple, extensions.end);
    }
    true
}

/// The extension headers of an IPv6 packet.
struct Extensions {
    /// Where they end.
    end: *const u8,
    /// What follows.
    proto: u8,
    /// What follows is not the transport header but data.
    later_fragment: bool,
}

#[inline(always)]
fn extensions(l3: *const u8) -> Extensions {
    let mut next: u8 = Probed::at(l3, 6);
    let mut at = l3.wrapping_add(40);
    let mut later_fragment = false;
    for _ in 0..MAX_EXTENSIONS {
        let header: u32 = match next {
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6.
            0 | 43 | 60 | 135 | 139 | 140 | 44 | 51 => word(at),
            _ => break,
        };
        let [following, length, high, low] = header.to_ne_bytes();
        let size = match next {
            44 => 8,
            // The authentication header counts in words, less two.
            51 => (u32::from(length) + 2) * 4,
            _ => (u32::from(length) + 1) * 8,
        };
        later_fragment = next == 44 && u16::from_be_bytes([high, low]) & 0xfff8 != 0;
        next = following;
        at = at.wrapping_add(size as usize);
        if later_fragment {
            break;
        }
    }
    Extensions { end: at, proto: next, later_fragment }
}

/// Four bytes. A function of its own, since the loop above is unrolled, with a place on the stack for each.
#[inline(never)]
fn word(at: *const u8) -> u32 {
    Probed::at(at, 0)
}

/// Ports and flags. A header that cannot be read leaves them zero.
#[inline(always)]
fn transport(tuple: &mut Tuple, l4: *const u8) {
    match tuple.proto {
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_SCTP | IPPROTO_UDPLITE | IPPROTO_DCCP => {
            let ports: [u16; 2] = Probed::at(l4, 0);
            [tuple.sport, tuple.dport] = ports;
            if tuple.proto == IPPROTO_TCP {
                tuple.tcp_flags = Probed::at(l4, 13);
            }
        }
        IPPROTO_ICMP | IPPROTO_ICMPV6 => {
            let [kind, _code, ..]: [u8; 4] = Probed::at(l4, 0);
            // Echo and echo reply carry an identifier where others carry something else.
            if matches!((tuple.proto, kind), (IPPROTO_ICMP, 0 | 8) | (IPPROTO_ICMPV6, 128 | 129)) {
                let id: u16 = Probed::at(l4, 4);
                tuple.sport = id;
                tuple.dport = id;
            }
        }
        _ => {}
    }
}

/// Of nothing.
pub const EMPTY: Tuple =
    Tuple { saddr: [0; 4], daddr: [0; 4], sport: 0, dport: 0, proto: 0, version: 0, tcp_flags: 0, direction: 0 };
