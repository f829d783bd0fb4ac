//! The hooks, one file for each family.
//!
//! Invariant: only [`meet`] parses and matches; every other hook only checks whether the skb is tracked. NAT and
//! XDP match on their own, although skbs do not enter there: at NAT a packet gets the tuple that matches, and at
//! XDP there is no skb yet.

mod bpf;
mod conntrack;
mod copies;
mod free;
mod icmp;
mod ip;
mod link;
mod nat;
mod netfilter;
mod nft;
mod program;
mod route;
mod transport;
mod tunnel;
mod wire;
mod wireguard;
mod xtables;

use core::mem::MaybeUninit;

use tracer_common::{
    HookId, counter, flag,
    hook::{NETIF_RECEIVE_SKB, WG_ALLOWEDIPS_LOOKUP_SRC},
};

use crate::{
    emit::{self, At, Details, Place},
    frozen::field,
    headers, log, matching,
    packet::{self, Packet},
    read::{Probed, Read, words},
};

/// Reports a tracked packet that passes a hook.
#[inline(always)]
fn pass<R: Read>(hook: HookId, skb: *const u8) {
    if let Some(packet) = packet::tracked(skb) {
        emit::report::<R, _>(&At { hook, skb, packet, place: Place::of::<R>(skb) }, Details::default());
    }
}

/// Handles a packet that enters the traced world, or a tracked one that comes around again, perhaps with other
/// headers. `l3` returns the address of its IP header, if it has one.
#[inline(always)]
fn enter<R: Read>(hook: HookId, skb: *const u8, place: Place, l3: impl FnOnce() -> Option<*const u8>) {
    match l3() {
        Some(l3) => {
            if let Some(packet) = meet::<R>(hook, skb, place, l3) {
                emit::report::<R, _>(&At { hook, skb, packet, place }, Details::default());
            }
        }
        None => {
            let Some(packet) = packet::tracked(skb) else { return };
            if is_another::<R>(skb) {
                packet::end_stale(skb);
            } else {
                emit::report::<R, _>(&At { hook, skb, packet, place }, Details::default());
            }
        }
    }
}

/// Returns whether an skb carries a protocol that no tracked packet has.
#[inline(always)]
fn is_another<R: Read>(skb: *const u8) -> bool {
    headers::never_ip(R::at(skb, field!(layout.skb_protocol)))
}

/// Returns the packet that enters, if it matches.
#[inline(always)]
fn meet<R: Read>(hook: HookId, skb: *const u8, place: Place, l3: *const u8) -> Option<*mut Packet> {
    let suspect = if is_unwrapped(hook) { wire::By::Receiver } else { wire::By::Unknown };
    let known = match packet::tracked(skb) {
        Some(packet) if wire::look(&wire::Look { hook, skb, packet, l3, place, suspect }) => Some(packet),
        Some(_) => {
            packet::end_stale(skb);
            None
        }
        None => None,
    };
    let packet = match known {
        Some(packet) => packet,
        None => first_sight::<R>(skb, place, l3)?,
    };
    forget_lookup::<R>(skb, packet);
    if hook == NETIF_RECEIVE_SKB {
        forget_netfilter(packet);
    }
    Some(packet)
}

/// Whether a packet has only its own headers at this hook: what does not fit to what is known was around it, and is gone.
#[inline(always)]
fn is_unwrapped(hook: HookId) -> bool {
    hook == NETIF_RECEIVE_SKB || hook == WG_ALLOWEDIPS_LOOKUP_SRC
}

#[inline(always)]
fn first_sight<R: Read>(skb: *const u8, place: Place, l3: *const u8) -> Option<*mut Packet> {
    if !place_matches::<R>(skb, place) {
        return None;
    }
    let mut seen = MaybeUninit::uninit();
    let Some(seen) = headers::read(l3, &mut seen) else {
        packet::count(counter::UNPARSED);
        log::unparsed(skb);
        return None;
    };
    seen.tuple.direction = matching::direction(&seen.tuple)?;
    emit::begin(skb, seen)
}

/// Checks the filter's mark, netns and device name, cheapest first.
#[inline(never)]
fn place_matches<R: Read>(skb: *const u8, place: Place) -> bool {
    let mask = field!(filter.mark_mask);
    if mask != 0 && R::at::<u32>(skb, field!(layout.skb_mark)) & mask != field!(filter.mark) {
        return false;
    }
    let netns = field!(filter.netns);
    if netns != 0 {
        // Either pointer may be null, and the verifier permits no typed load through such a pointer.
        let net: *const u8 =
            if place.net.is_null() { Probed::at(place.dev, field!(layout.dev_net)) } else { place.net };
        if Probed::at::<u32>(net, field!(layout.net_inum)) != netns {
            return false;
        }
    }
    let name: [u64; 2] = field!(filter.ifname);
    !device_is_asked_for() || {
        let at = place.dev.wrapping_add(usize::from(field!(layout.dev_name)));
        let mut actual = MaybeUninit::uninit();
        // SAFETY: `words` has filled it if it returns true.
        words(&mut actual, at) && unsafe { actual.assume_init() } == name
    }
}

/// Returns whether the filter names a device.
///
/// When a packet is received, its device is the lowest one. Whether it came in by a VLAN, bond or macvlan is known
/// later, so later hooks match as well if this is true.
#[inline(always)]
fn device_is_asked_for() -> bool {
    let name: [u64; 2] = field!(filter.ifname);
    name[0] != 0
}

/// Resets the conntrack and netfilter state of a packet without an entry, because the stack that it enters has not
/// looked it up yet.
#[inline(always)]
fn forget_lookup<R: Read>(skb: *const u8, packet: *mut Packet) {
    if R::at::<u64>(skb, field!(layout.skb_nfct)) == 0 {
        // SAFETY: a packet from the map.
        unsafe { (*packet).flags &= !flag::CT_LOOKED_UP };
        forget_netfilter(packet);
    }
}

/// Forgets the last netfilter hook, which the packet has left behind.
#[inline(always)]
fn forget_netfilter(packet: *mut Packet) {
    // SAFETY: a packet from the map.
    unsafe {
        (*packet).pf = 0;
        (*packet).nf_hook = 0;
    }
}
