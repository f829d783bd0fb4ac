//! Programs that do one thing to the packets of one TCP port and leave all others alone.

use aya_ebpf::{
    Global,
    bindings::{TC_ACT_UNSPEC, xdp_action::XDP_PASS},
    helpers::generated::bpf_xdp_load_bytes,
    macros::{cgroup_skb, classifier, map, xdp},
    maps::Array,
    programs::{SkBuffContext, TcContext, XdpContext, sk_buff::SkBuff},
};

use crate::{
    headers::{
        ETH_HLEN, ETH_P_IP, ETH_P_IPV6, ETH_PROTO, IPPROTO_TCP, IPV4_HLEN, IPV4_PROTOCOL, IPV6_HLEN, IPV6_NEXT_HEADER,
        Packet,
    },
    redirect,
};

/// The TCP port, source or destination.
#[unsafe(no_mangle)]
static MATCH_PORT: Global<u16> = Global::new(0);

/// What the program returns for packets of that port: `TC_ACT_*`, `XDP_*`, or 0 and 1 in a cgroup.
#[unsafe(no_mangle)]
static VERDICT: Global<i32> = Global::new(0);

/// The mark that `set_mark` gives them.
#[unsafe(no_mangle)]
static NEW_MARK: Global<u32> = Global::new(0);

/// ifindex of the device that `send_to_device` sends them to.
#[unsafe(no_mangle)]
static TARGET_IFINDEX: Global<u32> = Global::new(0);

/// Flags of the redirect: `BPF_F_INGRESS` or 0.
#[unsafe(no_mangle)]
static TARGET_FLAGS: Global<u64> = Global::new(0);

/// Number of such packets that the programs have seen, by which scenarios prove that the programs ran.
#[map(name = "lab_judged")]
static JUDGED: Array<u64> = Array::with_max_entries(1, 0);

/// Changes nothing and returns the verdict.
#[classifier]
fn judge_in_tc(ctx: TcContext) -> i32 {
    if is_wanted(&ctx.skb, ETH_HLEN) { VERDICT.load() } else { TC_ACT_UNSPEC }
}

/// Sets the mark and returns the verdict.
#[classifier]
fn set_mark(ctx: TcContext) -> i32 {
    if !is_wanted(&ctx.skb, ETH_HLEN) {
        return TC_ACT_UNSPEC;
    }
    ctx.set_mark(NEW_MARK.load());
    VERDICT.load()
}

/// Redirects to another device.
#[classifier]
fn send_to_device(ctx: TcContext) -> i32 {
    if !is_wanted(&ctx.skb, ETH_HLEN) {
        return TC_ACT_UNSPEC;
    }
    redirect(TARGET_IFINDEX.load(), TARGET_FLAGS.load())
}

/// Returns the verdict in a cgroup, where packets start with their IP header.
#[cgroup_skb]
fn judge_in_cgroup(ctx: SkBuffContext) -> i32 {
    const ALLOW: i32 = 1;
    if is_wanted(&ctx.skb, 0) { VERDICT.load() } else { ALLOW }
}

/// Returns the verdict in XDP.
#[xdp]
fn judge_in_xdp(ctx: XdpContext) -> u32 {
    if xdp_is_wanted(&ctx).unwrap_or(false) { VERDICT.load() as u32 } else { XDP_PASS }
}

#[inline(always)]
fn is_wanted(skb: &SkBuff, ip: usize) -> bool {
    let Some((IPPROTO_TCP, header)) = Packet::at(skb, ip).and_then(|packet| packet.transport(skb)) else {
        return false;
    };
    skb.load::<[u16; 2]>(header).is_ok_and(has_port)
}

#[inline(always)]
fn xdp_is_wanted(ctx: &XdpContext) -> Option<bool> {
    let (protocol, length) = match u16::from_be(load(ctx, ETH_PROTO)?) {
        ETH_P_IP => (IPV4_PROTOCOL, IPV4_HLEN),
        ETH_P_IPV6 => (IPV6_NEXT_HEADER, IPV6_HLEN),
        _ => return Some(false),
    };
    Some(load::<u8>(ctx, ETH_HLEN + protocol)? == IPPROTO_TCP && has_port(load(ctx, ETH_HLEN + length)?))
}

#[inline(always)]
fn has_port(ports: [u16; 2]) -> bool {
    let port = MATCH_PORT.load().to_be();
    let is_wanted = ports[0] == port || ports[1] == port;
    if is_wanted && let Some(count) = JUDGED.get_ptr_mut(0) {
        // SAFETY: the pointer is to the map's only value. Two processors may lose each other's counts.
        unsafe { *count += 1 };
    }
    is_wanted
}

#[inline(always)]
fn load<T: Copy>(ctx: &XdpContext, offset: usize) -> Option<T> {
    let mut value = core::mem::MaybeUninit::<T>::uninit();
    // SAFETY: the buffer has the given size, and is only read if the helper has filled it.
    unsafe {
        let failed = bpf_xdp_load_bytes(ctx.ctx, offset as u32, value.as_mut_ptr().cast(), size_of::<T>() as u32);
        (failed == 0).then(|| value.assume_init())
    }
}
