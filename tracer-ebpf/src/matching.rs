//! Does a packet belong to the asked-for flow, and in which direction?

use tracer_common::{Prefix, Tuple, direction};

use crate::layout::{config, field};

/// One of [`direction`], or `None` where the packet is not asked for.
#[inline(always)]
pub fn direction(tuple: &Tuple) -> Option<u8> {
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

/// Whether the asked-for source and destination are `src` and `dst`.
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
    // SAFETY: as above.
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
    for (word, value) in addr.iter().enumerate() {
        // SAFETY: the caller's promise; volatile for the same reason as `field!`.
        let (wanted, mask) = unsafe {
            ((&raw const (*prefix).addr[word]).read_volatile(), (&raw const (*prefix).mask[word]).read_volatile())
        };
        differs |= (value ^ wanted) & mask;
    }
    differs == 0
}
