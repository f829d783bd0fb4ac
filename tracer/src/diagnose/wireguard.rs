//! `wireguard-no-peer` and `wireguard-source-refused`: the peers' allowed IPs decide which peer WireGuard sends a
//! packet to, and which sources it accepts from a peer.

use std::net::IpAddr;

use ipnet::IpNet;
use tracer_common::hook;

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{on_device, packet_with_tuple},
};
use crate::model::{AllowedIps, Cause, Confidence, Finding, Peer, Step};

/// Finds packets for an address that belongs to no peer.
pub fn no_peer(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| unroutable(facts, drop)))
}

/// Finds decrypted packets from an address that does not belong to the peer that sent them.
pub fn source_refused(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| refused(facts, drop)))
}

fn unroutable(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    in_function(drop, hook::WG_XMIT.name())?;
    let entered = facts.before(drop).find(|step| step.is_at(&[hook::WG_XMIT]))?;
    let device = facts.device(entered.netns, entered.ifindex)?;
    let peers = device.allowed_ips.as_ref()?;
    // If the packet is in another tunnel, WireGuard looks at the outer address.
    let destination = entered.outer.unwrap_or(entered.tuple).dst;
    if owner(peers, destination).is_some() {
        return None;
    }
    let (ifname, netns) = (&entered.ifname, facts.netns(entered.netns));
    let draft = Draft {
        id: "wireguard-no-peer",
        title: format!(
            "the {} was routed into WireGuard device {ifname} in netns {netns}, but {destination} is not in the allowed \
             IPs of any peer",
            packet_with_tuple(drop),
        ),
        place: on_device(entered),
        cause: Cause {
            place: on_device(entered),
            did: format!("the allowed IPs of {ifname} cover {} but not {destination}", prefixes(peers)),
            ..Cause::default()
        },
        evidence: vec![
            format!("{}: enters {ifname} to be encrypted for {destination}", facts.cite(entered)),
            format!("the peers of {ifname}: {}", listed(peers)),
            format!("{}: dropped in {}", facts.cite(drop), location(drop)),
        ],
        confidence: Confidence::Certain,
        advice: format!(
            "Add {destination} to the allowed IPs of the peer that leads to it, on {ifname} in netns {netns}.\nOr route \
             {destination} elsewhere, if it does not belong in this tunnel."
        ),
    };
    Some(draft.about(drop))
}

fn refused(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    if !drop.is_at(&[hook::CONSUME_SKB]) || drop.drop.as_ref().is_none_or(|drop| drop.reason != "CONSUMED") {
        return None;
    }
    let looked_up = facts.before(drop).find(|step| step.is_at(&[hook::WG_ALLOWEDIPS_LOOKUP_SRC]))?;
    let source = looked_up.outer.unwrap_or(looked_up.tuple).src;
    let device = facts.device(looked_up.netns, looked_up.ifindex);
    let peers = device.and_then(|device| device.allowed_ips.as_deref());
    let sender = looked_up.tunnel.as_ref().and_then(|tunnel| tunnel.peer.as_ref());
    let (ifname, netns) = (&looked_up.ifname, facts.netns(looked_up.netns));
    let from = sender.map_or_else(|| "a peer".to_owned(), named);
    let draft = Draft {
        id: "wireguard-source-refused",
        title: format!(
            "the {} was decrypted on WireGuard device {ifname} in netns {netns} and silently discarded: {source} is not \
             in the allowed IPs of {from}",
            packet_with_tuple(drop),
        ),
        place: on_device(looked_up),
        cause: Cause { place: on_device(looked_up), did: whose(peers, sender, source), ..Cause::default() },
        evidence: vec![
            format!("{}: decrypted on {ifname}, sent by {from}", facts.cite(looked_up)),
            match peers {
                Some(peers) => format!("the peers of {ifname}: {}", listed(peers)),
                None => format!("the allowed IPs of {ifname} could not be read"),
            },
            format!(
                "{}: freed right after WireGuard looked up the owner of {source}; only the device's rx_errors and \
                 rx_frame_errors count this",
                facts.cite(drop)
            ),
        ],
        confidence: if peers.is_some() { Confidence::Certain } else { Confidence::Likely },
        advice: format!(
            "Add {source} to the allowed IPs of {from} on {ifname} in netns {netns}.\nOr make the sender use an address \
             that is already allowed."
        ),
    };
    Some(draft.about(drop))
}

/// Explains whether the address belongs to another peer or to none.
fn whose(peers: Option<&[AllowedIps]>, sender: Option<&Peer>, source: IpAddr) -> String {
    let other = peers.and_then(|peers| owner(peers, source));
    match other {
        Some(other) if sender.is_none_or(|sender| sender.public_key != other.public_key) => {
            format!("WireGuard refused the source address: {source} belongs to another peer, {}", other.public_key)
        }
        _ => format!("WireGuard refused the source address: {source} belongs to no peer"),
    }
}

/// Returns the peer with the longest prefix around an address, as WireGuard chooses.
fn owner(peers: &[AllowedIps], addr: IpAddr) -> Option<&AllowedIps> {
    let nets = peers.iter().flat_map(|peer| {
        peer.prefixes.iter().filter_map(|prefix| prefix.parse::<IpNet>().ok()).map(move |net| (net, peer))
    });
    nets.filter(|(net, _)| net.contains(&addr)).max_by_key(|(net, _)| net.prefix_len()).map(|(_, peer)| peer)
}

fn in_function(drop: &Step, function: &str) -> Option<()> {
    (location(drop).split('+').next() == Some(function)).then_some(())
}

fn location(drop: &Step) -> &str {
    drop.drop.as_ref().map_or("", |drop| drop.location.as_str())
}

fn named(peer: &Peer) -> String {
    match &peer.endpoint {
        Some(endpoint) => format!("peer {} at {endpoint}", peer.public_key),
        None => format!("peer {}", peer.public_key),
    }
}

fn prefixes(peers: &[AllowedIps]) -> String {
    let all: Vec<&str> = peers.iter().flat_map(|peer| peer.prefixes.iter().map(String::as_str)).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn listed(peers: &[AllowedIps]) -> String {
    let peer = |peer: &AllowedIps| format!("{}, allowed IPs {}", peer.public_key, peer.prefixes.join(", "));
    if peers.is_empty() { "none".to_owned() } else { peers.iter().map(peer).collect::<Vec<_>>().join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_owns_an_address() {
        let peer = |key: &str, prefixes: &[&str]| AllowedIps {
            public_key: key.to_owned(),
            endpoint: None,
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        };
        let peers = [peer("wide", &["10.0.0.0/8", "fd00::/8"]), peer("narrow", &["10.1.0.0/16"])];
        let of = |addr: &str| owner(&peers, addr.parse().expect("an address")).map(|peer| peer.public_key.as_str());
        assert_eq!(
            [of("10.1.2.3"), of("10.2.2.3"), of("fd00::1"), of("192.0.2.1")],
            [Some("narrow"), Some("wide"), Some("wide"), None]
        );
    }
}
