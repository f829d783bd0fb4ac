//! Looks up how full conntrack's table is, and which zones know a tuple (`IPCTNL_MSG_CT_GET`; `ctnetlink_dump_table`,
//! net/netfilter/nf_conntrack_netlink.c). Entries are decoded here, because netlink-packet-route knows only rtnetlink.

use std::{io, net::IpAddr};

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::{
    super::{
        attrs::{Attrs, encode},
        bytes,
        loaded::{CTNETLINK, is_loaded},
        netlink::{Question, ask},
    },
    sysctl,
};
use crate::model::{NodeFact, Proto, Tuple};

/// Reports the number of entries of the netns, and the limit, which is the same for all; `None` without conntrack.
pub(super) fn table() -> Option<NodeFact> {
    let [count, max] = ["nf_conntrack_count", "nf_conntrack_max"].map(|name| sysctl::number(&["netfilter", name]));
    Some(NodeFact::ConntrackTable { count: count?, max: max? })
}

/// Reports the zones of the entries that such a packet opened, or that it would be a reply to if nothing translates it.
/// `None` if there is no entry, if the table is too large, or if asking would load a module.
pub(super) fn zones(tuple: Tuple) -> Option<NodeFact> {
    let NodeFact::ConntrackTable { count, .. } = table()? else { return None };
    // The kernel walks the whole table to answer.
    if count > ENTRIES_AT_MOST || !is_loaded(&CTNETLINK) {
        return None;
    }
    let mut zones = Vec::new();
    for orig in [tuple, tuple.reversed()] {
        zones.extend(ask_for(orig).unwrap_or_default());
    }
    zones.sort_unstable();
    zones.dedup();
    (!zones.is_empty()).then_some(NodeFact::ConntrackZones { zones })
}

const ENTRIES_AT_MOST: u64 = 262_144;

/// Returns the zones of the entries with this original tuple. The kernel filters them (`CTA_FILTER`, since 5.8).
fn ask_for(orig: Tuple) -> io::Result<Vec<u16>> {
    let body = request(orig);
    let kind = u16::from_be_bytes([NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET]);
    let question = Question { protocol: NETLINK_NETFILTER, kind, dump: true, body: &body };
    Ok(ask(&question, |answer| zone_of(answer, orig))?.into_iter().flatten().collect())
}

fn request(orig: Tuple) -> Vec<u8> {
    let (family, ip) = match (orig.src, orig.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            (libc::AF_INET, [encode(CTA_IP_V4_SRC, &src.octets()), encode(CTA_IP_V4_DST, &dst.octets())])
        }
        (src, dst) => {
            let [src, dst] = [src, dst].map(|addr| match addr {
                IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
                IpAddr::V6(addr) => addr.octets(),
            });
            (libc::AF_INET6, [encode(CTA_IP_V6_SRC, &src), encode(CTA_IP_V6_DST, &dst)])
        }
    };
    let mut proto = encode(CTA_PROTO_NUM, &[orig.proto.0]);
    // For IPv6 the kernel omits the entries whose addresses are equal (`ctnetlink_filter_match_tuple`, seen on
    // 6.18.15). IPv6 addresses are therefore compared only here.
    let mut flags = FILTER_PROTO_NUM | if orig.src.is_ipv4() { FILTER_IP_SRC | FILTER_IP_DST } else { 0 };
    if orig.proto.has_ports() {
        proto.extend(encode(CTA_PROTO_SRC_PORT, &orig.sport.to_be_bytes()));
        proto.extend(encode(CTA_PROTO_DST_PORT, &orig.dport.to_be_bytes()));
        flags |= FILTER_SRC_PORT | FILTER_DST_PORT;
    }
    let tuple = [encode(CTA_TUPLE_IP | NESTED, &ip.concat()), encode(CTA_TUPLE_PROTO | NESTED, &proto)].concat();
    let filter = encode(CTA_FILTER_ORIG_FLAGS, &u32::to_ne_bytes(flags));
    let header = [u8::try_from(family).unwrap_or_default(), NFNETLINK_V0, 0, 0];
    [&header[..], &encode(CTA_TUPLE_ORIG | NESTED, &tuple), &encode(CTA_FILTER | NESTED, &filter)].concat()
}

