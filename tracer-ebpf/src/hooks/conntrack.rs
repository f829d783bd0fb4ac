//! Conntrack's look-up.

use tracer_common::{NFCT_INFOMASK, extra, flag, hook};

use super::netfilter::{looked_up, place};
use crate::{
    attach::{Args, on_return},
    emit::{self, At, Details},
    frozen::field,
    packet,
    read::{Probed, Read},
};

on_return! {
    nf_conntrack_in/2, skb |args: &_| Args::arg(args, 0), entry entry => returned;
}

/// `nf_conntrack_in(skb, state)`: from here on, no entry means INVALID, not "not looked up yet". A rule that
/// chooses the zone leaves it in a template (`nf_ct_zone_tmpl`, include/net/netfilter/nf_conntrack_zones.h).
#[inline(always)]
fn entry<A: Args>(args: &A) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        looked_up(packet);
        let template = (A::Read::at::<u64>(skb, field!(layout.skb_nfct)) & !NFCT_INFOMASK) as *const u8;
        let zone: u16 = if template.is_null() { 0 } else { Probed::at(template, field!(layout.ct_zone)) };
        // SAFETY: a packet from the map.
        unsafe { (*packet).kept = u32::from(zone) };
    }
}

/// Reports what the look-up has left on the packet.
#[inline(always)]
fn returned<A: Args>(args: &A, ret: i32) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        // A template that was used and removed leaves nothing, too. The packet is then INVALID, not scrubbed.
        if A::Read::at::<u64>(skb, field!(layout.skb_nfct)) == 0 {
            // SAFETY: a packet from the map.
            unsafe { (*packet).nfct = 0 };
        }
        // SAFETY: a packet from the map.
        let zone = u64::from(unsafe { (*packet).kept });
        let details =
            Details { extra: extra::looked_up(ret, zone), flags: flag::RETURNED.into(), ..Details::default() };
        emit::report::<A::Read, _>(
            &At { hook: hook::NF_CONNTRACK_IN, skb, packet, place: place::<A::Read>(args.arg(1)) },
            details,
        );
    }
}
