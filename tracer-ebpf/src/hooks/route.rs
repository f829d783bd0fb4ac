//! Rerouting: netfilter has changed what a local packet was routed by.

use tracer_common::{HookId, hook};

use crate::{
    attach::{Args, on_entry, on_entry_shared},
    emit::{self, At, Details, Place},
    frozen::field,
    packet,
    read::{Probed, Read},
};

on_entry! {
    ip_route_me_harder => |args| again::<_>(hook::IP_ROUTE_ME_HARDER, args);
    ip6_route_me_harder => |args| again::<_>(hook::IP6_ROUTE_ME_HARDER, args);
}

on_entry_shared! {
    routed_again => again;
}

/// Handles functions of `(net, sk, skb, …)`. The step shows the device that the packet was to leave by.
#[inline(always)]
fn again<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(2);
    if let Some(packet) = packet::tracked(skb) {
        let place = Place { dev: routed_to(skb), net: args.arg(0) };
        emit::report::<Probed, _>(&At { hook, skb, packet, place }, Details::default());
    }
}

/// Returns the device of the route that an skb carries, null if it carries none.
#[inline(always)]
pub fn routed_to(skb: *const u8) -> *const u8 {
    /// The lowest bit says whether a reference is held (`SKB_DST_NOREF`, `include/linux/skbuff.h`).
    const SKB_DST_PTRMASK: u64 = !1;
    let dst = Probed::at::<u64>(skb, field!(layout.skb_dst)) & SKB_DST_PTRMASK;
    if dst == 0 { core::ptr::null() } else { Probed::at(dst as *const u8, field!(layout.dst_dev)) }
}
