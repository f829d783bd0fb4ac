//! What Cilium 1.19 with WireGuard and node encryption does to a packet in tc, reduced to what the
//! scenarios need: the redirects, the marks and the hop count. The programs carry Cilium's names,
//! so that a trace of the lab reads like a trace of a node.
//!
//! No packet pointer is ever held: headers are read and written by helpers, so there are no bounds
//! checks that could fail at load.

#![no_std]
#![no_main]

mod config;
mod headers;
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

/// Egress of the uplink: what goes to a remote node is sent through WireGuard instead.
#[classifier]
fn cil_to_netdev(ctx: TcContext) -> i32 {
    // Already WireGuard's own datagram: its socket sets this mark.
    if mark(&ctx) & MARK_KEY_MASK == MARK_WG_ENCRYPTED {
        return PASS;
    }
    let to_remote_node = Packet::at(&ctx, ETH_HLEN)
        .and_then(|packet| packet.destination(&ctx))
        .is_some_and(|addr| is_remote_node(&addr));
    if !to_remote_node {
        return PASS;
    }
    redirect(WIREGUARD_IFINDEX.load(), 0)
}

/// Ingress of the uplink: encrypted traffic of a remote node is marked, which the raw table's
/// `cilium-encryption-notrack` rule answers with NOTRACK.
#[classifier]
fn cil_from_netdev(ctx: TcContext) -> i32 {
    if wireguard::is_from_remote_node(&ctx) {
        ctx.set_mark(MARK_DECRYPT);
    }
    PASS
}

/// Ingress of the WireGuard device: the decrypted packet moves to `cilium_host`.
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
