//! WireGuard: into the tunnel, encrypted towards a peer, a datagram received.

use tracer_common::hook;

use super::pass;
use crate::attach::{Args, on_entry};

on_entry! {
    // wg_xmit(skb, dev)
    wg_xmit => |args| at::<_, 0>(hook::WG_XMIT, args);
    // wg_socket_send_skb_to_peer(peer, skb, ds)
    wg_socket_send_skb_to_peer => |args| at::<_, 1>(hook::WG_SOCKET_SEND_SKB_TO_PEER, args);
    // wg_receive(sk, skb)
    wg_receive => |args| at::<_, 1>(hook::WG_RECEIVE, args);
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: u16, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}
