//! Describes tunnels in plain words.

use super::style::clean;
use crate::model::{Peer, Proto, Tunnel, TunnelKind, Tuple};

/// Describes what happens at the end of a tunnel. `outer` is the packet's outer tuple if the tunnel names none.
pub(super) fn words(tunnel: &Tunnel, outer: Option<Tuple>, verbose: bool) -> String {
    let name = clean(&tunnel.ifname);
    let kind = tunnel.kind;
    let peer = tunnel.peer.as_ref().map(|peer| self::peer(peer, verbose));
    let (by, id) = match (kind, tunnel.id) {
        (_, None) => (kind.to_string(), String::new()),
        (TunnelKind::Vxlan | TunnelKind::Geneve, Some(id)) => (kind.to_string(), format!(" VNI {id}")),
        (TunnelKind::Esp, Some(id)) => (kind.to_string(), format!(" SPI {id:#x}")),
        (_, Some(id)) => (kind.to_string(), format!(" key {id}")),
    };
    let device = if name.is_empty() { String::new() } else { format!(" by {name}") };
    let outer = tunnel.outer.or(outer);
    let words = match (kind, tunnel.enters) {
        (TunnelKind::Wireguard, true) if peer.is_none() && outer.is_none() => format!("enters WireGuard device {name}"),
        (TunnelKind::Wireguard, true) => {
            let peer = peer.map(|peer| format!(" for {peer}")).unwrap_or_default();
            format!("encrypted by WireGuard device {name}{peer}")
        }
        (TunnelKind::Wireguard, false) => {
            let peer = peer.map(|peer| format!(", from {peer}")).unwrap_or_default();
            format!("decrypted by WireGuard device {name}{peer}")
        }
        (TunnelKind::Esp, true) => format!("encrypted by IPsec, {by}{id}"),
        (TunnelKind::Esp, false) => format!("decrypted by IPsec, {by}{id}"),
        (_, true) => format!("encapsulated in {by}{id}{device}"),
        (_, false) => format!("decapsulated from {by}{id}{device}"),
    };
    match outer.filter(|_| tunnel.enters) {
        Some(outer) => format!("{words}, sent as {}", self::outer(outer)),
        None => words,
    }
}

/// Formats outer headers: `UDP 198.51.100.10:51871 → 192.0.2.20:51871`.
pub(super) fn outer(tuple: Tuple) -> String {
    format!("{} {tuple}", protocol(tuple.proto))
}

/// Names a protocol: `UDP`, `protocol 99`.
pub(super) fn protocol(proto: Proto) -> String {
    let name = proto.to_string();
    match proto.0 {
        41 => "IPv6 in IP".to_owned(),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("protocol {name}"),
        _ => name.to_uppercase(),
    }
}

fn peer(peer: &Peer, verbose: bool) -> String {
    /// Characters of a key that are enough to find it in the output of `wg`.
    const SHORT: usize = 8;
    let key = clean(&peer.public_key);
    let key = match key.char_indices().nth(SHORT) {
        Some((end, _)) if !verbose => format!("{}…", &key[..end]),
        _ => key.into_owned(),
    };
    match &peer.endpoint {
        Some(endpoint) => format!("peer {key} at {}", clean(endpoint)),
        None => format!("peer {key}, endpoint unknown"),
    }
}
