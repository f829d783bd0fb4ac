//! `wireguard-handshake-unanswered`: packets wait for a session with a WireGuard peer.

use super::{super::Waited, Held, draft};
use crate::model::{Confidence, NodeFact, Severity};

/// Explains packets that a WireGuard device has taken. `None` if it has a session with their peer.
pub fn explain(waited: &Waited<'_>) -> Option<Held> {
    /// WireGuard's `REJECT_AFTER_TIME` in seconds (drivers/net/wireguard/messages.h).
    const REJECT_AFTER_TIME: u64 = 180;
    let (ifname, key, endpoint, handshake, received, sent) = waited.node.iter().find_map(|fact| match fact {
        NodeFact::WireguardPeer { ifname, public_key, endpoint, handshake, received, sent } => {
            Some((ifname, public_key, endpoint.as_deref(), *handshake, *received, *sent))
        }
        _ => None,
    })?;
    // With a session that is valid, it waits for something else.
    if handshake.is_some_and(|seconds| seconds < REJECT_AFTER_TIME) {
        return None;
    }
    let endpoint =
        endpoint.map_or_else(|| "an unknown endpoint".to_owned(), |endpoint| format!("its endpoint {endpoint}"));
    let last = match handshake {
        Some(seconds) => format!("the last handshake with the peer was {seconds} s ago"),
        None => "there was no handshake with the peer so far".to_owned(),
    };
    Some(Held {
        id: "wireguard-handshake-unanswered",
        why: format!(
            "WireGuard device {ifname} has no session with peer {key}, and {endpoint} does not answer the handshake"
        ),
        draft: draft(
            waited,
            vec![last, format!("{sent} bytes were sent to the peer, {received} received from it")],
            Confidence::Likely,
            format!(
                "Find out whether UDP from this node reaches {endpoint}: trace its port on both nodes.\nIf it does, check \
                 the keys: the other node answers only if this node's public key is one of its peers, and if it has the \
                 private key of {key}."
            ),
        ),
        severity: Severity::Error,
    })
}
