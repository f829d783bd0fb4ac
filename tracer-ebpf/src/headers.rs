//! Reads addresses, ports and flags from a packet's headers.

use core::mem::MaybeUninit;

use tracer_common::Tuple;

pub use unchanged::unchanged;

use crate::{
    each::rolled,
    read::{Probed, Read, castable, casts, copy, zero},
};

mod unchanged;

/// `ETH_P_IP` in the byte order of `skb->protocol`.
pub const ETH_P_IP: u16 = 0x0800u16.to_be();
/// `ETH_P_IPV6` in the byte order of `skb->protocol`.
pub const ETH_P_IPV6: u16 = 0x86ddu16.to_be();

/// Returns whether `skb->protocol` names a protocol that never carries IP: ARP, LLC, slow protocols, EAPOL, LLDP
/// (include/uapi/linux/if_ether.h).
#[inline(always)]
pub fn never_ip(protocol: u16) -> bool {
    matches!(u16::from_be(protocol), 0x0806 | 0x0004 | 0x8809 | 0x888e | 0x88cc)
}

const IPPROTO_ICMP: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;
const IPPROTO_DCCP: u8 = 33;

/// Maximum number of IPv6 extension headers to follow in a row.
const MAX_EXTENSIONS: u32 = 6;

/// Returns whether two tuples name the same flow in the same direction.
#[inline(always)]
pub fn same(a: &Tuple, b: &Tuple) -> bool {
    a.saddr == b.saddr
        && a.daddr == b.daddr
        && a.sport == b.sport
        && a.dport == b.dport
        && a.proto == b.proto
        && a.version == b.version
}

/// Returns the address of the transport header behind the IP header at `l3`.
#[inline(always)]
pub fn l4(l3: *const u8) -> *const u8 {
    let first: u8 = Probed::at(l3, 0);
    if first >> 4 == 6 { extensions(l3, Probed::at(l3, 6)).end } else { l3.wrapping_add(usize::from(first & 0xf) * 4) }
}

/// What a packet's headers show.
#[derive(Clone, Copy)]
pub struct Seen {
    /// Addresses, ports, flags.
    pub tuple: Tuple,
    /// Distinguishes a packet from the next one of its flow, and survives translation. The fingerprint is TCP's
    /// sequence number, an echo's, SCTP's first chunk, or the first bytes that a datagram carries. Never 0.
    pub fingerprint: u32,
}

impl Seen {
    /// A bit that is set in every fingerprint.
    const NEVER_0: u32 = 1;
}

/// Reads the headers of the packet whose IP header is at `l3` into `to`. Returns `None` if that is not an IP
/// header. `to` is not cleared first, because clearing it would cost as much as reading the headers.
#[inline(always)]
pub fn read(l3: *const u8, to: &mut MaybeUninit<Seen>) -> Option<&mut Seen> {
    // SAFETY: `read_into` has written everything if it returns true.
    unsafe { read_into(l3, to.as_mut_ptr()).then(|| to.assume_init_mut()) }
}

/// Reads the headers into `seen` once more. Returns false if that is not an IP header.
#[inline(always)]
pub fn again(l3: *const u8, seen: &mut Seen) -> bool {
    // SAFETY: a reference is valid for writes.
    unsafe { read_into(l3, seen) }
}

/// Reads the headers into `seen`. Not inlined, because a chain of calls has little stack in all (512 bytes before
/// 6.13).
///
/// # Safety
/// `seen` must be valid for writes.
#[inline(never)]
unsafe fn read_into(l3: *const u8, seen: *mut Seen) -> bool {
    // SAFETY: the caller guarantees it.
    unsafe { parse(l3, seen) && blur(seen) }
}

/// Hides from the verifier on which path the headers were read. Otherwise the verifier would go through everything
/// that follows once for each path. Always returns true.
///
/// # Safety
/// `seen` must be valid for reads and writes.
#[inline(always)]
unsafe fn blur(seen: *mut Seen) -> bool {
    let zero = zero();
    // SAFETY: the caller guarantees it; a tuple consists of words.
    unsafe {
        let words = (&raw mut (*seen).tuple).cast::<u64>();
        for word in 0..size_of::<Tuple>() / 8 {
            let word = words.add(word);
            word.write_volatile(word.read_volatile() ^ zero);
        }
        let fingerprint = &raw mut (*seen).fingerprint;
        fingerprint.write_volatile(fingerprint.read_volatile() ^ zero as u32);
    }
    true
}

