use std::cell::RefCell;

use super::*;
use crate::model::{Drop, Proto, Tuple};

/// A node with one route by mark and one WireGuard device. It records its questions.
#[derive(Default)]
struct Fake {
    asked: RefCell<Vec<Asked>>,
    devices: RefCell<Vec<String>>,
    refuses_sources: bool,
    fails: bool,
}

const NETNS: u32 = 4_026_531_840;

impl Node for Fake {
    fn route(&self, netns: u32, asked: &Asked) -> Option<Result<SelectedRoute, String>> {
        self.asked.borrow_mut().push(*asked);
        if self.fails || (self.refuses_sources && asked.src.is_some()) {
            return Some(Err("there is no route".to_owned()));
        }
        let rule = (asked.mark == 0x40).then(|| "32500: fwmark 0x40/0x60 lookup 180".to_owned());
        let found = SelectedRoute {
            table: 180,
            oif: 3,
            device: "kubespan".to_owned(),
            gateway: None,
            prefix_len: Some(0),
            rule,
        };
        (netns == NETNS).then_some(Ok(found))
    }

    fn allowed_ips(&self, _: u32, ifname: &str) -> Option<Result<Vec<AllowedIps>, String>> {
        self.devices.borrow_mut().push(ifname.to_owned());
        Some(if self.fails { Err("no permission".to_owned()) } else { Ok(vec![peer()]) })
    }
}

impl Witness for Fake {
    fn facts(&self, _: u32, _: &Site, _: &[Question], _: Option<&Snapshot>) -> Option<Result<Vec<NodeFact>, String>> {
        None
    }

    fn snapshot(&self, _: u32) -> Option<Result<Snapshot, String>> {
        None
    }
}

fn peer() -> AllowedIps {
    AllowedIps { public_key: "AQ==".to_owned(), endpoint: None, prefixes: vec!["10.0.0.0/24".to_owned()] }
}

fn tuple(dst: &str) -> Tuple {
    let dst: std::net::IpAddr = dst.parse().expect(dst);
    let src = if dst.is_ipv4() { "198.51.100.10" } else { "2001:db8:a::10" };
    Tuple { src: src.parse().expect(src), dst, sport: 4000, dport: 443, proto: Proto::TCP }
}

fn step(dst: &str) -> Step {
    Step {
        hook: "ip_route_me_harder".into(),
        ifname: "wg0".into(),
        ifindex: std::num::NonZeroU32::new(3),
        netns: NETNS,
        mark: 0x40,
        tuple: tuple(dst),
        ..Step::sample()
    }
}

fn routed(dst: &str, mark: u32, to: &str) -> Step {
    let route = Route { mark, from: "eth0".to_owned(), to: to.to_owned(), rule: None, table: None };
    Step { route: Some(Box::new(route)), ..step(dst) }
}

