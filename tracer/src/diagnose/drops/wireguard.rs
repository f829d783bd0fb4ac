//! `wireguard-no-endpoint`: the peer is known, but its endpoint is not.

use ipnet::IpNet;
use tracer_common::hook;

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{AllowedIps, Cause};

/// Explains drops in `wg_xmit` (drivers/net/wireguard/device.c), which returns `EDESTADDRREQ` in this case.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.unspecified_within(&[hook::WG_XMIT.name()]) {
        return None;
    }
    let entered = dropped.before().find(|step| step.is_at(&[hook::WG_XMIT]))?;
    let peers = dropped.facts.device(entered.netns, entered.ifindex)?.allowed_ips.as_ref()?;
    let destination = entered.outer.unwrap_or(entered.tuple).dst;
    let takes = |prefix: &String| prefix.parse::<IpNet>().ok().filter(|net| net.contains(&destination));
    let best = |peer: &AllowedIps| peer.prefixes.iter().filter_map(takes).map(|net| net.prefix_len()).max();
    let (_, peer) = peers.iter().filter_map(|peer| Some((best(peer)?, peer))).max_by_key(|(len, _)| *len)?;
    if peer.endpoint.is_some() {
        return None;
    }
    let (key, ifname) = (&peer.public_key, &entered.ifname);
    Some(Explained {
        id: "wireguard-no-endpoint",
        why: format!("{destination} belongs to peer {key}, which has no endpoint"),
        place: Some(on_device(entered)),
        cause: Cause {
            place: on_device(entered),
            did: format!("peer {key} of {ifname} has no endpoint"),
            ..Cause::default()
        },
        evidence: vec![
            format!("{}: enters {ifname} to be encrypted for {destination}", dropped.facts.cite(entered)),
            format!("peer {key}, allowed IPs {}, has no endpoint", peer.prefixes.join(", ")),
        ],
        advice: format!(
            "Set the peer's endpoint: `wg set {ifname} peer {key} endpoint ADDRESS:PORT`.\nOr let the peer send first, \
             if it is behind a NAT: WireGuard takes the endpoint from its first message."
        ),
        ..Explained::default()
    })
}