/// # Safety
/// `seen` must be valid for writes.
#[inline(always)]
unsafe fn parse(l3: *const u8, seen: *mut Seen) -> bool {
    // SAFETY: the fields are integers, and each is written before it is read.
    let seen = unsafe { &mut *seen };
    if casts() {
        return parse_in(&In(castable(l3)), l3, seen);
    }
    let mut window = MaybeUninit::<[u64; WINDOW / 8]>::uninit();
    let at = window.as_mut_ptr().cast();
    if !copy(at, l3, WINDOW as u32) {
        copy(at, l3, IPV4 as u32);
    }
    // SAFETY: the helper fills the window, with zeroes if it fails.
    parse_in(&Window(unsafe { window.assume_init_ref() }, l3), l3, seen)
}

#[inline(always)]
fn parse_in(header: &impl Bytes, l3: *const u8, seen: &mut Seen) -> bool {
    let tuple = &mut seen.tuple;
    tuple.tcp_flags = 0;
    tuple.direction = 0;
    tuple.version = header.byte(0) >> 4;
    match tuple.version {
        4 => {
            tuple.proto = header.byte(9);
            (tuple.saddr, tuple.daddr) = ([header.word(12), 0, 0, 0], [header.word(16), 0, 0, 0]);
            // Only the first fragment carries a transport header.
            if header.word(4) & LATER_FRAGMENT != 0 {
                // The fingerprint is the packet's identification with the fragment's offset.
                return later_fragment(seen, header.word(4));
            }
            match header.byte(0) & 0xf {
                5 => transport(seen, &Behind::<_, IPV4>(header)),
                words @ 6.. => transport(seen, &At(l3.wrapping_add(usize::from(words) * 4))),
                _ => return false,
            }
        }
        6 => {
            for word in 0..4 {
                tuple.saddr[word] = header.word(8 + word * 4);
                tuple.daddr[word] = header.word(24 + word * 4);
            }
            tuple.proto = header.byte(6);
            if !is_extension(tuple.proto) {
                transport(seen, &Behind::<_, IPV6>(header));
                return true;
            }
            let extensions = extensions(l3, tuple.proto);
            tuple.proto = extensions.proto;
            if extensions.later_fragment {
                return later_fragment(seen, word(extensions.end.wrapping_add(8)));
            }
            transport(seen, &At(extensions.end));
        }
        _ => return false,
    }
    true
}

const IPV4: usize = 20;
const IPV6: usize = 40;

/// Mask of the fragment's offset, in the word that begins with the identification.
const LATER_FRAGMENT: u32 = 0x1fffu32.to_be();

/// A place that headers are read from.
trait Bytes {
    fn word(&self, at: usize) -> u32;
    fn byte(&self, at: usize) -> u8;
}

/// Memory that can be loaded from.
struct In(*const u8);

impl Bytes for In {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        // SAFETY: a bad address reads as zero.
        unsafe { self.0.add(at).cast::<u32>().read_volatile() }
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        // SAFETY: a bad address reads as zero.
        unsafe { self.0.add(at).read_volatile() }
    }
}

/// A copy of the bytes that matter for most packets, read at once because each read costs as much as twenty words.
///
/// There is always memory behind the data of an skb, because its `skb_shared_info` follows. Words beyond the window
/// are read separately.
struct Window<'a>(&'a [u64; WINDOW / 8], *const u8);

/// Size of the window: IPv6's header, and as much of the transport header as most fingerprints need. With a word
/// beside it, the window makes the 64 bytes of stack that the verifier counts.
const WINDOW: usize = 56;

impl Bytes for Window<'_> {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        if at + 4 <= WINDOW { (self.0[at / 8] >> (at % 8 * 8)) as u32 } else { word(self.1.wrapping_add(at)) }
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        (self.0[at / 8] >> (at % 8 * 8)) as u8
    }
}

/// A transport header.
trait L4 {
    fn word(&self, at: usize) -> u32;
}

/// A transport header `OFFSET` bytes behind the beginning of the IP header.
struct Behind<'a, B, const OFFSET: usize>(&'a B);

impl<B: Bytes, const OFFSET: usize> L4 for Behind<'_, B, OFFSET> {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        self.0.word(OFFSET + at)
    }
}

/// A transport header behind options or extension headers.
struct At(*const u8);

impl L4 for At {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        word(self.0.wrapping_add(at))
    }
}

