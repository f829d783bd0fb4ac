//! Looks up which addresses are local (`RTM_GETADDR`).

use std::{io, net::IpAddr};

use netlink_packet_core::{Emitable as _, Parseable as _};
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressHeader, AddressMessage},
};

use super::{
    super::{attrs::Attrs, netlink::ask_route},
    link::Links,
};
use crate::model::{NodeFact, Tuple};

/// Returns the addresses of the calling thread's netns, with the ifindex of their devices.
pub(super) fn here() -> io::Result<Vec<(IpAddr, u32)>> {
    let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    Ok(ask_route(&question, true, local)?.into_iter().flatten().collect())
}

/// Reports which of a packet's addresses are local.
pub(super) fn facts(tuple: Tuple, addresses: &[(IpAddr, u32)], links: &Links) -> Vec<NodeFact> {
    let own = |addr: IpAddr| addresses.iter().find(move |(known, _)| *known == addr);
    let found = [tuple.dst, tuple.src].into_iter().filter_map(own);
    found.map(|(addr, index)| NodeFact::LocalAddress { addr: *addr, ifname: links.name(*index).to_owned() }).collect()
}

/// Decodes one address. On a point-to-point device, `IFA_ADDRESS` is the address of the other end.
fn local(answer: &[u8]) -> Option<(IpAddr, u32)> {
    let header = AddressHeader::parse(answer).ok()?;
    let (mut local, mut address) = (None, None);
    for attribute in Attrs(answer.get(header.buffer_len()..)?).decoded(AddressAttribute::parse) {
        match attribute {
            AddressAttribute::Local(addr) => local = Some(addr),
            AddressAttribute::Address(addr) => address = Some(addr),
            _ => {}
        }
    }
    Some((local.or(address)?, header.index))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::super::attrs::encode,
        super::link::{Link, Links},
        *,
    };
    use crate::model::Proto;

    const IFA_ADDRESS: u16 = libc::IFA_ADDRESS;
    const IFA_LOCAL: u16 = libc::IFA_LOCAL;

    fn answer(index: u32, attrs: &[Vec<u8>]) -> Vec<u8> {
        [&[2, 24, 0, 0], &index.to_ne_bytes()[..], &attrs.concat()].concat()
    }

    #[test]
    fn the_own_end_of_a_point_to_point_device() {
        let bytes = answer(3, &[encode(IFA_ADDRESS, &[10, 0, 0, 2]), encode(IFA_LOCAL, &[10, 0, 0, 1])]);
        assert_eq!(local(&bytes), Some((IpAddr::from([10, 0, 0, 1]), 3)));
        let v6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(local(&answer(3, &[encode(IFA_ADDRESS, &v6)])), Some((IpAddr::from(v6), 3)));
        assert_eq!(local(&answer(3, &[encode(IFA_ADDRESS, &[10, 0])])), None);
    }

    #[test]
    fn only_what_is_local_is_told() {
        let [src, dst] = ["10.0.0.1", "10.0.0.5"].map(|text| text.parse::<IpAddr>().expect(text));
        let tuple = Tuple { src, dst, sport: 1, dport: 2, proto: Proto::TCP };
        let links = Links::of(&[Link { index: 3, name: "eth0".to_owned(), ..Link::default() }]);
        let told = NodeFact::LocalAddress { addr: dst, ifname: "eth0".to_owned() };
        assert_eq!(facts(tuple, &[(dst, 3)], &links), [told]);
        assert_eq!(facts(tuple, &[], &links), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = local(&bytes);
        }
    }
}
