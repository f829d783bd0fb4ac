//! Formats values as `nft` does.

use super::super::{
    bytes,
    names::{CT_STATES, L4_PROTOCOLS},
};

/// How to read a value's bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Kind {
    /// A number in host byte order.
    Host,
    /// A number in host byte order, written in hexadecimal.
    HostHex,
    /// A number in network order.
    Net,
    /// An IPv4 address or its first bytes.
    Ipv4,
    /// An IPv6 address or its first bytes.
    Ipv6,
    /// An Ethernet address.
    Ether,
    /// A NUL-terminated name; without the NUL, the start of a name.
    Name,
    /// `ETH_P_*`.
    EtherType,
    /// `NFPROTO_*`.
    Family,
    /// `IPPROTO_*`.
    L4Proto,
    /// Bits of `ct state`.
    CtState,
    /// `IPS_*` bits.
    CtStatus,
    /// `IP_CT_DIR_*`.
    CtDirection,
    /// The TCP header's flags.
    TcpFlags,
    /// `ICMP_*` type.
    IcmpType,
    /// `ICMPV6_*` type.
    Icmp6Type,
    /// `PACKET_*`.
    PacketType,
    /// `RTN_*`.
    RouteType,
    /// Whether a result exists.
    Present,
    /// Anything else.
    #[default]
    Hex,
}

impl Kind {
    /// Returns the kind for the number that `nft` stores with a map (`enum datatypes` of its `datatype.h`, 1.0). The
    /// kernel only stores the number.
    pub(super) fn of_type(number: u32) -> Self {
        match number {
            5 | 41 => Self::Name,
            7 => Self::Ipv4,
            8 => Self::Ipv6,
            9 => Self::Ether,
            12 => Self::L4Proto,
            13 => Self::Net,
            19 => Self::HostHex,
            _ => Self::Hex,
        }
    }

    /// Returns whether values are sets of named bits.
    pub(super) fn is_flags(self) -> bool {
        matches!(self, Self::CtState | Self::CtStatus | Self::TcpFlags)
    }

    /// Returns whether values are IP addresses.
    pub(super) fn is_address(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }

    /// Formats one value.
    pub(super) fn text(self, value: &[u8]) -> String {
        self.known(value).unwrap_or_else(|| bytes::hex(value))
    }

    /// Formats the values from `low` to `high`, as a prefix if they are addresses that form one.
    pub(super) fn range(self, low: &[u8], high: &[u8]) -> String {
        if low == high {
            return self.text(low);
        }
        let mask: Vec<u8> = low.iter().zip(high).map(|(low, high)| !(low ^ high)).collect();
        let aligned = low.iter().zip(&mask).all(|(low, mask)| low & !mask == 0)
            && high.iter().zip(&mask).all(|(high, mask)| high | mask == 0xff);
        match bytes::prefix_len(&mask) {
            Some(len) if aligned && self.is_address() => format!("{}/{len}", self.text(low)),
            _ => format!("{}-{}", self.text(low), self.text(high)),
        }
    }

    fn known(self, value: &[u8]) -> Option<String> {
        let named = |names: &[(u64, &str)], number: Option<u64>| {
            let number = number?;
            let name = names.iter().find(|(known, _)| *known == number);
            Some(name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()))
        };
        match self {
            Self::Host => bytes::host_number(value).map(|number| number.to_string()),
            Self::HostHex => bytes::host_number(value).map(|number| format!("{number:#010x}")),
            Self::Net => bytes::net_number(value).map(|number| number.to_string()),
            Self::Ipv4 => address(value, 4),
            Self::Ipv6 => address(value, 16),
            Self::Ether => Some(value.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
            Self::Name => Some(name(value)),
            Self::EtherType => named(ETHER_TYPES, bytes::net_number(value)),
            Self::Family => named(FAMILIES, bytes::host_number(value)),
            Self::L4Proto => named(L4_PROTOCOLS, bytes::host_number(value)),
            Self::CtState => Some(flags(CT_STATES, bytes::host_number(value)?)),
            Self::CtStatus => Some(flags(CT_STATUS, bytes::host_number(value)?)),
            Self::CtDirection => named(&[(0, "original"), (1, "reply")], bytes::host_number(value)),
            Self::TcpFlags => Some(flags(TCP_FLAGS, bytes::host_number(value)?)),
            Self::IcmpType => named(ICMP_TYPES, bytes::host_number(value)),
            Self::Icmp6Type => named(ICMP6_TYPES, bytes::host_number(value)),
            Self::PacketType => named(PACKET_TYPES, bytes::host_number(value)),
            Self::RouteType => named(ROUTE_TYPES, bytes::host_number(value)),
            Self::Present => Some(if value.iter().all(|byte| *byte == 0) { "missing" } else { "exists" }.to_owned()),
            Self::Hex => None,
        }
    }
}

