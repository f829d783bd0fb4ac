//! Decodes peers from netlink attributes.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use ::bytes::Buf as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ipnet::IpNet;

use super::super::{attrs::Attrs, bytes};
use crate::model::AllowedIps;

/// A peer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    /// Its key, endpoint and allowed IPs.
    pub allowed: AllowedIps,
    /// Time of the last handshake that succeeded, in seconds since 1970; `None` if none did.
    pub last_handshake: Option<u64>,
    /// Bytes received from it.
    pub received: u64,
    /// Bytes sent to it.
    pub sent: u64,
}

/// Returns the peers in one part of the answer.
pub(super) fn peers(device: Attrs<'_>) -> Vec<Peer> {
    device.nested(WGDEVICE_A_PEERS).iter().filter_map(|(_, peer)| one(Attrs(peer))).collect()
}

/// Returns the port that the device receives on. A later part of the answer does not have it.
pub(super) fn port(device: Attrs<'_>) -> Option<u16> {
    bytes::u16_at(device.get(WGDEVICE_A_LISTEN_PORT)?, 0)
}

/// Joins peers that did not fit into one part. A later part has only the key and more prefixes (`get_peer`,
/// drivers/net/wireguard/netlink.c).
pub(super) fn merge(parts: Vec<Vec<Peer>>) -> Vec<Peer> {
    let mut peers: Vec<Peer> = Vec::new();
    for part in parts.into_iter().flatten() {
        match peers.last_mut().filter(|last| last.allowed.public_key == part.allowed.public_key) {
            Some(last) => last.allowed.prefixes.extend(part.allowed.prefixes),
            None => peers.push(part),
        }
    }
    peers
}

fn one(peer: Attrs<'_>) -> Option<Peer> {
    let key = peer.get(WGPEER_A_PUBLIC_KEY)?.first_chunk::<KEY_LEN>()?;
    let prefixes = peer.nested(WGPEER_A_ALLOWEDIPS).iter().filter_map(|(_, allowed)| prefix(Attrs(allowed)));
    let number = |attribute| peer.get(attribute).and_then(|mut value| value.try_get_u64_ne().ok());
    Some(Peer {
        allowed: AllowedIps {
            public_key: STANDARD.encode(key),
            endpoint: peer.get(WGPEER_A_ENDPOINT).and_then(endpoint).map(|endpoint| endpoint.to_string()),
            prefixes: prefixes.map(|prefix| prefix.to_string()).collect(),
        },
        // A `struct __kernel_timespec`, which begins with the seconds.
        last_handshake: number(WGPEER_A_LAST_HANDSHAKE_TIME).filter(|seconds| *seconds > 0),
        received: number(WGPEER_A_RX_BYTES).unwrap_or_default(),
        sent: number(WGPEER_A_TX_BYTES).unwrap_or_default(),
    })
}

/// Decodes a `struct sockaddr_in` or `sockaddr_in6`.
fn endpoint(mut sockaddr: &[u8]) -> Option<SocketAddr> {
    let family = sockaddr.try_get_u16_ne().ok()?;
    let port = sockaddr.try_get_u16().ok()?;
    match i32::from(family) {
        libc::AF_INET => Some((bytes::ipv4(sockaddr)?, port).into()),
        libc::AF_INET6 => {
            let _flow = sockaddr.try_get_u32().ok()?;
            let addr = bytes::ipv6(&mut sockaddr)?;
            let scope = sockaddr.try_get_u32_ne().ok()?;
            Some(SocketAddrV6::new(addr, port, 0, scope).into())
        }
        _ => None,
    }
}

fn prefix(allowed: Attrs<'_>) -> Option<IpNet> {
    let value = allowed.get(WGALLOWEDIP_A_IPADDR)?;
    let addr = match i32::from(bytes::u16_at(allowed.get(WGALLOWEDIP_A_FAMILY)?, 0)?) {
        libc::AF_INET => IpAddr::from(bytes::ipv4(value)?),
        libc::AF_INET6 => IpAddr::from(bytes::ipv6(value)?),
        _ => return None,
    };
    IpNet::new(addr, allowed.u8(WGALLOWEDIP_A_CIDR_MASK)?).ok()
}

/// `WG_KEY_LEN` and kinds of attributes (include/uapi/linux/wireguard.h).
const KEY_LEN: usize = 32;
const WGDEVICE_A_LISTEN_PORT: u16 = 6;
const WGDEVICE_A_PEERS: u16 = 8;
const WGPEER_A_PUBLIC_KEY: u16 = 1;
const WGPEER_A_ENDPOINT: u16 = 4;
const WGPEER_A_LAST_HANDSHAKE_TIME: u16 = 6;
const WGPEER_A_RX_BYTES: u16 = 7;
const WGPEER_A_TX_BYTES: u16 = 8;
const WGPEER_A_ALLOWEDIPS: u16 = 9;
const WGALLOWEDIP_A_FAMILY: u16 = 1;
const WGALLOWEDIP_A_IPADDR: u16 = 2;
const WGALLOWEDIP_A_CIDR_MASK: u16 = 3;
