//! One packet, several skbs: clones, copies, segments, fragments. They all keep the packet's id.

use tracer_common::hook;

use super::pass;
use crate::{
    attach::{Args, on_entry, on_entry_shared},
    packet,
};

on_entry! {
    // __copy_skb_header(new, old): skb_clone, skb_copy, pskb_copy, skb_segment.
    __copy_skb_header => copy;
    // ip_copy_metadata(to, from): a fragment that is not the first.
    ip_copy_metadata => copy;
    ip6_copy_metadata => copy;
    // GRO has merged the packet into an earlier one, which now carries its data.
    napi_skb_free_stolen_head => merged;
    // The end of a datagram whose head has no state to release.
    __consume_stateless_skb => |args| packet::end(Args::arg(args, 0));
}

on_entry_shared! {
    copied => |_, args| copy(args);
}

#[inline(always)]
fn copy<A: Args>(args: &A) {
    packet::copied(args.arg(0), args.arg(1));
}

#[inline(always)]
fn merged<A: Args>(args: &A) {
    let skb = args.arg(0);
    pass::<A::Read>(hook::NAPI_SKB_FREE_STOLEN_HEAD, skb);
    packet::end(skb);
}
