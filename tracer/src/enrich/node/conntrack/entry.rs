//! Encodes questions about conntrack entries and decodes the answers. netlink-packet-route knows only rtnetlink.

use std::net::IpAddr;

use super::super::super::{
    attrs::{Attrs, encode},
    bytes,
};
use crate::model::{NodeFact, Proto, Tuple};

/// An entry of conntrack's table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Tuple of the original direction.
    pub(super) orig: Tuple,
    /// Tuple that replies carry.
    pub(super) reply: Tuple,
    /// `nf_conn.zone.id`
    pub(super) zone: u16,
    /// `nf_conn.status`, bits `IPS_*`.
    pub(super) status: u32,
    /// Seconds until it expires.
    pub(super) timeout: Option<u32>,
    /// `enum tcp_conntrack`.
    pub(super) tcp_state: Option<u8>,
}

impl Entry {
    /// Decodes an answer; `None` if it lacks a tuple.
    pub(super) fn decode(answer: &[u8]) -> Option<Self> {
        let attrs = Attrs(answer.get(NFGENMSG..)?);
        let orig = attrs.nested(CTA_TUPLE_ORIG);
        Some(Self {
            orig: tuple(orig)?,
            reply: tuple(attrs.nested(CTA_TUPLE_REPLY))?,
            // The kernel sends the zone of one direction with its tuple (`ctnetlink_dump_zone_id`), and omits the
            // default zone.
            zone: attrs.u16(CTA_ZONE).or_else(|| orig.u16(CTA_TUPLE_ZONE)).unwrap_or(0),
            status: attrs.u32(CTA_STATUS).unwrap_or(0),
            timeout: attrs.u32(CTA_TIMEOUT),
            tcp_state: attrs.nested(CTA_PROTOINFO).nested(CTA_PROTOINFO_TCP).u8(CTA_PROTOINFO_TCP_STATE),
        })
    }

    /// Whether a packet with this tuple, or one in the other direction that nothing translates, opened the entry.
    pub(super) fn was_opened_by(&self, tuple: Tuple) -> bool {
        self.orig == tuple || self.orig == tuple.reversed()
    }

    /// Whether the packet belongs to this entry. The kernel's filter does not compare an echo's identifier.
    pub(super) fn knows(&self, tuple: Tuple) -> bool {
        self.was_opened_by(tuple) || self.reply == tuple
    }
}

impl From<Entry> for NodeFact {
    fn from(entry: Entry) -> Self {
        let Entry { orig, reply, zone, status, timeout, tcp_state } = entry;
        let state = tcp_state.and_then(|state| TCP_STATES.get(usize::from(state))).map(|state| (*state).to_owned());
        Self::ConntrackEntry { orig, reply, zone, status, timeout, state }
    }
}

/// Asks for the entry that has the tuple in either direction, in the default zone.
pub(super) fn request(tuple: Tuple) -> Vec<u8> {
    [&header(tuple)[..], &encode(CTA_TUPLE_ORIG | NESTED, &encoded(tuple))].concat()
}

/// Asks for the entries with this original tuple, in all zones. The kernel filters them (`CTA_FILTER`, since 5.8).
pub(super) fn request_filtered(orig: Tuple) -> Vec<u8> {
    // For IPv6 the kernel omits the entries whose addresses are equal (`ctnetlink_filter_match_tuple`, seen on
    // 6.18.15). IPv6 addresses are therefore compared only by [`Entry::knows`].
    let mut flags = FILTER_PROTO_NUM | if orig.src.is_ipv4() { FILTER_IP_SRC | FILTER_IP_DST } else { 0 };
    if orig.proto.has_ports() {
        flags |= FILTER_SRC_PORT | FILTER_DST_PORT;
    }
    let filter = encode(CTA_FILTER_ORIG_FLAGS, &u32::to_ne_bytes(flags));
    [request(orig), encode(CTA_FILTER | NESTED, &filter)].concat()
}

/// Encodes `struct nfgenmsg`.
fn header(tuple: Tuple) -> [u8; NFGENMSG] {
    let family = if tuple.src.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    [u8::try_from(family).unwrap_or_default(), NFNETLINK_V0, 0, 0]
}

fn encoded(tuple: Tuple) -> Vec<u8> {
    let ip = match (tuple.src, tuple.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            [encode(CTA_IP_V4_SRC, &src.octets()), encode(CTA_IP_V4_DST, &dst.octets())]
        }
        (src, dst) => {
            let [src, dst] = [src, dst].map(|addr| match addr {
                IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
                IpAddr::V6(addr) => addr.octets(),
            });
            [encode(CTA_IP_V6_SRC, &src), encode(CTA_IP_V6_DST, &dst)]
        }
    };
    let mut proto = encode(CTA_PROTO_NUM, &[tuple.proto.0]);
    if tuple.proto.has_ports() {
        proto.extend(encode(CTA_PROTO_SRC_PORT, &tuple.sport.to_be_bytes()));
        proto.extend(encode(CTA_PROTO_DST_PORT, &tuple.dport.to_be_bytes()));
    }
    [encode(CTA_TUPLE_IP | NESTED, &ip.concat()), encode(CTA_TUPLE_PROTO | NESTED, &proto)].concat()
}

