//! Looks up the neighbour entry of the next hop (`RTM_GETNEIGH`; `neigh_get`, net/core/neighbour.c).

use std::{io, net::IpAddr};

use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{NeighbourAttribute, NeighbourHeader, NeighbourMessage, NeighbourState},
};

use super::{super::netlink::ask_route, Site, link::Links};
use crate::model::{NodeFact, RouteAnswer};

/// Reports the entry of the next hop of the route to the destination. Without such a route, reports the entry of the
/// destination on the drop's device. `None` if the packet needs no neighbour or the kernel cannot be asked.
pub(super) fn fact(place: &Site, routes: &[RouteAnswer], links: &Links) -> Option<NodeFact> {
    let dst = place.tuple.dst;
    let route = routes.iter().find(|route| route.to == Some(dst) && route.error.is_none());
    if route.is_some_and(|route| route.kind.as_deref().is_some_and(|kind| kind != "unicast")) || dst.is_multicast() {
        return None;
    }
    let addr = route.and_then(|route| route.gateway).unwrap_or(dst);
    let by_route = route.and_then(|route| route.device.as_deref());
    let ifindex = by_route.and_then(|name| links.index(name)).or(place.ifindex)?;
    let ifname = Some(links.name(ifindex)).filter(|name| !name.is_empty())?.to_owned();
    let state = match ask_for(addr, ifindex) {
        Ok(state) => state,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => NeighbourState::None,
        Err(_) => return None,
    };
    Some(NodeFact::Neighbour { addr, ifname, state: name(state) })
}

fn ask_for(addr: IpAddr, ifindex: u32) -> io::Result<NeighbourState> {
    let answers = ask_route(&question(addr, ifindex), false, NeighbourHeader::parse)?;
    answers.into_iter().flatten().next().map(|header| header.state).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn question(addr: IpAddr, ifindex: u32) -> RouteNetlinkMessage {
    let family = if addr.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let mut message = NeighbourMessage::default();
    message.header = NeighbourHeader { family, ifindex, ..NeighbourHeader::default() };
    message.attributes = vec![NeighbourAttribute::Destination(addr.into())];
    RouteNetlinkMessage::GetNeighbour(message)
}

/// Returns the name of the lowest bit that is set, as `ip neighbour` writes it, or `NONE`.
fn name(state: NeighbourState) -> String {
    let bits = u16::from(state);
    let lowest = NeighbourState::from(bits & bits.wrapping_neg());
    match lowest {
        NeighbourState::Other(_) => NeighbourState::None,
        known => known,
    }
    .to_string()
    .to_uppercase()
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable as _;

    use super::{
        super::{super::attrs::encode, link::Link},
        *,
    };
    use crate::model::{Proto, Tuple};

    #[test]
    fn states_by_name() {
        let names = [0, 1, 0x20, 0x80, 0x42, 0x100].map(|bits: u16| name(bits.into()));
        assert_eq!(names, ["NONE", "INCOMPLETE", "FAILED", "PERMANENT", "REACHABLE", "NONE"]);
    }

    #[test]
    fn the_question_is_an_ndmsg_and_an_address() {
        let body = |addr: IpAddr| {
            let question = question(addr, 3);
            let mut bytes = vec![0; question.buffer_len()];
            question.emit(&mut bytes);
            assert_eq!(question.message_type(), 30);
            bytes
        };
        let header = |family: u8| [&[family, 0, 0, 0], &3u32.to_ne_bytes()[..], &[0; 4]].concat();
        assert_eq!(body([10, 0, 0, 1].into()), [header(2), encode(1, &[10, 0, 0, 1])].concat());
        assert_eq!(body([7; 16].into()), [header(10), encode(1, &[7; 16])].concat());
    }

    #[test]
    fn what_needs_no_neighbour_has_none() {
        let [src, dst] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().expect(text));
        let tuple = Tuple { src, dst, sport: 1, dport: 2, proto: Proto::UDP };
        let place = Site { tuple, ifindex: Some(99), iif: None, mark: 0 };
        let links = Links::of(&[Link { index: 99, name: "eth0".to_owned(), ..Link::default() }]);
        let local = RouteAnswer { to: Some(dst), kind: Some("local".to_owned()), ..RouteAnswer::default() };
        assert_eq!(fact(&place, &[local], &links), None);
        assert_eq!(fact(&Site { ifindex: None, ..place }, &[], &links), None);
    }
}
