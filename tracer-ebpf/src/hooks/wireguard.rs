//! WireGuard: a packet enters the tunnel, is encrypted for a peer, is received as a datagram, and is decrypted.

use tracer_common::{HookId, PeerDetails, flag, hook};

use super::{ip::network_header, meet, pass};
use crate::{
    attach::{Args, on_entry},
    emit::{self, At, Details, Place},
    frozen::field,
    packet::{self, Packet},
    read::{Probed, Read, copy},
};

on_entry! {
    // wg_xmit(skb, dev)
    wg_xmit => |args| at::<_, 0>(hook::WG_XMIT, args);
    wg_socket_send_skb_to_peer => encrypted;
    // wg_receive(sk, skb)
    wg_receive => |args| at::<_, 1>(hook::WG_RECEIVE, args);
    wg_allowedips_lookup_src => decrypted;
}

#[inline(always)]
fn at<A: Args, const SKB: usize>(hook: HookId, args: &A) {
    pass::<A::Read>(hook, args.arg(SKB));
}

/// `wg_socket_send_skb_to_peer(peer, skb, ds)`
#[inline(always)]
fn encrypted<A: Args>(args: &A) {
    let skb = args.arg(1);
    if let Some(packet) = packet::tracked(skb) {
        report_peer(hook::WG_SOCKET_SEND_SKB_TO_PEER, packet, args.arg(0));
        pass::<A::Read>(hook::WG_SOCKET_SEND_SKB_TO_PEER, skb);
    }
}

/// `wg_allowedips_lookup_src(table, skb)`: the packet was just decrypted. WireGuard is about to refuse it silently
/// if its source does not belong to the peer that sent it.
#[inline(always)]
fn decrypted<A: Args>(args: &A) {
    let skb = args.arg(1);
    let place = Place::of::<A::Read>(skb);
    let l3 = network_header::<A::Read>(skb);
    let Some(packet) = meet::<A::Read>(hook::WG_ALLOWEDIPS_LOOKUP_SRC, skb, place, l3) else { return };
    // PACKET_CB(skb)->keypair->entry.peer (drivers/net/wireguard/queueing.h)
    let cb = skb.wrapping_add(usize::from(field!(layout.skb_cb)));
    let keypair: *const u8 = Probed::at(cb, field!(layout.packet_cb_keypair));
    report_peer(hook::WG_ALLOWEDIPS_LOOKUP_SRC, packet, Probed::at(keypair, field!(layout.keypair_peer)));
    emit::report::<A::Read, _>(&At { hook: hook::WG_ALLOWEDIPS_LOOKUP_SRC, skb, packet, place }, Details::default());
    // SAFETY: a packet from the map.
    unsafe { (*packet).flags |= flag::AT_ALLOWED_IPS };
}

/// Reports the peer that the packet goes to or comes from.
#[inline(always)]
fn report_peer(hook: HookId, packet: *mut Packet, peer: *const u8) {
    let at = |offset: u16| peer.wrapping_add(usize::from(offset));
    emit::note(hook, packet, |details: &mut PeerDetails| {
        *details = PeerDetails { public_key: [0; 32], endpoint: [0; 28], pad: 0 };
        copy(details.public_key.as_mut_ptr(), at(field!(layout.peer_public_key)), 32);
        copy(details.endpoint.as_mut_ptr(), at(field!(layout.peer_endpoint)), 28);
    });
}
