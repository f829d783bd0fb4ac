//! TCP and UDP: receive, and the reset that answers what nobody wanted.

use tracer_common::hook;

use super::pass;
use crate::attach::{Args, on_entry, on_entry_shared};

on_entry! {
    tcp_v4_rcv => |args| at::<_, 0>(hook::TCP_V4_RCV, args);
    tcp_v6_rcv => |args| at::<_, 0>(hook::TCP_V6_RCV, args);
    udp_rcv => |args| at::<_, 0>(hook::UDP_RCV, args);
    udpv6_rcv => |args| at::<_, 0>(hook::UDPV6_RCV, args);
    // tcp_v4_send_reset(sk, skb, …): the skb is the packet that is refused.
    tcp_v4_send_reset => |args| at::<_, 1>(hook::TCP_V4_SEND_RESET, args);
    tcp_v6_send_reset => |args| at::<_, 1>(hook::TCP_V6_SEND_RESET, args);
}

// Not of these protocols alone: whatever passes a packet in that argument.
on_entry_shared! {
    first_argument => at::<_, 0>;
    second_argument => at::<_, 1>;
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: u16, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}
