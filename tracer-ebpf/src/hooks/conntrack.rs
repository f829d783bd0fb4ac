//! Conntrack's look-up.

use tracer_common::{flag, hook};

use super::netfilter::{looked_up, place};
use crate::{
    attach::{Args, on_return},
    emit::{self, Details},
    layout::field,
    packet,
    read::Read,
};

on_return! {
    nf_conntrack_in/2, skb |args: &_| Args::arg(args, 0), entry entry => returned;
}

/// `nf_conntrack_in(skb, state)`: from here on nothing means INVALID, not "not looked up yet".
#[inline(always)]
fn entry<A: Args>(args: &A) {
    if let Some(packet) = packet::tracked(args.arg(0)) {
        looked_up(packet);
    }
}

/// What the look-up has left on the packet.
#[inline(always)]
fn returned<A: Args>(args: &A, ret: i32) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        // A template that was looked at and put away leaves nothing, too: that is INVALID, not scrubbed.
        if A::Read::at::<u64>(skb, field!(layout.skb_nfct)) == 0 {
            // SAFETY: a packet from the map.
            unsafe { (*packet).nfct = 0 };
        }
        let details = Details { extra: u64::from(ret as u32), flags: flag::RETURNED, ..Details::default() };
        emit::step::<A::Read>(hook::NF_CONNTRACK_IN, skb, packet, place::<A::Read>(args.arg(1)), details);
    }
}