fn tuple(attrs: Attrs<'_>) -> Option<Tuple> {
    let (ip, proto) = (attrs.nested(CTA_TUPLE_IP), attrs.nested(CTA_TUPLE_PROTO));
    let addr = |v4, v6| bytes::ip(ip.get(v4).or_else(|| ip.get(v6))?);
    let number = Proto(proto.u8(CTA_PROTO_NUM)?);
    let (sport, dport) = if number.has_ports() {
        (proto.u16(CTA_PROTO_SRC_PORT)?, proto.u16(CTA_PROTO_DST_PORT)?)
    } else {
        let id = proto.u16(CTA_PROTO_ICMP_ID).or_else(|| proto.u16(CTA_PROTO_ICMPV6_ID)).unwrap_or(0);
        (id, id)
    };
    Some(Tuple {
        src: addr(CTA_IP_V4_SRC, CTA_IP_V6_SRC)?,
        dst: addr(CTA_IP_V4_DST, CTA_IP_V6_DST)?,
        sport,
        dport,
        proto: number,
    })
}

/// `enum tcp_conntrack` (include/uapi/linux/netfilter/nf_conntrack_tcp.h).
pub(super) const TCP_STATES: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];

/// From include/uapi/linux/netlink.h and netfilter/nfnetlink.h.
const NESTED: u16 = 0x8000;
const NFGENMSG: usize = 4;
const NFNETLINK_V0: u8 = 0;
pub(super) const NFNL_SUBSYS_CTNETLINK: u8 = 1;
/// From include/uapi/linux/netfilter/nfnetlink_conntrack.h.
pub(super) const IPCTNL_MSG_CT_GET: u8 = 1;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_PROTOINFO: u16 = 4;
const CTA_TIMEOUT: u16 = 7;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_TUPLE_ZONE: u16 = 3;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_SRC_PORT: u16 = 2;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_PROTO_ICMP_ID: u16 = 4;
const CTA_PROTO_ICMPV6_ID: u16 = 7;
const CTA_PROTOINFO_TCP: u16 = 1;
const CTA_PROTOINFO_TCP_STATE: u16 = 1;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
/// `CTA_FILTER_F_*` (net/netfilter/nf_internals.h), as the kernel accepts them from user space.
const FILTER_IP_SRC: u32 = 1 << 0;
const FILTER_IP_DST: u32 = 1 << 1;
const FILTER_PROTO_NUM: u32 = 1 << 3;
const FILTER_SRC_PORT: u32 = 1 << 4;
const FILTER_DST_PORT: u32 = 1 << 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(src: &str, dst: &str, proto: Proto) -> Tuple {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Tuple { src, dst, sport: 4000, dport: 443, proto }
    }

    /// Builds the kernel's answer, which begins like our own question.
    fn answer(orig: Tuple, reply: Tuple, more: &[Vec<u8>]) -> Vec<u8> {
        [request(orig), encode(CTA_TUPLE_REPLY | NESTED, &encoded(reply)), more.concat()].concat()
    }

    #[test]
    fn an_entry_is_decoded_with_zone_and_state() {
        for orig in [between("10.0.0.1", "10.0.0.2", Proto::TCP), between("fd00::1", "fd00::2", Proto::UDP)] {
            let plain = Entry::decode(&answer(orig, orig.reversed(), &[])).expect("an entry");
            assert_eq!((plain.zone, plain.status, plain.timeout, plain.tcp_state), (0, 0, None, None));
            let tcp = encode(CTA_PROTOINFO_TCP | NESTED, &encode(CTA_PROTOINFO_TCP_STATE, &[1]));
            let more = [
                encode(CTA_ZONE, &[0, 7]),
                encode(CTA_STATUS, &[0, 0, 1, 8]),
                encode(CTA_TIMEOUT, &[0, 0, 0, 119]),
                encode(CTA_PROTOINFO | NESTED, &tcp),
            ];
            let entry = Entry::decode(&answer(orig, orig.reversed(), &more)).expect("an entry");
            let expected = NodeFact::ConntrackEntry {
                orig,
                reply: orig.reversed(),
                zone: 7,
                status: 0x108,
                timeout: Some(119),
                state: Some("SYN_SENT".to_owned()),
            };
            assert_eq!(NodeFact::from(entry), expected);
        }
    }

    #[test]
    fn a_translated_reply_is_known() {
        let orig = between("10.0.0.1", "10.96.0.10", Proto::TCP);
        let reply = between("10.244.0.7", "10.0.0.1", Proto::TCP);
        let entry = Entry::decode(&answer(orig, reply, &[])).expect("an entry");
        assert!(entry.knows(reply) && !entry.was_opened_by(reply));
        assert!(entry.knows(orig) && entry.knows(orig.reversed()) && !entry.knows(reply.reversed()));
    }

    #[test]
    fn an_echo_is_recognized_by_its_identifier() {
        let ping = Tuple { dport: 4000, ..between("10.0.0.1", "10.0.0.2", Proto(1)) };
        let ip = [encode(CTA_IP_V4_SRC, &[10, 0, 0, 1]), encode(CTA_IP_V4_DST, &[10, 0, 0, 2])].concat();
        let proto = [encode(CTA_PROTO_NUM, &[1]), encode(CTA_PROTO_ICMP_ID, &4000u16.to_be_bytes())].concat();
        let orig = [encode(CTA_TUPLE_IP, &ip), encode(CTA_TUPLE_PROTO, &proto), encode(CTA_TUPLE_ZONE, &[0, 9])];
        let both = [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY].map(|kind| encode(kind | NESTED, &orig.concat()));
        let entry = Entry::decode(&[&[2, 0, 0, 0][..], &both.concat()].concat()).expect("an entry");
        assert_eq!(entry.zone, 9);
        assert!(entry.knows(ping) && !entry.knows(Tuple { sport: 1, dport: 1, ..ping }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..160) {
            let _ = Entry::decode(&bytes);
            let orig = between("10.0.0.1", "10.0.0.2", Proto::TCP);
            let whole = answer(orig, orig.reversed(), &[encode(CTA_ZONE, &[0, 7])]);
            let _ = Entry::decode(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
