//! Tunnels other than WireGuard: into the device, and a datagram for it received. What the packet is
//! wrapped in is told by [`super::wire`] at the next place that looks at its headers.

use tracer_common::hook;

use super::pass;
use crate::attach::{Args, on_entry};

on_entry! {
    // vxlan_xmit(skb, dev), geneve_xmit(skb, dev)
    vxlan_xmit => |args| at::<_, 0>(hook::VXLAN_XMIT, args);
    geneve_xmit => |args| at::<_, 0>(hook::GENEVE_XMIT, args);
    // vxlan_rcv(sk, skb), geneve_udp_encap_recv(sk, skb)
    vxlan_rcv => |args| at::<_, 1>(hook::VXLAN_RCV, args);
    geneve_udp_encap_recv => |args| at::<_, 1>(hook::GENEVE_UDP_ENCAP_RECV, args);
    // xfrm_output(sk, skb), xfrm_input(skb, …)
    xfrm_output => |args| at::<_, 1>(hook::XFRM_OUTPUT, args);
    xfrm_input => |args| at::<_, 0>(hook::XFRM_INPUT, args);
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: u16, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}
