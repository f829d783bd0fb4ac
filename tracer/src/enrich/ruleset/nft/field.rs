//! Fields that a rule can look at: their names in `nft` and the kind of their values.

use super::value::Kind;

/// One thing that a rule compares, sets or looks up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    /// `ct state`, `iifname`, `tcp dport`, …
    pub(super) name: String,
    /// How to format its values.
    pub(super) kind: Kind,
    /// Its length in bytes, 0 if it is not fixed.
    pub(super) len: usize,
}

impl Field {
    pub(super) fn new(name: impl Into<String>, kind: Kind, len: usize) -> Self {
        Self { name: name.into(), kind, len }
    }

    /// Returns the field of `NFT_META_*` (include/uapi/linux/netfilter/nf_tables.h, 6.18).
    pub(super) fn meta(key: u32) -> Self {
        match META.iter().find(|(known, ..)| *known == key) {
            Some((_, name, kind, len)) => Self::new(*name, *kind, *len),
            None => Self::new(format!("[meta {key}]"), Kind::Hex, 0),
        }
    }

    /// Returns the field of `NFT_CT_*`, with the direction that some keys need (`IP_CT_DIR_*`).
    pub(super) fn ct(key: u32, direction: Option<u8>) -> Self {
        let Some((_, name, kind, len)) = CT.iter().find(|(known, ..)| *known == key) else {
            return Self::new(format!("[ct {key}]"), Kind::Hex, 0);
        };
        let name = match direction {
            Some(0) => format!("ct original {name}"),
            Some(_) => format!("ct reply {name}"),
            None => format!("ct {name}"),
        };
        Self::new(name, *kind, *len)
    }

    /// Returns whether values are `ct state` bits.
    pub(super) fn is_ct_state(&self) -> bool {
        self.kind == Kind::CtState
    }
}

/// Key, name, kind of value, and length in bytes.
type KeyField = (u32, &'static str, Kind, usize);

const META: &[KeyField] = &[
    (0, "meta length", Kind::Host, 4),
    (1, "meta protocol", Kind::EtherType, 2),
    (2, "meta priority", Kind::HostHex, 4),
    (3, "meta mark", Kind::HostHex, 4),
    (4, "iif", Kind::Host, 4),
    (5, "oif", Kind::Host, 4),
    (6, "iifname", Kind::Name, 16),
    (7, "oifname", Kind::Name, 16),
    (8, "meta iiftype", Kind::Host, 2),
    (9, "meta oiftype", Kind::Host, 2),
    (10, "meta skuid", Kind::Host, 4),
    (11, "meta skgid", Kind::Host, 4),
    (12, "meta nftrace", Kind::Host, 1),
    (13, "meta rtclassid", Kind::Host, 4),
    (14, "meta secmark", Kind::Host, 4),
    (15, "meta nfproto", Kind::Family, 1),
    (16, "meta l4proto", Kind::L4Proto, 1),
    (17, "meta ibrname", Kind::Name, 16),
    (18, "meta obrname", Kind::Name, 16),
    (19, "meta pkttype", Kind::PacketType, 1),
    (20, "meta cpu", Kind::Host, 4),
    (21, "meta iifgroup", Kind::Host, 4),
    (22, "meta oifgroup", Kind::Host, 4),
    (23, "meta cgroup", Kind::Host, 4),
    (24, "meta random", Kind::Host, 4),
    (25, "meta ipsec", Kind::Host, 1),
    (26, "meta iifkind", Kind::Name, 16),
    (27, "meta oifkind", Kind::Name, 16),
    (28, "meta ibrpvid", Kind::Host, 2),
    (29, "meta ibrvproto", Kind::EtherType, 2),
    (30, "meta time", Kind::Host, 8),
    (31, "meta day", Kind::Host, 1),
    (32, "meta hour", Kind::Host, 4),
    (33, "meta sdif", Kind::Host, 4),
    (34, "meta sdifname", Kind::Name, 16),
    (35, "meta broute", Kind::Host, 1),
    (36, "meta ibrhwaddr", Kind::Ether, 6),
];

const CT: &[KeyField] = &[
    (0, "state", Kind::CtState, 4),
    (1, "direction", Kind::CtDirection, 1),
    (2, "status", Kind::CtStatus, 4),
    (3, "mark", Kind::HostHex, 4),
    (4, "secmark", Kind::Host, 4),
    (5, "expiration", Kind::Host, 4),
    (6, "helper", Kind::Name, 16),
    (7, "l3proto", Kind::Family, 1),
    (8, "saddr", Kind::Hex, 0),
    (9, "daddr", Kind::Hex, 0),
    (10, "protocol", Kind::L4Proto, 1),
    (11, "proto-src", Kind::Net, 2),
    (12, "proto-dst", Kind::Net, 2),
    (13, "label", Kind::Hex, 16),
    (14, "packets", Kind::Host, 8),
    (15, "bytes", Kind::Host, 8),
    (16, "avgpkt", Kind::Host, 8),
    (17, "zone", Kind::Host, 2),
    (18, "event", Kind::HostHex, 4),
    (19, "ip saddr", Kind::Ipv4, 4),
    (20, "ip daddr", Kind::Ipv4, 4),
    (21, "ip6 saddr", Kind::Ipv6, 16),
    (22, "ip6 daddr", Kind::Ipv6, 16),
    (23, "id", Kind::HostHex, 4),
];
