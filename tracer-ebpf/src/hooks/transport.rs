//! TCP: connection requests to a listener, and the reset that refuses a packet.

use tracer_common::{HookId, flag, hook};

use super::pass;
use crate::{
    attach::{Args, on_entry, on_entry_shared},
    frozen::field,
    packet::{self, Packet},
    read::{Probed, Read},
};

on_entry! {
    // tcp_v4_send_reset(sk, skb, …): the skb is the packet that is refused.
    tcp_v4_send_reset => |args| at::<_, 1>(hook::TCP_V4_SEND_RESET, args);
    tcp_v6_send_reset => |args| at::<_, 1>(hook::TCP_V6_SEND_RESET, args);
    tcp_v4_conn_request => requested;
    tcp_v6_conn_request => requested;
}

/// `tcp_v4_conn_request(sk, skb)`: records whether a queue of the listener is full.
///
/// A listener with a full queue refuses the SYN (`tcp_conn_request`), and `tcp_rcv_state_process` frees it like one
/// that the listener took (net/ipv4/tcp_input.c, 5.10 to 7.3).
#[inline(always)]
fn requested<A: Args>(args: &A) {
    let Some(packet) = packet::tracked(args.arg(1)) else { return };
    let sk = args.arg(0);
    let number = |offset: u16| -> u32 { A::Read::at(sk, offset) };
    let (waiting, limit) = (number(field!(layout.sock_ack_backlog)), number(field!(layout.sock_max_ack_backlog)));
    let net: *const u8 = A::Read::at(sk, field!(layout.sock_net));
    let cookies: u8 = Probed::at(net, field!(layout.net_syncookies));
    // On some kernels, `inet_csk_reqsk_queue_is_full` lets one more wait. The drops show later whether the queue
    // was full.
    let full = if waiting > limit {
        flag::ACCEPTS_FULL
    } else if cookies == 0 && Probed::at::<u32>(sk, field!(layout.csk_requests)) >= limit {
        flag::REQUESTS_FULL
    } else {
        0
    };
    let drops = number(field!(layout.sock_drops));
    // SAFETY: a packet from the map.
    unsafe {
        (*packet).flags = (*packet).flags & !FULL | full;
        (*packet).kept = drops;
        (*packet).listener = sk as u64;
    }
}

/// Returns whether a SYN that is being consumed was refused. A listener that counted no drop (`tcp_listendrop`) has
/// taken it. The listener is held until its SYN is freed.
#[inline(always)]
pub fn was_refused(packet: *const Packet) -> bool {
    // SAFETY: a packet from the map.
    let packet = unsafe { &*packet };
    packet.flags & FULL != 0
        && Probed::at::<u32>(packet.listener as *const u8, field!(layout.sock_drops)) != packet.kept
}

const FULL: u8 = flag::ACCEPTS_FULL | flag::REQUESTS_FULL;

// The first two serve hooks of any protocol that pass a packet in that argument.
on_entry_shared! {
    first_argument => at::<_, 0>;
    second_argument => at::<_, 1>;
    requested => |_, args| requested(args);
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: HookId, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}
