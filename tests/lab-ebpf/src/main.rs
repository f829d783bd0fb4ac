//! What Cilium 1.19 does to a packet in tc, reduced to what the scenarios need. For node encryption with WireGuard,
//! these are the redirects, the marks and the hop count. For pods, these are masquerading, host routing and the egress
//! gateway. The programs carry Cilium's names, so that a trace of the lab reads like a trace of a node. The programs in
//! `single` are not modelled on anything.
//!
//! Invariant: no packet pointer is ever held. Helpers read and write headers, so no bounds check can fail at load.

#![no_std]
#![no_main]

mod config;
mod headers;
mod masquerade;
mod pods;
mod single;
mod spin;
mod wireguard;

use aya_ebpf::{
    bindings::{TC_ACT_OK, TC_ACT_SHOT},
    helpers::generated::bpf_redirect,
    macros::classifier,
    programs::TcContext,
};

use crate::{
    config::{MARK_DECRYPT, MARK_KEY_MASK, MARK_WG_ENCRYPTED, WIREGUARD_IFINDEX, is_remote_node},
    headers::{ETH_HLEN, Packet},
};

/// Egress of the uplink: masquerades what a pod sends to the outside, and sends what goes to a remote node through
/// WireGuard instead.
#[classifier]
fn cil_to_netdev(ctx: TcContext) -> i32 {
    // This is WireGuard's own datagram, because its socket sets this mark.
    if mark(&ctx) & MARK_KEY_MASK == MARK_WG_ENCRYPTED {
        return PASS;
    }
    let Some(packet) = Packet::at(&ctx.skb, ETH_HLEN) else { return PASS };
    if masquerade::snat(&ctx.skb, &packet).is_some() {
        return PASS;
    }
    if !packet.destination(&ctx.skb).is_some_and(|addr| is_remote_node(&addr)) {
        return PASS;
    }
    redirect(WIREGUARD_IFINDEX.load(), 0)
}

/// Ingress of the uplink: marks encrypted traffic of a remote node, to which the raw table's
/// `cilium-encryption-notrack` rule applies NOTRACK. Translates replies to a pod back.
#[classifier]
fn cil_from_netdev(ctx: TcContext) -> i32 {
    if wireguard::is_from_remote_node(&ctx) {
        ctx.set_mark(MARK_DECRYPT);
    }
    pods::come_back(&ctx).unwrap_or(PASS)
}

/// Ingress of the host's side of a pod's veth: handles what the pod sends.
#[classifier]
fn cil_from_container(ctx: TcContext) -> i32 {
    pods::leave(&ctx).unwrap_or(PASS)
}

/// Ingress of the VXLAN device: handles unwrapped packets.
#[classifier]
fn cil_from_overlay(ctx: TcContext) -> i32 {
    pods::leave_overlay(&ctx).unwrap_or(PASS)
}

/// Egress of the VXLAN device.
#[classifier]
fn cil_to_overlay(_ctx: TcContext) -> i32 {
    PASS
}

/// Ingress of the WireGuard device: moves the decrypted packet to `cilium_host`.
#[classifier]
fn cil_from_wireguard(ctx: TcContext) -> i32 {
    wireguard::deliver_decrypted(&ctx).unwrap_or(TC_ACT_SHOT as i32)
}

/// Egress of the WireGuard device.
#[classifier]
fn cil_to_wireguard(_ctx: TcContext) -> i32 {
    PASS
}

/// Ingress of `cilium_host`.
#[classifier]
fn cil_to_host(_ctx: TcContext) -> i32 {
    PASS
}

/// Egress of `cilium_host`.
#[classifier]
fn cil_from_host(_ctx: TcContext) -> i32 {
    PASS
}

const PASS: i32 = TC_ACT_OK as i32;

fn redirect(ifindex: u32, flags: u64) -> i32 {
    // SAFETY: the helper takes two numbers; its result is a verdict.
    unsafe { bpf_redirect(ifindex, flags) as i32 }
}

fn mark(ctx: &TcContext) -> u32 {
    // SAFETY: the kernel hands every tc program a valid context.
    unsafe { (*ctx.skb.skb).mark }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
