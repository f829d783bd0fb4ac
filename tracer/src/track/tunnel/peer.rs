//! WireGuard peers as `wg` shows them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Buf as _;
use tracer_common::PeerDetails;

use crate::model::Peer;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Converts a peer: its key to base64, its endpoint to `address:port`.
pub fn read(wire: &PeerDetails) -> Peer {
    let endpoint = endpoint(&wire.endpoint).map(|endpoint| endpoint.to_string());
    Peer { public_key: BASE64_STANDARD.encode(wire.public_key), endpoint }
}

/// Parses a `struct sockaddr_in` or `struct sockaddr_in6`.
fn endpoint(mut sockaddr: &[u8]) -> Option<SocketAddr> {
    let family = sockaddr.try_get_u16_ne().ok()?;
    let port = sockaddr.try_get_u16().ok()?;
    match family {
        AF_INET => Some((Ipv4Addr::from_bits(sockaddr.try_get_u32().ok()?), port).into()),
        AF_INET6 => {
            let _flow = sockaddr.try_get_u32().ok()?;
            Some((Ipv6Addr::from_bits(sockaddr.try_get_u128().ok()?), port).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn endpoints_of_both_families_and_none() {
        let mut bytes = [0u8; 28];
        assert_eq!(endpoint(&bytes), None);
        bytes[..8].copy_from_slice(&[2, 0, 0xca, 0x6c, 192, 0, 2, 20]);
        assert_eq!(endpoint(&bytes).map(|it| it.to_string()).as_deref(), Some("192.0.2.20:51820"));
        bytes[0] = 10;
        bytes[8..24].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(endpoint(&bytes).map(|it| it.to_string()).as_deref(), Some("[2001:db8::1]:51820"));
    }
}
