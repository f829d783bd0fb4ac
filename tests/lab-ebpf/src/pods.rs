//! The path of a pod's packets: to the uplink past the host's stack, or to an egress gateway in VXLAN.

use aya_ebpf::{
    bindings::{BPF_F_TUNINFO_IPV6, BPF_F_ZERO_CSUM_TX, TC_ACT_SHOT, bpf_tunnel_key, bpf_tunnel_key__bindgen_ty_1},
    helpers::generated::{bpf_redirect_neigh, bpf_skb_set_tunnel_key},
    programs::TcContext,
};

use crate::{
    PASS,
    config::{
        HOST_ROUTING, OVERLAY_IFINDEX, OVERLAY_VNI, POD_IFINDEX, UPLINK_IFINDEX, is_in_cluster, is_local_pod,
        overlay_peer,
    },
    headers::{Address, ETH_HLEN, Packet},
    masquerade, redirect,
};

/// Value of `HOST_ROUTING` if BPF hands packets from device to device. Otherwise the host's stack routes them.
const BPF: u8 = 1;

/// Handles a packet that a pod sends to the outside.
#[inline(always)]
pub fn leave(ctx: &TcContext) -> Option<i32> {
    let packet = Packet::at(&ctx.skb, ETH_HLEN)?;
    packet.transport(&ctx.skb)?;
    if is_in_cluster(&packet.destination(&ctx.skb)?) {
        return None;
    }
    if let Some(peer) = overlay_peer() {
        return Some(encapsulate(ctx, peer));
    }
    (HOST_ROUTING.load() == BPF).then(|| redirect_neigh(UPLINK_IFINDEX.load()))
}

/// Handles a packet from the outside that may be the reply to a masqueraded one.
#[inline(always)]
pub fn come_back(ctx: &TcContext) -> Option<i32> {
    let packet = Packet::at(&ctx.skb, ETH_HLEN)?;
    let pod = masquerade::reverse(&ctx.skb, &packet)?;
    if !is_local_pod(&pod) {
        return overlay_peer().map(|peer| encapsulate(ctx, peer));
    }
    (HOST_ROUTING.load() == BPF).then(|| redirect_neigh(POD_IFINDEX.load()))
}

/// Handles a packet that came out of VXLAN: for a pod here, or for the outside through this gateway.
#[inline(always)]
pub fn leave_overlay(ctx: &TcContext) -> Option<i32> {
    let packet = Packet::at(&ctx.skb, ETH_HLEN)?;
    packet.transport(&ctx.skb)?;
    let to_pod = is_local_pod(&packet.destination(&ctx.skb)?);
    Some(redirect_neigh(if to_pod { POD_IFINDEX.load() } else { UPLINK_IFINDEX.load() }))
}

/// Sends the packet to the other node in VXLAN.
#[inline(always)]
fn encapsulate(ctx: &TcContext, peer: Address) -> i32 {
    // `remote_ipv6` is a field of a union. An IPv4 address, in host byte order, is its first word.
    let (remote_ipv6, flags) = match peer {
        Address::V4(peer) => ([u32::from_be(peer), 0, 0, 0], BPF_F_ZERO_CSUM_TX),
        Address::V6(peer) => (peer, BPF_F_TUNINFO_IPV6),
    };
    // SAFETY: zero is valid for every field.
    let mut key: bpf_tunnel_key = unsafe { core::mem::zeroed() };
    key.tunnel_id = OVERLAY_VNI.load();
    key.tunnel_ttl = 64;
    key.__bindgen_anon_1 = bpf_tunnel_key__bindgen_ty_1 { remote_ipv6 };
    // SAFETY: context and key are valid, and the size is the key's.
    let failed =
        unsafe { bpf_skb_set_tunnel_key(ctx.skb.skb, &mut key, size_of::<bpf_tunnel_key>() as u32, u64::from(flags)) };
    if failed != 0 {
        return TC_ACT_SHOT as i32;
    }
    redirect(OVERLAY_IFINDEX.load(), 0)
}

/// Sends the packet out of a device; the kernel finds the neighbour.
#[inline(always)]
fn redirect_neigh(ifindex: u32) -> i32 {
    // SAFETY: null parameters are allowed; the kernel then looks up the route itself.
    match unsafe { bpf_redirect_neigh(ifindex, core::ptr::null_mut(), 0, 0) } {
        verdict @ 0.. => verdict as i32,
        _ => PASS,
    }
}
