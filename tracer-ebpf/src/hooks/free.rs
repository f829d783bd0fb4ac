//! The end of a packet: dropped with a reason, or consumed.

use tracer_common::{HookId, flag, hook};

use super::{
    ip::network_header,
    is_another, nft, transport,
    wire::{self, By, Look},
};
use crate::{
    attach::{Args, on_entry, on_tracepoint},
    emit::{self, At, Details, Place},
    frozen::field,
    packet::{self, Packet},
    read::{Probed, Read},
};

on_tracepoint! {
    kfree_skb => dropped;
    consume_skb => consumed;
}

on_entry! {
    // sk_skb_reason_drop(sk, skb, reason), 6.11 and newer.
    sk_skb_reason_drop => |args| dropped_by_function::<_, 1, 2>(hook::SK_SKB_REASON_DROP, args);
    // kfree_skb_reason(skb, reason), 5.17 to 6.10.
    kfree_skb_reason => |args| dropped_by_function::<_, 0, 1>(hook::KFREE_SKB_REASON, args);
    // kfree_skb(skb), before 5.17: no reason.
    kfree_skb => |args| report::<_>(hook::KFREE_SKB_FUNCTION, args, Args::arg(args, 0), Details::default());
    skb_release_head_state => |args| packet::end(Args::arg(args, 0));
}

/// `skb:kfree_skb(skb, location, reason, …)`; it has the reason since 5.17.
#[inline(always)]
fn dropped<A: Args>(args: &A) {
    let skb = args.arg(0);
    if !packet::is_tracked(skb) {
        return;
    }
    let reason = if field!(has_reason) != 0 { args.arg(2) as u64 as u32 } else { 0 };
    report(hook::KFREE_SKB, args, skb, Details { location: args.arg(1) as u64, reason, ..Details::default() });
    if field!(tracepoints_only) != 0 {
        packet::end(skb);
    }
}

/// `skb:consume_skb(skb, location)`: no drop, except for refusals by WireGuard and by full listeners.
///
/// The location distinguishes WireGuard's refusals from packets that GRO has merged into another one, which may
/// also end here.
#[inline(always)]
fn consumed<A: Args>(args: &A) {
    let skb = args.arg(0);
    let Some(packet) = packet::tracked(skb) else { return };
    // SAFETY: a packet from the map.
    if unsafe { (*packet).flags } & flag::AT_ALLOWED_IPS != 0 || transport::was_refused(packet) {
        let location = if field!(has_consume_location) != 0 { args.arg(1) as u64 } else { 0 };
        let details = Details { location, ..Details::default() };
        emit::end::<A::Read>(&At { hook: hook::CONSUME_SKB, skb, packet, place: Place::of::<A::Read>(skb) }, details);
    }
    packet::end(skb);
}

#[inline(always)]
fn dropped_by_function<A: Args, const SKB: usize, const REASON: usize>(hook: HookId, args: &A) {
    let skb = args.arg(SKB);
    report(hook, args, skb, Details { reason: args.arg(REASON) as u64 as u32, ..Details::default() });
}

#[inline(always)]
fn report<A: Args>(hook: HookId, _args: &A, skb: *const u8, details: Details) {
    let Some(packet) = packet::tracked(skb) else { return };
    if is_another::<A::Read>(skb) {
        packet::end_stale(skb);
        return;
    }
    let mut place = Place::of::<A::Read>(skb);
    if !is_device(packet, place.dev) {
        place.dev = core::ptr::null();
    }
    let l3 = network_header::<A::Read>(skb);
    wire::look(&Look { hook, suspect: By::Dropper, skb, packet, l3, place });
    // A walk whose end was missed did not decide what else frees the packet later.
    if details.reason == field!(netfilter_drop) && details.reason != 0 {
        nft::freed_in_walk::<A>(skb, packet, place);
    }
    emit::end::<A::Read>(&At { hook, skb, packet, place }, details);
}

/// Returns whether `dev` is a device.
///
/// Socket queues put other things where `skb->dev` is. `dev` is a device if it is the last one seen, or if it has
/// an ifindex and points to the netns that the packet is in. The second condition covers VLANs, bonds and macvlans,
/// which were not seen before. After a netfilter hook this condition does not apply, because netfilter has reported
/// the device that matters: in FORWARD, the one that the packet goes out by.
#[inline(always)]
fn is_device(packet: *const Packet, dev: *const u8) -> bool {
    // SAFETY: a packet from the map.
    let (last, netns, pf) = unsafe { ((*packet).dev, (*packet).netns, (*packet).pf) };
    dev as u64 == last
        || pf == 0 && netns != 0 && {
            let net: *const u8 = Probed::at(dev, field!(layout.dev_net));
            Probed::at::<u32>(net, field!(layout.net_inum)) == netns
                && Probed::at::<u32>(dev, field!(layout.dev_ifindex)) != 0
        }
}
