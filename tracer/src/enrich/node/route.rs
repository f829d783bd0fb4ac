//! Asks how the kernel would route the packet, and how it would route an answer to the packet's source.

use std::net::IpAddr;

use super::{Site, link::Links, sysctl};
use crate::{
    enrich::routes::{Asked, answer},
    model::{Proto, RouteAnswer},
};

/// Asks how the kernel would route the packet. For a packet that came in, also asks for the route back to its source,
/// by which reverse-path filters judge. If the kernel refuses such a packet, or may not be asked about it, the
/// destination alone is asked for as well.
pub(super) fn answers(place: &Site, local: &[(IpAddr, u32)], links: &Links) -> Vec<RouteAnswer> {
    let name = |ifindex| links.name(ifindex).to_owned();
    let tuple = place.tuple;
    let to_destination = Asked { mark: place.mark, ..Asked::to(tuple.dst) };
    // With a device, the kernel would start to resolve a multicast route (`ipmr_get_route`, `ip6mr_get_route`).
    let iif = place.iif.filter(|_| !tuple.dst.is_multicast());
    let Some(iif) = iif.filter(|iif| links.get(*iif).is_some_and(|link| !link.is_loopback())) else {
        // The kernel refuses a question about a packet that this host sends if the source is not an address of this
        // host.
        let src = Some(tuple.src).filter(|src| local.iter().any(|(known, _)| known == src));
        return vec![answer(&with_ports(Asked { src, ..to_destination }, place), name)];
    };
    let mut answers = Vec::new();
    // With `log_martians`, the kernel would log the question like a martian packet.
    if !logs_martians(place, links.name(iif)) {
        let asked = Asked { src: Some(tuple.src), iif: Some(iif), ..to_destination };
        answers.push(answer(&with_ports(asked, place), name));
    }
    if answers.iter().all(|answer| answer.error.is_some()) {
        answers.push(answer(&with_ports(to_destination, place), name));
    }
    if !tuple.src.is_unspecified() && !tuple.src.is_multicast() {
        let mark = if by_mark(place, links.name(iif)) { place.mark } else { 0 };
        answers.push(answer(&Asked { mark, ..Asked::to(tuple.src) }, name));
    }
    answers
}

/// Adds protocol and ports. The kernel accepts ports with TCP and UDP only, and no other protocol except ICMP
/// (`rtm_getroute_parse_ip_proto`, net/ipv4/ip_output.c and others).
fn with_ports(asked: Asked, place: &Site) -> Asked {
    let tuple = place.tuple;
    match tuple.proto {
        Proto::TCP | Proto::UDP => {
            Asked { proto: Some(tuple.proto.0), sport: Some(tuple.sport), dport: Some(tuple.dport), ..asked }
        }
        Proto(ICMP) if tuple.dst.is_ipv4() => Asked { proto: Some(ICMP), ..asked },
        Proto(ICMP6) if tuple.dst.is_ipv6() => Asked { proto: Some(ICMP6), ..asked },
        _ => asked,
    }
}

/// Evaluates `IN_DEV_LOG_MARTIANS` (include/linux/inetdevice.h).
fn logs_martians(place: &Site, ifname: &str) -> bool {
    place.tuple.dst.is_ipv4() && either("log_martians", ifname)
}

/// Evaluates `IN_DEV_SRC_VMARK`: whether the packet's mark counts for the route back.
fn by_mark(place: &Site, ifname: &str) -> bool {
    place.tuple.dst.is_ipv4() && either("src_valid_mark", ifname)
}

fn either(setting: &str, ifname: &str) -> bool {
    ["all", ifname].iter().any(|device| sysctl::number(&["ipv4", "conf", device, setting]).is_some_and(|on| on != 0))
}

/// `IPPROTO_ICMP`, `IPPROTO_ICMPV6`.
const ICMP: u8 = 1;
const ICMP6: u8 = 58;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tuple;

    fn place(src: &str, dst: &str, proto: Proto) -> Site {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Site { tuple: Tuple { src, dst, sport: 4000, dport: 80, proto }, ifindex: Some(2), iif: None, mark: 0 }
    }

    #[test]
    fn only_what_the_kernel_takes_is_asked() {
        let asked = |place: Site| with_ports(Asked::to(place.tuple.dst), &place);
        let tcp = asked(place("10.0.0.1", "10.0.0.2", Proto::TCP));
        assert_eq!((tcp.proto, tcp.sport, tcp.dport), (Some(6), Some(4000), Some(80)));
        let ping = asked(place("fd00::1", "fd00::2", Proto(ICMP6)));
        assert_eq!((ping.proto, ping.dport), (Some(ICMP6), None));
        assert_eq!(asked(place("10.0.0.1", "10.0.0.2", Proto(132))).proto, None);
    }

    #[test]
    fn a_packet_that_this_host_sends_has_no_way_back() {
        let links = Links::here().expect("links can be dumped");
        let answers = answers(&place("10.0.0.1", "127.0.0.1", Proto::UDP), &[], &links);
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].kind.as_deref(), answers[0].from), (Some("local"), None));
    }
}
