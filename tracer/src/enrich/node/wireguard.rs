//! Looks up the WireGuard peer that a packet is for, and the device that receives a datagram.

use std::{
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use ipnet::IpNet;

use super::{
    super::wireguard::{Peer, peers_here, port_here},
    link::Links,
};
use crate::model::{NodeFact, Proto, Tuple};

/// Reports the peer of the device whose allowed IPs cover the destination best. `None` if there is none, if it is no
/// WireGuard device, or if it may not be asked, which takes `CAP_NET_ADMIN`.
pub(super) fn peer(dst: IpAddr, ifname: &str, links: &Links) -> Option<NodeFact> {
    if !links.of_kind("wireguard").any(|known| known == ifname) {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let peer = best(peers_here(ifname).ok()?, dst)?;
    Some(NodeFact::WireguardPeer {
        ifname: ifname.to_owned(),
        public_key: peer.allowed.public_key,
        endpoint: peer.allowed.endpoint,
        handshake: peer.last_handshake.map(|then| now.saturating_sub(then)),
        received: peer.received,
        sent: peer.sent,
    })
}

/// Reports the device of the netns that receives datagrams for this port.
pub(super) fn device(tuple: Tuple, links: &Links) -> Option<NodeFact> {
    let of_port = |ifname: &str| {
        let (port, peers) = port_here(ifname).ok().flatten()?;
        (port == tuple.dport).then(|| NodeFact::WireguardDevice { ifname: ifname.to_owned(), port, peers })
    };
    let mut devices = links.of_kind("wireguard").filter(|_| tuple.proto == Proto::UDP);
    devices.find_map(of_port)
}

/// Returns the peer with the longest prefix that contains the address (`wg_allowedips_lookup_dst`,
/// drivers/net/wireguard/allowedips.c).
fn best(peers: Vec<Peer>, dst: IpAddr) -> Option<Peer> {
    let length = |peer: &Peer| {
        let prefixes = peer.allowed.prefixes.iter().filter_map(|prefix| prefix.parse::<IpNet>().ok());
        prefixes.filter(|prefix| prefix.contains(&dst)).map(|prefix| prefix.prefix_len()).max()
    };
    let covering = peers.into_iter().filter_map(|peer| Some((length(&peer)?, peer)));
    covering.max_by_key(|(length, _)| *length).map(|(_, peer)| peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AllowedIps;

    #[test]
    fn the_longest_prefix_wins() {
        let peer = |key: &str, prefixes: &[&str]| Peer {
            allowed: AllowedIps {
                public_key: key.to_owned(),
                endpoint: None,
                prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
            },
            last_handshake: None,
            received: 0,
            sent: 0,
        };
        let peers = || vec![peer("a", &["0.0.0.0/0", "::/0"]), peer("b", &["10.0.0.0/8"]), peer("c", &["10.1.0.0/16"])];
        let key = |dst: &str| best(peers(), dst.parse().expect(dst)).map(|peer| peer.allowed.public_key);
        assert_eq!(key("10.1.2.3").as_deref(), Some("c"));
        assert_eq!(key("10.2.2.3").as_deref(), Some("b"));
        assert_eq!(key("fd00::1").as_deref(), Some("a"));
        assert_eq!(best(vec![peer("b", &["10.0.0.0/8"])], IpAddr::from([192, 0, 2, 1])), None);
    }
}
