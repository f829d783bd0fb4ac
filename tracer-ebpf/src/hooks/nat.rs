//! Conntrack's NAT: the entry says what the packet's tuple becomes.

use core::mem::MaybeUninit;

use tracer_common::{CtTuple, Tuple, by, hook};

use super::route::routed_to;
use crate::{
    attach::{Args, on_entry},
    emit::{self, At, Changed, Place, ct_tuple},
    frozen::field,
    headers, matching,
    packet::{self, Packet},
    read::{Probed, Read},
};

on_entry! {
    nf_nat_manip_pkt => manip;
}

/// `NF_NAT_MANIP_SRC` (`include/net/netfilter/nf_nat.h`); the other value is the destination.
const NF_NAT_MANIP_SRC: i32 = 0;
const IPPROTO_ICMP: u8 = 1;
const IPPROTO_ICMPV6: u8 = 58;

/// `nf_nat_manip_pkt(skb, ct, mtype, dir)`: the kernel is about to write what the tuple of the other direction asks
/// for.
#[inline(always)]
fn manip<A: Args>(args: &A) {
    let (skb, ct) = (args.arg(0), args.arg(1));
    let (kind, direction) = (args.arg(2) as u64 as i32, args.arg(3) as u64 & 1);
    let packet = match packet::tracked(skb) {
        Some(packet) => packet,
        None => first_sight(skb, ct, kind, direction),
    };
    if !packet.is_null() {
        translated(skb, ct, packet, kind, direction);
    }
}

/// Reports the translation of a tracked packet. Not inlined, because two tuples take a fifth of the stack.
#[inline(never)]
fn translated(skb: *const u8, ct: *const u8, packet: *mut Packet, kind: i32, direction: u64) {
    // SAFETY: a packet from the map.
    let (before, wrapped) = unsafe { ((*packet).tuple, (*packet).outer.version != 0) };
    // The tunnel's own datagram is translated; the inner packet stays as it is.
    if wrapped {
        return;
    }
    let mut after = before;
    translate(&mut after, ct, kind, direction);
    if headers::same(&before, &after) {
        return;
    }
    // SAFETY: a packet from the map.
    unsafe { (*packet).tuple = after };
    matching::learn(&after);
    let mark = Probed::at(skb, field!(layout.skb_mark));
    let changed = Changed { before: &before, mark_before: mark, by: by::CONNTRACK, program: 0, code: kind };
    emit::report::<Probed, _>(&At { hook: hook::NF_NAT_MANIP_PKT, skb, packet, place: place(skb) }, changed);
}

/// Starts to track a packet that matches by the tuple that it is about to get. Returns null for others.
#[inline(never)]
fn first_sight(skb: *const u8, ct: *const u8, kind: i32, direction: u64) -> *mut Packet {
    if !super::place_matches::<Probed>(skb, place(skb)) {
        return core::ptr::null_mut();
    }
    let l3 = super::ip::network_header::<Probed>(skb);
    let mut seen = MaybeUninit::uninit();
    let Some(seen) = headers::read(l3, &mut seen) else { return core::ptr::null_mut() };
    translate(&mut seen.tuple, ct, kind, direction);
    let Some(direction) = matching::direction(&seen.tuple) else { return core::ptr::null_mut() };
    // The headers are read once more, because the stack has no room for both tuples.
    if !headers::again(l3, seen) {
        return core::ptr::null_mut();
    }
    seen.tuple.direction = direction;
    emit::begin(skb, seen).unwrap_or(core::ptr::null_mut())
}

/// Returns where the packet is. A packet that leaves its socket has no device yet, only a route.
#[inline(always)]
fn place(skb: *const u8) -> Place {
    let place = Place::of::<Probed>(skb);
    if place.dev.is_null() { Place { dev: routed_to(skb), ..place } } else { place }
}

#[inline(never)]
fn translate(tuple: &mut Tuple, ct: *const u8, kind: i32, direction: u64) {
    // Both directions lie side by side. The other one, reversed, is the goal.
    let opposite = if direction == 0 { usize::from(field!(layout.ct_tuplehash_size)) } else { 0 };
    let hash = ct.wrapping_add(usize::from(field!(layout.ct_tuplehash)) + opposite);
    let mut goal = CtTuple::default();
    ct_tuple(&mut goal, hash.wrapping_add(usize::from(field!(layout.ct_tuplehash_tuple))));
    let echo = matches!(tuple.proto, IPPROTO_ICMP | IPPROTO_ICMPV6);
    let own = tuple.sport;
    if kind == NF_NAT_MANIP_SRC {
        tuple.saddr = goal.daddr;
        tuple.sport = goal.dport;
    } else {
        tuple.daddr = goal.saddr;
        tuple.dport = goal.sport;
    }
    // An echo has one identifier for both ends. For other messages, conntrack keeps type and code there.
    if echo {
        let id = if own == 0 { 0 } else { goal.sport };
        (tuple.sport, tuple.dport) = (id, id);
    }
}
