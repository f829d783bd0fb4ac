//! Netfilter's hook points.

use tracer_common::{flag, hook};

use super::{device_is_asked_for, ip::network_header, meet};
use crate::{
    attach::{Args, on_entry},
    emit::{self, At, Details, Place},
    frozen::field,
    packet::{self, Packet},
    read::Read,
};

/// `NF_INET_*` and `NFPROTO_*` (`include/uapi/linux/netfilter.h`).
const NF_INET_LOCAL_OUT: u8 = 3;
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;

on_entry! {
    nf_hook_slow => hook_slow;
}

/// `nf_hook_slow(skb, state, …)`: the packet meets everything that is registered at one hook.
#[inline(always)]
fn hook_slow<A: Args>(args: &A) {
    let (skb, state) = (args.arg(0), args.arg(1));
    let Some(packet) = packet::tracked(skb).or_else(|| first_met::<A::Read>(skb, state)) else { return };
    remember::<A::Read>(packet, state);
    forget_walks(packet);
    emit::report::<A::Read, _>(
        &At { hook: hook::NF_HOOK_SLOW, skb, packet, place: place::<A::Read>(state) },
        Details::default(),
    );
}

/// Matches a packet that no earlier hook could match.
///
/// TCP over IPv6 leaves its socket here: no earlier function has the finished header. If the filter names a device,
/// no hook has seen any but the lowest device before.
#[inline(always)]
fn first_met<R: Read>(skb: *const u8, state: *const u8) -> Option<*mut Packet> {
    let (pf, nf_hook): (u8, u8) = (R::at(state, field!(layout.state_pf)), R::at(state, field!(layout.state_hook)));
    let leaves = nf_hook == NF_INET_LOCAL_OUT && pf == NFPROTO_IPV6;
    let may_match = leaves || device_is_asked_for() && matches!(pf, NFPROTO_IPV4 | NFPROTO_IPV6);
    may_match.then(|| meet::<R>(hook::NF_HOOK_SLOW, skb, place::<R>(state), network_header::<R>(skb))).flatten()
}

/// Returns where a `struct nf_hook_state` says the packet is: at the device that it goes out by, or else at the one
/// that it came in by.
#[inline(always)]
pub fn place<R: Read>(state: *const u8) -> Place {
    let net: *const u8 = R::at(state, field!(layout.state_net));
    let input: *const u8 = R::at(state, field!(layout.state_in));
    let output: *const u8 = R::at(state, field!(layout.state_out));
    // After routing, the output device is the new information.
    if output.is_null() { Place { dev: input, net } } else { Place { dev: output, net } }
}

/// Keeps the netfilter hook for the steps that follow.
#[inline(always)]
pub fn remember<R: Read>(packet: *mut Packet, state: *const u8) {
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    packet.pf = R::at(state, field!(layout.state_pf));
    packet.nf_hook = R::at(state, field!(layout.state_hook));
}

/// Forgets walks of earlier hooks whose end was missed.
#[inline(always)]
fn forget_walks(packet: *mut Packet) {
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    packet.base = 0;
    packet.table = 0;
}

/// Records that conntrack has looked at the packet.
#[inline(always)]
pub fn looked_up(packet: *mut Packet) {
    // SAFETY: a packet from the map.
    unsafe { (*packet).flags |= flag::CT_LOOKED_UP };
}