/// Returns the names of the set bits, lowest first and separated by commas, and the other bits as a number.
pub(super) fn flags(names: &[(u64, &str)], mut bits: u64) -> String {
    let mut parts = Vec::new();
    for (bit, name) in names.iter().filter(|(bit, _)| bits & bit != 0).copied().collect::<Vec<_>>() {
        parts.push(name.to_owned());
        bits &= !bit;
    }
    if bits != 0 || parts.is_empty() {
        parts.push(format!("{bits:#x}"));
    }
    parts.join(",")
}

/// Formats an address of `full` bytes, and a shorter value as a prefix: `10.0.0.0/8`.
fn address(value: &[u8], full: usize) -> Option<String> {
    let mut padded = value.to_vec();
    padded.resize(full, 0);
    let text = bytes::ip(&padded)?.to_string();
    let prefix = value.len() * 8;
    (value.len() <= full).then(|| if value.len() == full { text } else { format!("{text}/{prefix}") })
}

/// Formats a quoted name; `"eth*"` if only its start is compared.
fn name(value: &[u8]) -> String {
    let star = if value.contains(&0) || value.len() == 16 { "" } else { "*" };
    format!("\"{}{star}\"", bytes::text(value))
}

const ETHER_TYPES: &[(u64, &str)] =
    &[(0x0800, "ip"), (0x0806, "arp"), (0x86dd, "ip6"), (0x8100, "8021q"), (0x88a8, "8021ad")];

const FAMILIES: &[(u64, &str)] = &[(2, "ipv4"), (3, "arp"), (7, "bridge"), (10, "ipv6")];

const CT_STATUS: &[(u64, &str)] = &[
    (0x1, "expected"),
    (0x2, "seen-reply"),
    (0x4, "assured"),
    (0x8, "confirmed"),
    (0x10, "snat"),
    (0x20, "dnat"),
    (0x200, "dying"),
];

const TCP_FLAGS: &[(u64, &str)] = &[
    (0x01, "fin"),
    (0x02, "syn"),
    (0x04, "rst"),
    (0x08, "psh"),
    (0x10, "ack"),
    (0x20, "urg"),
    (0x40, "ecn"),
    (0x80, "cwr"),
];

const PACKET_TYPES: &[(u64, &str)] = &[(0, "host"), (1, "broadcast"), (2, "multicast"), (3, "other")];

const ROUTE_TYPES: &[(u64, &str)] = &[
    (1, "unicast"),
    (2, "local"),
    (3, "broadcast"),
    (4, "anycast"),
    (5, "multicast"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
];

const ICMP_TYPES: &[(u64, &str)] = &[
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "info-request"),
    (16, "info-reply"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

const ICMP6_TYPES: &[(u64, &str)] = &[
    (1, "destination-unreachable"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-listener-query"),
    (131, "mld-listener-report"),
    (132, "mld-listener-done"),
    (133, "nd-router-solicit"),
    (134, "nd-router-advert"),
    (135, "nd-neighbor-solicit"),
    (136, "nd-neighbor-advert"),
    (137, "nd-redirect"),
    (143, "mld2-listener-report"),
];
