//! Decodes peers from netlink attributes.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use ::bytes::Buf as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ipnet::IpNet;

use super::super::{attrs::Attrs, bytes};
use crate::model::AllowedIps;

/// Returns the peers in one part of the answer.
pub(super) fn peers(device: Attrs<'_>) -> Vec<AllowedIps> {
    device.nested(WGDEVICE_A_PEERS).iter().filter_map(|(_, peer)| one(Attrs(peer))).collect()
}

/// Joins peers that did not fit into one part. A later part has only the key and more prefixes (`get_peer`,
/// drivers/net/wireguard/netlink.c).
pub(super) fn merge(parts: Vec<Vec<AllowedIps>>) -> Vec<AllowedIps> {
    let mut peers: Vec<AllowedIps> = Vec::new();
    for part in parts.into_iter().flatten() {
        match peers.last_mut().filter(|last| last.public_key == part.public_key) {
            Some(last) => last.prefixes.extend(part.prefixes),
            None => peers.push(part),
        }
    }
    peers
}

fn one(peer: Attrs<'_>) -> Option<AllowedIps> {
    let key = peer.get(WGPEER_A_PUBLIC_KEY)?.first_chunk::<KEY_LEN>()?;
    let prefixes = peer.nested(WGPEER_A_ALLOWEDIPS).iter().filter_map(|(_, allowed)| prefix(Attrs(allowed)));
    Some(AllowedIps {
        public_key: STANDARD.encode(key),
        endpoint: peer.get(WGPEER_A_ENDPOINT).and_then(endpoint).map(|endpoint| endpoint.to_string()),
        prefixes: prefixes.map(|prefix| prefix.to_string()).collect(),
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
const WGDEVICE_A_PEERS: u16 = 8;
const WGPEER_A_PUBLIC_KEY: u16 = 1;
const WGPEER_A_ENDPOINT: u16 = 4;
const WGPEER_A_ALLOWEDIPS: u16 = 9;
const WGALLOWEDIP_A_FAMILY: u16 = 1;
const WGALLOWEDIP_A_IPADDR: u16 = 2;
const WGALLOWEDIP_A_CIDR_MASK: u16 = 3;
