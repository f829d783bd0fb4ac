//! WireGuard peers as `wg` shows them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
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
fn endpoint(bytes: &[u8; 28]) -> Option<SocketAddr> {
    let family = u16::from_ne_bytes([bytes[0], bytes[1]]);
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    match family {
        AF_INET => Some((Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]), port).into()),
        AF_INET6 => {
            let addr: [u8; 16] = bytes[8..24].try_into().ok()?;
            Some((Ipv6Addr::from(addr), port).into())
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