/// Reads ports, flags and fingerprint. A header that cannot be read counts as zeroes.
#[inline(always)]
fn transport(seen: &mut Seen, l4: &impl L4) {
    let tuple = &mut seen.tuple;
    (tuple.sport, tuple.dport) = (0, 0);
    let fingerprint = match tuple.proto {
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_SCTP | IPPROTO_UDPLITE | IPPROTO_DCCP => {
            let ports = l4.word(0);
            tuple.sport = ports as u16;
            tuple.dport = (ports >> 16) as u16;
            match tuple.proto {
                IPPROTO_TCP => {
                    tuple.tcp_flags = (l4.word(12) >> 8) as u8;
                    l4.word(4)
                }
                IPPROTO_SCTP => l4.word(16),
                _ => l4.word(8),
            }
        }
        IPPROTO_ICMP | IPPROTO_ICMPV6 => {
            // Only echo and echo reply carry an identifier in this place.
            if matches!((tuple.proto, l4.word(0) as u8), (IPPROTO_ICMP, 0 | 8) | (IPPROTO_ICMPV6, 128 | 129)) {
                let id = l4.word(4) as u16;
                (tuple.sport, tuple.dport) = (id, id);
            }
            // The identifier is translated, but the sequence number behind it is not.
            l4.word(4) >> 16
        }
        _ => l4.word(8),
    };
    seen.fingerprint = fingerprint | Seen::NEVER_0;
}

#[inline(always)]
fn later_fragment(seen: &mut Seen, fingerprint: u32) -> bool {
    (seen.tuple.sport, seen.tuple.dport) = (0, 0);
    seen.fingerprint = fingerprint | Seen::NEVER_0;
    true
}

/// The extension headers of an IPv6 packet.
struct Extensions {
    /// Address of what follows them.
    end: *const u8,
    /// Protocol of what follows them.
    proto: u8,
    /// Whether data follows them instead of the transport header.
    later_fragment: bool,
}

#[inline(always)]
fn extensions(l3: *const u8, next: u8) -> Extensions {
    let [low, high, proto, later, ..] = skip_extensions(number(l3), next.into()).to_le_bytes();
    let length = u16::from_le_bytes([low, high]);
    Extensions { end: l3.wrapping_add(usize::from(length)), proto, later_fragment: later != 0 }
}

/// Returns an address as a number, even if the verifier takes it for a pointer (`skb->data`, 6.17 and newer). The
/// verifier does not follow what [`Probed`] reads.
#[inline(always)]
fn number(address: *const u8) -> u64 {
    Probed::at((&raw const address).cast(), 0)
}

/// Skips the extension headers behind the IPv6 header at `l3`.
///
/// Returns the length of all these headers in the two lowest bytes, what follows them in the third, and in the
/// fourth whether that is data.
///
/// Global: the verifier goes through it once, not once for each path that leads to it, because it knows only that
/// numbers come and go.
#[unsafe(no_mangle)]
extern "C" fn skip_extensions(l3: u64, next: u64) -> u64 {
    let (mut length, mut next, mut later_fragment) = (40u32, next as u8, false);
    for _ in rolled(0, MAX_EXTENSIONS) {
        if !is_extension(next) {
            break;
        }
        let header = word((l3 as *const u8).wrapping_add(length as usize));
        let [following, words, high, low] = header.to_ne_bytes();
        length += match next {
            44 => 8,
            // The authentication header counts its length in words, minus two.
            51 => (u32::from(words) + 2) * 4,
            _ => (u32::from(words) + 1) * 8,
        };
        later_fragment = next == 44 && u16::from_be_bytes([high, low]) & 0xfff8 != 0;
        next = following;
        if later_fragment {
            break;
        }
    }
    u64::from(length & 0xffff) | u64::from(next) << 16 | u64::from(later_fragment) << 24
}

/// Returns whether a header is one of hop-by-hop, routing, destination options, mobility, HIP, shim6, fragment and
/// authentication.
#[inline(always)]
fn is_extension(kind: u8) -> bool {
    matches!(kind, 0 | 43 | 60 | 135 | 139 | 140 | 44 | 51)
}

/// Reads four bytes. Not inlined, so that the callers need no place on their stack for each read.
#[inline(never)]
fn word(at: *const u8) -> u32 {
    Probed::at(at, 0)
}

/// A tuple of zeroes.
pub const EMPTY: Tuple =
    Tuple { saddr: [0; 4], daddr: [0; 4], sport: 0, dport: 0, proto: 0, version: 0, tcp_flags: 0, direction: 0 };
