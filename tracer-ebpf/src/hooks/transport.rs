//! TCP and UDP: receive, and the reset that answers what nobody wanted.

use tracer_common::{flag, hook};

use super::pass;
use crate::{
    attach::{Args, on_entry, on_entry_shared},
    layout::field,
    packet,
    read::Read,
};

on_entry! {
    tcp_v4_rcv => |args| at::<_, 0>(hook::TCP_V4_RCV, args);
    tcp_v6_rcv => |args| at::<_, 0>(hook::TCP_V6_RCV, args);
    udp_rcv => |args| at::<_, 0>(hook::UDP_RCV, args);
    udpv6_rcv => |args| at::<_, 0>(hook::UDPV6_RCV, args);
    // tcp_v4_send_reset(sk, skb, …): the skb is the packet that is refused.
    tcp_v4_send_reset => |args| at::<_, 1>(hook::TCP_V4_SEND_RESET, args);
    tcp_v6_send_reset => |args| at::<_, 1>(hook::TCP_V6_SEND_RESET, args);
    tcp_conn_request => requested;
}

/// `tcp_conn_request(rsk_ops, af_ops, sk, skb)`: a listener with a full queue refuses the SYN, and
/// `tcp_rcv_state_process` frees it like one that it took (net/ipv4/tcp_input.c, 5.10 to 7.3).
#[inline(always)]
fn requested<A: Args>(args: &A) {
    let (sk, Some(packet)) = (args.arg(2), packet::tracked(args.arg(3))) else { return };
    let waiting: u32 = A::Read::at(sk, field!(layout.sock_ack_backlog));
    let limit: u32 = A::Read::at(sk, field!(layout.sock_max_ack_backlog));
    let half_open: u32 = A::Read::at(sk, field!(layout.csk_requests));
    let net: *const u8 = A::Read::at(sk, field!(layout.sock_net));
    let cookies: u8 = A::Read::at(net, field!(layout.net_syncookies));
    // `inet_csk_reqsk_queue_is_full`, `sk_acceptq_is_full`: in that order, the second one lets one more wait.
    let full = if cookies == 0 && half_open >= limit {
        flag::REQUESTS_FULL
    } else if waiting > limit {
        flag::ACCEPTS_FULL
    } else {
        0
    };
    // SAFETY: a packet from the map.
    unsafe { (*packet).flags = (*packet).flags & !(flag::REQUESTS_FULL | flag::ACCEPTS_FULL) | full };
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
