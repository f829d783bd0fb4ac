//! Devices: receive, output to a queue, transmit.

use tracer_common::{HookId, hook};

use super::{enter, ip::network_header, program};
use crate::{
    attach::{Args, on_tracepoint},
    emit::Place,
    frozen::field,
    headers::{ETH_P_IP, ETH_P_IPV6},
    packet,
    read::{Probed, Read},
};

/// `ETH_P_8021Q` and `ETH_P_8021AD` in the byte order of `skb->protocol`.
const ETH_P_8021Q: u16 = 0x8100u16.to_be();
const ETH_P_8021AD: u16 = 0x88a8u16.to_be();

on_tracepoint! {
    netif_receive_skb => receive;
    net_dev_queue => queue;
    net_dev_start_xmit => start_xmit;
}

/// Handles a received packet. `skb->data` is past the Ethernet header, and `network_header` may not be set yet.
#[inline(always)]
fn receive<A: Args>(args: &A) {
    let skb = args.arg(0);
    program::received::<A::Read>(skb);
    enter::<A::Read>(hook::NETIF_RECEIVE_SKB, skb, Place::of::<A::Read>(skb), || {
        let data: u64 = A::Read::at(skb, field!(layout.skb_data));
        let protocol: u16 = A::Read::at(skb, field!(layout.skb_protocol));
        behind_vlan(data as *const u8, protocol)
    });
    if packet::is_tracked(skb) {
        program::remember_received(skb);
    }
}

/// Handles a packet that is queued for output. IP output and forwarding have matched theirs before, but packet
/// sockets and bridges have not.
#[inline(always)]
fn queue<A: Args>(args: &A) {
    output(hook::NET_DEV_QUEUE, args);
}

#[inline(always)]
fn start_xmit<A: Args>(args: &A) {
    if field!(tracepoints_only) != 0 {
        output(hook::NET_DEV_START_XMIT, args);
    } else {
        super::pass::<A::Read>(hook::NET_DEV_START_XMIT, args.arg(0));
    }
}

#[inline(always)]
fn output<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(0);
    enter::<A::Read>(hook, skb, Place::of::<A::Read>(skb), || {
        let protocol: u16 = A::Read::at(skb, field!(layout.skb_protocol));
        behind_vlan(network_header::<A::Read>(skb), protocol)
    });
}

/// Returns the IP header at `l3`, or behind the one VLAN tag there.
#[inline(always)]
pub fn behind_vlan(l3: *const u8, protocol: u16) -> Option<*const u8> {
    let (l3, protocol) = match protocol {
        ETH_P_8021Q | ETH_P_8021AD => (l3.wrapping_add(4), Probed::at::<u16>(l3, 2)),
        protocol => (l3, protocol),
    };
    matches!(protocol, ETH_P_IP | ETH_P_IPV6).then_some(l3)
}
