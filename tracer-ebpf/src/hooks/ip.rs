//! The IP layer: in, delivery, forward, out. IPv4 output has no hook of its own, because the next hook implies it and
//! each hook costs every packet of the node.

use tracer_common::{HookId, hook};

use super::{
    device_is_asked_for, enter, forget_lookup, pass,
    wire::{self, By, Look},
};
use crate::{
    attach::{Args, on_entry},
    emit::{self, At, Details, Place},
    frozen::field,
    packet,
    read::Read,
};

on_entry! {
    ip_rcv_core => |args| received::<_>(hook::IP_RCV_CORE, args);
    ip6_rcv_core => |args| received::<_>(hook::IP6_RCV_CORE, args);
    // These do not see lists of packets; attached only where the compiler has inlined the functions above.
    ip_rcv => |args| received::<_>(hook::IP_RCV, args);
    ipv6_rcv => |args| received::<_>(hook::IPV6_RCV, args);
    ip_forward => |args| received::<_>(hook::IP_FORWARD, args);
    ip6_forward => |args| received::<_>(hook::IP6_FORWARD, args);
    __ip_local_out => |args| out::<_>(hook::IP_LOCAL_OUT, args);
    __ip6_local_out => |args| out::<_>(hook::IP6_LOCAL_OUT, args);
    ip6_output => first_sight;
    ip_protocol_deliver_rcu => |args| delivered::<_>(hook::IP_PROTOCOL_DELIVER_RCU, args);
    ip6_protocol_deliver_rcu => |args| delivered::<_>(hook::IP6_PROTOCOL_DELIVER_RCU, args);
}

/// Handles a packet that a device has received, where the hook at the device has looked at its headers. `skb->dev` is
/// now the VLAN, bond or macvlan that it came in by.
#[inline(always)]
fn received<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(0);
    if device_is_asked_for() {
        come_in::<A>(hook, skb);
    } else {
        pass::<A::Read>(hook, skb);
    }
}

/// Handles a packet once the device that it came in by is known.
#[inline(always)]
fn come_in<A: Args>(hook: HookId, skb: *const u8) {
    enter::<A::Read>(hook, skb, Place::of::<A::Read>(skb), || Some(network_header::<A::Read>(skb)));
}

/// `ip_protocol_deliver_rcu(net, skb, protocol)`: local delivery to TCP, UDP or any other protocol that the header
/// names. IPsec unwraps packets within the stack, so that no device receives them again.
#[inline(always)]
fn delivered<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(1);
    let Some(packet) = packet::tracked(skb) else {
        if device_is_asked_for() {
            come_in::<A>(hook, skb);
        }
        return;
    };
    let place = Place::of::<A::Read>(skb);
    if packet::is_wrapped(packet) {
        let look = Look { hook, suspect: By::Unknown, skb, packet, l3: network_header::<A::Read>(skb), place };
        if !wire::look(&look) {
            // The skb carries another packet by now, which came in by no hook that looks at headers.
            packet::end_stale(skb);
            return;
        }
        forget_lookup::<A::Read>(skb, packet);
    }
    emit::report::<A::Read, _>(&At { hook, skb, packet, place }, Details::default());
}

/// Handles functions of `(net, sk, skb)` after which a packet has left its socket.
#[inline(always)]
fn out<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(2);
    enter::<A::Read>(hook, skb, outward(args), || Some(network_header::<A::Read>(skb)));
}

/// `ip6_output(net, sk, skb)`: TCP over IPv6 does not pass `__ip6_local_out`.
#[inline(always)]
fn first_sight<A: Args>(args: &A) {
    if !packet::is_tracked(args.arg(2)) {
        out(hook::IP6_OUTPUT, args);
    }
}

/// Returns the netns only. `skb->dev` is still where the packet came from, if anywhere, because the output device
/// is not set yet.
#[inline(always)]
fn outward<A: Args>(args: &A) -> Place {
    Place { dev: core::ptr::null(), net: args.arg(0) }
}

/// Returns the address of the IP header according to the stack.
#[inline(always)]
pub fn network_header<R: Read>(skb: *const u8) -> *const u8 {
    let head: u64 = R::at(skb, field!(layout.skb_head));
    let offset: u16 = R::at(skb, field!(layout.skb_network_header));
    head.wrapping_add(u64::from(offset)) as *const u8
}
