//! Looks up the neighbour entry of the next hop (`RTM_GETNEIGH`; `neigh_get`, net/core/neighbour.c).

use std::{io, net::IpAddr};

use netlink_sys::protocols::NETLINK_ROUTE;

use super::{
    super::{
        attrs::encode,
        bytes,
        netlink::{Question, ask},
    },
    DropSite,
    link::Links,
};
use crate::model::{NodeFact, RouteAnswer};

/// Reports the entry of the next hop of the route to the destination. Without such a route, reports the entry of the
/// destination on the drop's device. `None` if the packet needs no neighbour or the kernel cannot be asked.
pub(super) fn fact(place: &DropSite, routes: &[RouteAnswer], links: &Links) -> Option<NodeFact> {
    let dst = place.tuple.dst;
    let route = routes.iter().find(|route| route.to == Some(dst) && route.error.is_none());
    if route.is_some_and(|route| route.kind.as_deref().is_some_and(|kind| kind != "unicast")) || dst.is_multicast() {
        return None;
    }
    let addr = route.and_then(|route| route.gateway).unwrap_or(dst);
    let by_route = route.and_then(|route| route.device.as_deref());
    let ifindex = by_route.and_then(|name| links.index(name)).unwrap_or(place.ifindex);
    let ifname = Some(links.name(ifindex)).filter(|name| !name.is_empty())?.to_owned();
    let state = match ask_for(addr, ifindex) {
        Ok(state) => state,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => 0,
        Err(_) => return None,
    };
    Some(NodeFact::Neighbour { addr, ifname, state: name(state) })
}

fn ask_for(addr: IpAddr, ifindex: u32) -> io::Result<u16> {
    let question = Question { protocol: NETLINK_ROUTE, kind: RTM_GETNEIGH, dump: false, body: &request(addr, ifindex) };
    let answers = ask(&question, |answer| bytes::u16_at(answer, STATE_AT))?;
    answers.into_iter().flatten().next().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Encodes a `struct ndmsg` (include/uapi/linux/neighbour.h): family, padding, ifindex, state, flags, type. The address
/// follows.
fn request(addr: IpAddr, ifindex: u32) -> Vec<u8> {
    let (family, addr) = match addr {
        IpAddr::V4(addr) => (AF_INET, addr.octets().to_vec()),
        IpAddr::V6(addr) => (AF_INET6, addr.octets().to_vec()),
    };
    [&[family, 0, 0, 0], &ifindex.to_ne_bytes()[..], &[0; 4], &encode(NDA_DST, &addr)].concat()
}

/// Returns the name of the bit that is set, or `NONE`.
fn name(state: u16) -> String {
    NAMES.iter().find(|(bit, _)| state & bit != 0).map_or("NONE", |(_, name)| name).to_owned()
}

/// `NUD_*` (include/uapi/linux/neighbour.h).
const NAMES: &[(u16, &str)] = &[
    (0x01, "INCOMPLETE"),
    (0x02, "REACHABLE"),
    (0x04, "STALE"),
    (0x08, "DELAY"),
    (0x10, "PROBE"),
    (0x20, "FAILED"),
    (0x40, "NOARP"),
    (0x80, "PERMANENT"),
];
const STATE_AT: usize = 8;
const NDA_DST: u16 = 1;
/// From include/uapi/linux/rtnetlink.h.
const RTM_GETNEIGH: u16 = 30;
/// From include/linux/socket.h.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

#[cfg(test)]
mod tests {
    use super::{super::link::Link, *};
    use crate::model::{Proto, Tuple};

    #[test]
    fn states_by_name() {
        assert_eq!([0, 1, 0x20, 0x80].map(name), ["NONE", "INCOMPLETE", "FAILED", "PERMANENT"]);
    }

    #[test]
    fn the_question_is_an_ndmsg_and_an_address() {
        let bytes = request(IpAddr::from([10, 0, 0, 1]), 3);
        assert_eq!((bytes.len(), bytes[0], bytes[4]), (12 + 8, AF_INET, 3));
        assert_eq!(request(IpAddr::from([0; 16]), 3).len(), 12 + 20);
    }

    #[test]
    fn what_needs_no_neighbour_has_none() {
        let [src, dst] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().expect(text));
        let tuple = Tuple { src, dst, sport: 1, dport: 2, proto: Proto::UDP };
        let place = DropSite { tuple, ifindex: 99, iif: None, mark: 0 };
        let links = Links::of(&[Link { index: 99, name: "eth0".to_owned(), ..Link::default() }]);
        let local = RouteAnswer { to: Some(dst), kind: Some("local".to_owned()), ..RouteAnswer::default() };
        assert_eq!(fact(&place, &[local], &links), None);
        assert_eq!(fact(&DropSite { ifindex: 0, ..place }, &[], &links), None);
    }
}