/// Returns the zone of an entry if it has this tuple. The kernel's filter does not compare an echo's identifier.
fn zone_of(answer: &[u8], orig: Tuple) -> Option<u16> {
    let attrs = Attrs(answer.get(NFGENMSG..)?);
    let tuple = attrs.nested(CTA_TUPLE_ORIG);
    let (ip, proto) = (tuple.nested(CTA_TUPLE_IP), tuple.nested(CTA_TUPLE_PROTO));
    let addr = |v4, v6| bytes::ip(ip.get(v4).or_else(|| ip.get(v6))?);
    let found_proto = Proto(proto.u8(CTA_PROTO_NUM)?);
    let (sport, dport) = if found_proto.has_ports() {
        (proto.u16(CTA_PROTO_SRC_PORT)?, proto.u16(CTA_PROTO_DST_PORT)?)
    } else {
        let id = proto.u16(CTA_PROTO_ICMP_ID).or_else(|| proto.u16(CTA_PROTO_ICMPV6_ID)).unwrap_or(0);
        (id, id)
    };
    let found = Tuple {
        src: addr(CTA_IP_V4_SRC, CTA_IP_V6_SRC)?,
        dst: addr(CTA_IP_V4_DST, CTA_IP_V6_DST)?,
        sport,
        dport,
        proto: found_proto,
    };
    // The kernel sends the zone of one direction with its tuple (`ctnetlink_dump_zone_id`), and omits the default zone.
    (found == orig).then(|| attrs.u16(CTA_ZONE).or_else(|| tuple.u16(CTA_TUPLE_ZONE)).unwrap_or(0))
}

/// From include/uapi/linux/netlink.h and netfilter/nfnetlink.h.
const NESTED: u16 = 0x8000;
const NFGENMSG: usize = 4;
const NFNETLINK_V0: u8 = 0;
const NFNL_SUBSYS_CTNETLINK: u8 = 1;
/// From include/uapi/linux/netfilter/nfnetlink_conntrack.h.
const IPCTNL_MSG_CT_GET: u8 = 1;
const CTA_TUPLE_ORIG: u16 = 1;
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

    fn tuple(src: &str, dst: &str, proto: Proto) -> Tuple {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Tuple { src, dst, sport: 4000, dport: 443, proto }
    }

    /// Builds the kernel's answer, which begins like our own question.
    fn answer(orig: Tuple, more: &[Vec<u8>]) -> Vec<u8> {
        [request(orig), more.concat()].concat()
    }

    #[test]
    fn an_entry_tells_its_zone() {
        for orig in [tuple("10.0.0.1", "10.0.0.2", Proto::TCP), tuple("fd00::1", "fd00::2", Proto::UDP)] {
            assert_eq!(zone_of(&answer(orig, &[]), orig), Some(0));
            assert_eq!(zone_of(&answer(orig, &[encode(CTA_ZONE, &[0, 7])]), orig), Some(7));
            assert_eq!(zone_of(&answer(orig, &[]), orig.reversed()), None);
        }
    }

    #[test]
    fn an_echo_is_told_by_its_identifier() {
        let ping = Tuple { dport: 4000, ..tuple("10.0.0.1", "10.0.0.2", Proto(1)) };
        let ip = [encode(CTA_IP_V4_SRC, &[10, 0, 0, 1]), encode(CTA_IP_V4_DST, &[10, 0, 0, 2])].concat();
        let proto = [encode(CTA_PROTO_NUM, &[1]), encode(CTA_PROTO_ICMP_ID, &4000u16.to_be_bytes())].concat();
        let orig = [encode(CTA_TUPLE_IP, &ip), encode(CTA_TUPLE_PROTO, &proto), encode(CTA_TUPLE_ZONE, &[0, 9])];
        let bytes = [&[2, 0, 0, 0][..], &encode(CTA_TUPLE_ORIG | NESTED, &orig.concat())].concat();
        assert_eq!(zone_of(&bytes, ping), Some(9));
        assert_eq!(zone_of(&bytes, Tuple { sport: 1, dport: 1, ..ping }), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..120) {
            let orig = tuple("10.0.0.1", "10.0.0.2", Proto::TCP);
            let _ = zone_of(&bytes, orig);
            let whole = answer(orig, &[encode(CTA_ZONE, &[0, 7])]);
            let _ = zone_of(whole.get(..cut).unwrap_or(&whole), orig);
        }
    }
}
