//! Conntrack's look-up.

use tracer_common::{flag, hook};

use super::netfilter::{looked_up, place};
use crate::{
    attach::{Args, on_return},
    emit::{self, Details},
    packet,
};

on_return! {
    nf_conntrack_in/2, skb |args: &_| Args::arg(args, 0), entry entry => returned;
}

/// `nf_conntrack_in(skb, state)`: what the packet carries in.
#[inline(always)]
fn entry<A: Args>(args: &A) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        emit::step::<A::Read>(hook::NF_CONNTRACK_IN, skb, packet, place::<A::Read>(args.arg(1)), Details::default());
        looked_up(packet);
    }
}

/// What the look-up has left on the packet.
#[inline(always)]
fn returned<A: Args>(args: &A, ret: i32) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        let details = Details { extra: u64::from(ret as u32), flags: flag::RETURNED, ..Details::default() };
        emit::step::<A::Read>(hook::NF_CONNTRACK_IN, skb, packet, place::<A::Read>(args.arg(1)), details);
    }
}
