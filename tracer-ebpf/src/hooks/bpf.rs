//! Redirects that a BPF program asked for.

use tracer_common::{extra::REDIRECT_UP, hook};

use super::pass;
use crate::{
    attach::{Args, on_entry},
    emit::{self, At, Details, Place},
    frozen::field,
    packet,
    read::Read,
};

/// From `include/uapi/linux/if.h`.
const IFF_UP: u32 = 1;

on_entry! {
    __bpf_redirect => redirect;
    skb_do_redirect => |args| do_redirect::<_>(args);
}

/// `__bpf_redirect(skb, dev, flags)`: the step shows the device that the packet is sent to.
#[inline(always)]
fn redirect<A: Args>(args: &A) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        let place = Place::device(args.arg(1));
        let up = A::Read::at::<u32>(place.dev, field!(layout.dev_flags)) & IFF_UP != 0;
        let flags = args.arg(2) as u64 & 0xffff_ffff;
        let details = Details { extra: if up { flags | REDIRECT_UP } else { flags }, ..Details::default() };
        emit::report::<A::Read, _>(&At { hook: hook::BPF_REDIRECT, skb, packet, place }, details);
    }
}

/// `skb_do_redirect(skb)`: only the kernel knows the target.
#[inline(always)]
fn do_redirect<A: Args>(args: &A) {
    pass::<A::Read>(hook::SKB_DO_REDIRECT, args.arg(0));
}
