//! Names parts of packet headers.

use super::{field::Field, value::Kind};

/// The packet's protocols, as far as earlier matches of the rule fix them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Protocols {
    /// `NFPROTO_IPV4` 2 or `NFPROTO_IPV6` 10.
    pub(super) l3: Option<u8>,
    /// `IPPROTO_*`.
    pub(super) l4: Option<u8>,
}

/// Returns the header fields in `len` bytes at `offset` of `base` (`NFT_PAYLOAD_*_HEADER`), each with the number of the
/// bytes that belong to it. `nft` loads neighbouring fields at once, and only the start of an address for a prefix.
/// Bytes without a name are written as `nft` does: `@nh,96,32`.
pub(super) fn fields(base: u32, offset: u32, len: u32, protocols: Protocols) -> Vec<(Field, usize)> {
    let (mut at, mut left) = (offset, len);
    let mut found = Vec::new();
    while left > 0 {
        let Some((name, header)) = headers(base, protocols)
            .find_map(|(name, header)| header.iter().find(|entry| entry.1 == at).map(|entry| (name, entry)))
        else {
            return vec![raw(base, offset, len)];
        };
        let (field, _, size, kind) = *header;
        let taken = size.min(left);
        if taken < size && !kind.is_address() {
            return vec![raw(base, offset, len)];
        }
        found.push((Field::new(format!("{name} {field}"), kind, size as usize), taken as usize));
        (at, left) = (at.saturating_add(taken), left - taken);
    }
    found
}

fn raw(base: u32, offset: u32, len: u32) -> (Field, usize) {
    let base = ["ll", "nh", "th", "ih"].get(base as usize).unwrap_or(&"?");
    let (offset, bits) = (u64::from(offset) * 8, u64::from(len) * 8);
    (Field::new(format!("@{base},{offset},{bits}"), Kind::Hex, len as usize), len as usize)
}

/// Name of a field, its offset and length in bytes, and the kind of its value.
type HeaderField = (&'static str, u32, u32, Kind);

/// Returns the headers that may be meant, likeliest first.
fn headers(base: u32, protocols: Protocols) -> impl Iterator<Item = (&'static str, &'static [HeaderField])> {
    let header: Option<(&'static str, &'static [HeaderField])> = match (base, protocols.l3, protocols.l4) {
        (0, ..) => Some(("ether", ETHER)),
        (1, Some(2), _) => Some(("ip", IP)),
        (1, Some(10), _) => Some(("ip6", IP6)),
        (2, _, Some(6)) => Some(("tcp", TCP)),
        (2, _, Some(17)) => Some(("udp", UDP)),
        (2, _, Some(132)) => Some(("sctp", PORTS)),
        (2, _, Some(1)) => Some(("icmp", ICMP)),
        (2, _, Some(58)) => Some(("icmpv6", ICMP6)),
        _ => None,
    };
    // Without a known protocol, only the ports have names.
    header.into_iter().chain((base == 2).then_some(("th", PORTS)))
}

const ETHER: &[HeaderField] =
    &[("daddr", 0, 6, Kind::Ether), ("saddr", 6, 6, Kind::Ether), ("type", 12, 2, Kind::EtherType)];

const IP: &[HeaderField] = &[
    ("dscp", 1, 1, Kind::Hex),
    ("length", 2, 2, Kind::Net),
    ("id", 4, 2, Kind::Net),
    ("frag-off", 6, 2, Kind::Hex),
    ("ttl", 8, 1, Kind::Net),
    ("protocol", 9, 1, Kind::L4Proto),
    ("checksum", 10, 2, Kind::Net),
    ("saddr", 12, 4, Kind::Ipv4),
    ("daddr", 16, 4, Kind::Ipv4),
];

const IP6: &[HeaderField] = &[
    ("length", 4, 2, Kind::Net),
    ("nexthdr", 6, 1, Kind::L4Proto),
    ("hoplimit", 7, 1, Kind::Net),
    ("saddr", 8, 16, Kind::Ipv6),
    ("daddr", 24, 16, Kind::Ipv6),
];

const PORTS: &[HeaderField] = &[("sport", 0, 2, Kind::Net), ("dport", 2, 2, Kind::Net)];

const TCP: &[HeaderField] = &[
    ("sport", 0, 2, Kind::Net),
    ("dport", 2, 2, Kind::Net),
    ("sequence", 4, 4, Kind::Net),
    ("ackseq", 8, 4, Kind::Net),
    ("flags", 13, 1, Kind::TcpFlags),
    ("window", 14, 2, Kind::Net),
    ("checksum", 16, 2, Kind::Net),
    ("urgptr", 18, 2, Kind::Net),
];

const UDP: &[HeaderField] = &[
    ("sport", 0, 2, Kind::Net),
    ("dport", 2, 2, Kind::Net),
    ("length", 4, 2, Kind::Net),
    ("checksum", 6, 2, Kind::Net),
];

const ICMP: &[HeaderField] = &[("type", 0, 1, Kind::IcmpType), ("code", 1, 1, Kind::Net), ("id", 4, 2, Kind::Net)];

const ICMP6: &[HeaderField] = &[("type", 0, 1, Kind::Icmp6Type), ("code", 1, 1, Kind::Net), ("id", 4, 2, Kind::Net)];
