//! Tunnels other than WireGuard: a packet enters the device, or a datagram is received for it. [`super::wire`]
//! reports the outer headers at the next hook that looks at headers.

use tracer_common::{HookId, hook};

use super::{enter, ip::network_header, pass};
use crate::{
    attach::{Args, on_entry},
    emit::Place,
};

on_entry! {
    // vxlan_xmit(skb, dev), geneve_xmit(skb, dev)
    vxlan_xmit => |args| at::<_, 0>(hook::VXLAN_XMIT, args);
    geneve_xmit => |args| at::<_, 0>(hook::GENEVE_XMIT, args);
    // vxlan_rcv(sk, skb), geneve_udp_encap_recv(sk, skb)
    vxlan_rcv => |args| at::<_, 1>(hook::VXLAN_RCV, args);
    geneve_udp_encap_recv => |args| at::<_, 1>(hook::GENEVE_UDP_ENCAP_RECV, args);
    xfrm_output => secured;
    // xfrm_input(skb, …)
    xfrm_input => |args| at::<_, 0>(hook::XFRM_INPUT, args);
}

/// `xfrm_output(sk, skb)`: TCP over IPv6 comes here straight from its socket.
#[inline(always)]
fn secured<A: Args>(args: &A) {
    let skb = args.arg(1);
    enter::<A::Read>(hook::XFRM_OUTPUT, skb, Place::of::<A::Read>(skb), || Some(network_header::<A::Read>(skb)));
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: HookId, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}