fn completed(lookups: &mut Lookups, node: &Fake, step: Step) -> Route {
    let mut lines = vec![Record::Step(step)];
    lookups.complete(&mut lines, node);
    match lines.as_slice() {
        [Record::Step(Step { route: Some(route), .. })] => Route::clone(route),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_route_gets_its_rule_and_is_asked_for_once() {
    for dst in ["192.0.2.1", "2001:db8::1"] {
        let (mut lookups, node) = (Lookups::default(), Fake::default());
        for _ in 0..2 {
            let route = completed(&mut lookups, &node, routed(dst, 0x40, ""));
            assert_eq!(route.rule.as_deref(), Some("32500: fwmark 0x40/0x60 lookup 180"));
            assert_eq!((route.table, route.to.as_str()), (Some(180), "kubespan"));
        }
        let asked = Asked { src: Some(tuple(dst).src), mark: 0x40, ..Asked::to(tuple(dst).dst) };
        assert_eq!(*node.asked.borrow(), [asked]);
    }
}

#[test]
fn a_packet_in_a_tunnel_is_routed_by_its_outer_addresses() {
    let (mut lookups, node) = (Lookups::default(), Fake::default());
    let inner = routed("10.0.0.1", 0x40, "");
    completed(&mut lookups, &node, Step { outer: Some(tuple("192.0.2.20")), ..inner });
    assert_eq!(node.asked.borrow()[0].dst, tuple("192.0.2.20").dst);
}

#[test]
fn what_disagrees_with_what_was_seen_is_not_claimed() {
    let (mut lookups, node) = (Lookups::default(), Fake::default());
    let seen = completed(&mut lookups, &node, routed("192.0.2.1", 0x40, "eth1"));
    assert_eq!((seen.rule, seen.table, seen.to.as_str()), (None, None, "eth1"));
    let unsure = completed(&mut lookups, &node, routed("192.0.2.1", 0x20, ""));
    assert_eq!((unsure.rule, unsure.table, unsure.to.as_str()), (None, None, ""));
}

#[test]
fn a_foreign_source_is_left_out_when_the_kernel_refuses_it() {
    let (mut lookups, node) = (Lookups::default(), Fake { refuses_sources: true, ..Fake::default() });
    let route = completed(&mut lookups, &node, routed("192.0.2.1", 0x40, "kubespan"));
    assert_eq!(route.table, Some(180));
    assert_eq!(lookups.problems(), [""; 0]);
}

#[test]
fn what_fails_is_said_once_and_there_is_an_end_to_it() {
    let (mut lookups, node) = (Lookups::default(), Fake { fails: true, ..Fake::default() });
    for _ in 0..2 {
        completed(&mut lookups, &node, routed("192.0.2.1", 0x40, ""));
    }
    assert_eq!(lookups.problems(), ["there is no route"]);

    let (mut lookups, node) = (Lookups::default(), Fake::default());
    for mark in 0..u32::try_from(ROUTES_AT_MOST).unwrap_or(u32::MAX) + 10 {
        completed(&mut lookups, &node, routed("192.0.2.1", mark, ""));
    }
    assert_eq!(node.asked.borrow().len(), ROUTES_AT_MOST);
    assert_eq!(lookups.problems().len(), 1);
}

fn device(kind: &str) -> Device {
    Device { netns: NETNS, ifindex: 3, ifname: "wg0".to_owned(), kind: kind.to_owned(), mtu: 1420, allowed_ips: None }
}

fn dropped(location: &str) -> Record {
    let drop = Drop { reason: "NOT_SPECIFIED".into(), location: location.into() };
    Record::Drop(Step { hook: "kfree_skb".into(), drop: Some(drop), ..step("10.0.0.1") })
}

fn reported_again(lookups: &mut Lookups, node: &Fake, mut lines: Vec<Record>) -> Option<Device> {
    let before = lines.len();
    lookups.complete(&mut lines, node);
    match lines.get(before..) {
        Some([]) => None,
        Some([Record::Device(device)]) => Some(device.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusing_wireguard_device_tells_its_allowed_ips_once() {
    let (mut lookups, node) = (Lookups::default(), Fake::default());
    let reported =
        reported_again(&mut lookups, &node, vec![Record::Device(device("wireguard")), dropped("wg_xmit+0x4a")]);
    assert_eq!(reported, Some(Device { allowed_ips: Some(vec![peer()]), ..device("wireguard") }));
    assert_eq!(reported_again(&mut lookups, &node, vec![dropped("wg_xmit+0x4a")]), None);
    assert_eq!(*node.devices.borrow(), ["wg0"]);
}

#[test]
fn other_drops_and_other_devices_ask_for_nothing() {
    let (mut lookups, node) = (Lookups::default(), Fake::default());
    for lines in [
        vec![dropped("wg_xmit+0x4a")],
        vec![Record::Device(device("veth")), dropped("wg_xmit+0x4a")],
        vec![Record::Device(device("wireguard")), dropped("nf_hook_slow+0x1a")],
        vec![Record::Step(step("10.0.0.1"))],
    ] {
        assert_eq!(reported_again(&mut lookups, &node, lines), None);
    }
    assert!(node.devices.borrow().is_empty());
}
