//! ICMP errors that the stack sends about a packet.

use tracer_common::{HookId, extra, hook};

use super::route::routed_to;
use crate::{
    attach::{Args, on_entry, on_entry_shared},
    emit::{self, At, Details, Place},
    packet,
    read::Probed,
};

on_entry! {
    __icmp_send => |args| send::<_>(hook::ICMP_SEND, args);
    icmp6_send => |args| send::<_>(hook::ICMP6_SEND, args);
}

on_entry_shared! {
    icmp_error => send;
}

/// Handles functions of `(skb, type, code, info, …)`. The skb is the packet that the error is about. If the packet
/// is already routed, the step shows the device that it was to leave by.
#[inline(always)]
fn send<A: Args>(hook: HookId, args: &A) {
    let skb = args.arg(0);
    if let Some(packet) = packet::tracked(skb) {
        let out = routed_to(skb);
        let place = if out.is_null() { Place::of::<Probed>(skb) } else { Place::device(out) };
        let number = |n| args.arg(n) as u64;
        let extra = extra::icmp_error(number(1), number(2), number(3));
        emit::report::<Probed, _>(&At { hook, skb, packet, place }, Details { extra, ..Details::default() });
    }
}
