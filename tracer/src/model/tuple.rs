//! Addresses, ports and flags of one packet.

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The five values that distinguish flows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, JsonSchema, Serialize)]
pub struct Tuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port. ICMP: the identifier of an echo. Otherwise 0.
    pub sport: u16,
    /// Destination port. ICMP: the identifier of an echo. Otherwise 0.
    pub dport: u16,
    /// Transport protocol.
    pub proto: Proto,
}

impl Tuple {
    /// Returns the tuple of a reply, if nothing translates it.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { src: self.dst, dst: self.src, sport: self.dport, dport: self.sport, proto: self.proto }
    }

    /// Whether the packet goes to a group that ends at the link: 224.0.0.0/24 (RFC 5771), ff02::/16 (RFC 4291).
    /// Hosts use these to reach all their neighbours: MLD, IGMP, neighbour discovery, routing protocols.
    #[must_use]
    pub(crate) fn is_to_the_link(self) -> bool {
        match self.dst {
            IpAddr::V4(dst) => dst.octets().starts_with(&[224, 0, 0]),
            IpAddr::V6(dst) => dst.segments()[0] == 0xff02,
        }
    }

    /// Whether the packet goes to a multicast group or to 255.255.255.255. A subnet's own broadcast address cannot be
    /// told from others.
    pub(crate) fn is_to_many(self) -> bool {
        match self.dst {
            IpAddr::V4(dst) => dst.is_multicast() || dst.is_broadcast(),
            IpAddr::V6(dst) => dst.is_multicast(),
        }
    }
}

impl fmt::Display for Tuple {
    /// `10.0.0.1:4000 → 10.0.0.5:443`, `[fd00::1]:4000 → [fd00::5]:443`, without ports `10.0.0.1 → 10.0.0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |f: &mut fmt::Formatter<'_>, addr: IpAddr, port: u16| match (addr, self.proto.has_ports()) {
            (addr, false) => write!(f, "{addr}"),
            (IpAddr::V4(addr), true) => write!(f, "{addr}:{port}"),
            (IpAddr::V6(addr), true) => write!(f, "[{addr}]:{port}"),
        };
        end(f, self.src, self.sport)?;
        f.write_str(" → ")?;
        end(f, self.dst, self.dport)
    }
}

/// An IP protocol number (`IPPROTO_*`), written by its usual name if it has one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, JsonSchema, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Proto(pub u8);

/// Names that users type and read, from `include/uapi/linux/in.h` and `in6.h`.
const PROTO_NAMES: &[(u8, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipip"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmp6"),
    (132, "sctp"),
];

impl Proto {
    /// `IPPROTO_TCP`.
    pub const TCP: Self = Self(6);
    /// `IPPROTO_UDP`.
    pub const UDP: Self = Self(17);

    /// Whether the first four bytes of the protocol's header are two ports (tcp, udp, udplite, sctp, dccp).
    #[must_use]
    pub fn has_ports(self) -> bool {
        matches!(self.0, 6 | 17 | 33 | 132 | 136)
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PROTO_NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl From<Proto> for String {
    fn from(proto: Proto) -> Self {
        proto.to_string()
    }
}

impl TryFrom<String> for Proto {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Proto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = if text == "icmpv6" { "icmp6" } else { text };
        match PROTO_NAMES.iter().find(|(_, name)| *name == text) {
            Some((number, _)) => Ok(Self(*number)),
            None => text.parse().map(Self).map_err(|_| {
                let names: Vec<_> = PROTO_NAMES.iter().map(|(_, name)| *name).collect();
                format!("unknown protocol `{text}`: give one of {} or a number from 0 to 255", names.join(", "))
            }),
        }
    }
}

/// The flags byte of a TCP header (RFC 9293), written as letters: `SA` is SYN and ACK.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(into = "String", from = "String")]
pub struct TcpFlags(pub u8);

/// Bit, letter and name of each flag, in the order people say them.
const FLAGS: &[(u8, char, &str)] = &[
    (0x02, 'S', "SYN"),
    (0x01, 'F', "FIN"),
    (0x04, 'R', "RST"),
    (0x08, 'P', "PSH"),
    (0x10, 'A', "ACK"),
    (0x20, 'U', "URG"),
    (0x40, 'E', "ECE"),
    (0x80, 'C', "CWR"),
];

impl TcpFlags {
    /// Whether SYN is set and ACK is not: the first packet of a connection.
    #[must_use]
    pub fn opens(self) -> bool {
        self.0 & 0x12 == 0x02
    }

    /// Whether SYN and ACK are set: the answer to the first packet of a connection.
    #[must_use]
    pub(crate) fn answers(self) -> bool {
        self.0 & 0x12 == 0x12
    }

    /// Joins the names of the flags: `SYN-ACK`, `FIN-PSH-ACK`. Empty if no flag is set.
    #[must_use]
    pub fn names(self) -> String {
        let names: Vec<_> = FLAGS.iter().filter(|(bit, ..)| self.0 & bit != 0).map(|(.., name)| *name).collect();
        names.join("-")
    }
}

impl From<TcpFlags> for String {
    fn from(flags: TcpFlags) -> Self {
        FLAGS.iter().filter(|(bit, ..)| flags.0 & bit != 0).map(|(_, letter, _)| *letter).collect()
    }
}

impl From<String> for TcpFlags {
    fn from(letters: String) -> Self {
        let bit = |letter| FLAGS.iter().find(|(_, l, _)| *l == letter).map_or(0, |(bit, ..)| *bit);
        Self(letters.chars().map(bit).fold(0, |flags, bit| flags | bit))
    }
}
