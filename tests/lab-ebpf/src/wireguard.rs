//! The receiving side of node encryption.

use aya_ebpf::{bindings::BPF_F_INGRESS, helpers::generated::bpf_skb_change_head, programs::TcContext};

use crate::{
    PASS,
    config::{
        CILIUM_HOST_IFINDEX, CILIUM_HOST_MAC, CILIUM_NET_MAC, IDENTITY, MARK_DECRYPT, MARK_IDENTITY_SHIFT,
        WIREGUARD_PORT, is_remote_node,
    },
    headers::{ETH_HLEN, ETH_P_IP, ETH_P_IPV6, ETH_PROTO, IPV4_CHECKSUM, IPV4_TTL, IPV6_HOP_LIMIT, Packet},
    redirect,
};

/// Length of a MAC address.
const ETH_ALEN: usize = 6;

/// Whether this is a WireGuard datagram of a remote node (`wg_do_decrypt`).
#[inline(always)]
pub fn is_from_remote_node(ctx: &TcContext) -> bool {
    let Some(packet) = Packet::at(&ctx.skb, ETH_HLEN) else { return false };
    let port = WIREGUARD_PORT.load().to_be();
    packet.udp_ports(&ctx.skb) == Some([port, port])
        && packet.source(&ctx.skb).is_some_and(|source| is_remote_node(&source))
}

/// Marks a decrypted packet, gives it an Ethernet header and moves it to the receive side of `cilium_host`. Returns
/// `None` if a helper failed.
#[inline(always)]
pub fn deliver_decrypted(ctx: &TcContext) -> Option<i32> {
    ctx.set_mark(MARK_DECRYPT);
    // A WireGuard device has no link layer. The IP header moves to `ETH_HLEN` when the Ethernet header is added below.
    let Some(packet) = Packet::at(&ctx.skb, ETH_HLEN) else { return Some(PASS) };
    // SAFETY: the context is valid, and no packet pointer is held that this would invalidate.
    if unsafe { bpf_skb_change_head(ctx.skb.skb, ETH_HLEN as u32, 0) } != 0 {
        return None;
    }
    ctx.set_mark(MARK_DECRYPT | IDENTITY.load() << MARK_IDENTITY_SHIFT);
    hop(ctx, &packet)?;
    ctx.store(0, &CILIUM_HOST_MAC.load(), 0).ok()?;
    ctx.store(ETH_ALEN, &CILIUM_NET_MAC.load(), 0).ok()?;
    let ethertype = if packet.v6 { ETH_P_IPV6 } else { ETH_P_IP };
    ctx.store(ETH_PROTO, &ethertype.to_be(), 0).ok()?;
    Some(redirect(CILIUM_HOST_IFINDEX.load(), u64::from(BPF_F_INGRESS)))
}

/// Decrements TTL or hop limit, as for every packet that is routed (`ipv4_l3`, `ipv6_l3`).
#[inline(always)]
fn hop(ctx: &TcContext, packet: &Packet) -> Option<()> {
    let offset = packet.ip + if packet.v6 { IPV6_HOP_LIMIT } else { IPV4_TTL };
    let old: u8 = ctx.load(offset).ok()?;
    let new = old.checked_sub(1)?;
    if !packet.v6 {
        // The TTL is the first byte of its 16-bit word in the checksum.
        let word = |ttl: u8| u64::from(u16::from_ne_bytes([ttl, 0]));
        ctx.l3_csum_replace(packet.ip + IPV4_CHECKSUM, word(old), word(new), size_of::<u16>() as u64).ok()?;
    }
    ctx.store(offset, &new, 0).ok()
}
