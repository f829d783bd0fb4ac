use std::cell::RefCell;

use super::*;
use crate::model::TcpFlags;

/// A node that records its questions and answers with their number.
#[derive(Default)]
struct Fake {
    asked: RefCell<Vec<(Site, bool)>>,
    snapshots: RefCell<u32>,
    fails: bool,
}

const NETNS: u32 = 4_026_531_840;

impl Witness for Fake {
    fn facts(
        &self,
        netns: u32,
        place: &Site,
        asked: &[Question],
        before: Option<&Snapshot>,
    ) -> Option<Result<Vec<NodeFact>, String>> {
        assert!(!asked.is_empty());
        let mut places = self.asked.borrow_mut();
        places.push((*place, before.is_some()));
        if self.fails {
            return Some(Err("cannot enter it".to_owned()));
        }
        let number = NodeFact::Sysctl { name: "asked".to_owned(), value: places.len().to_string() };
        let entry = asked.contains(&Question::ConntrackEntries).then_some(NodeFact::NoConntrackEntry);
        (netns == NETNS).then(|| Ok([number].into_iter().chain(entry).collect()))
    }

    fn snapshot(&self, _: u32) -> Option<Result<Snapshot, String>> {
        *self.snapshots.borrow_mut() += 1;
        Some(Ok(Snapshot::default()))
    }
}

fn step(packet: u64, hook: &str, sport: u16, dport: u16) -> Step {
    let [src, dst] = ["10.0.0.1", "10.0.0.5"].map(|text| text.parse().expect(text));
    Step {
        packet,
        hook: hook.into(),
        netns: NETNS,
        mark: 0x40,
        tuple: Tuple { src, dst, sport, dport, proto: Proto::TCP },
        tcp_flags: Some(TcpFlags(2)),
        ..Step::sample()
    }
}

fn dropped(packet: u64, location: &str, sport: u16, dport: u16) -> Step {
    let drop = Drop { reason: "NOT_SPECIFIED".into(), location: location.into() };
    Step { drop: Some(drop), ..step(packet, "kfree_skb", sport, dport) }
}

fn completed(evidence: &mut Evidence, fake: &Fake, mut step: Step) -> Vec<NodeFact> {
    evidence.complete(&mut step, "", fake);
    step.node
}

#[test]
fn a_place_is_asked_about_once_and_all_its_drops_get_the_answer() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    let first = completed(&mut evidence, &fake, dropped(1, "ip_forward+0x1", 4000, 443));
    assert_eq!(first.len(), 1);
    assert_eq!(completed(&mut evidence, &fake, dropped(2, "ip_forward+0x1", 4001, 443)), first);
    assert_ne!(completed(&mut evidence, &fake, dropped(3, "ip_forward+0x1", 4001, 80)), first);
    assert_ne!(completed(&mut evidence, &fake, dropped(4, "ip_forward+0x2", 4001, 443)), first);
    assert_eq!((fake.asked.borrow().len(), *fake.snapshots.borrow()), (3, 1));
    assert!(fake.asked.borrow().iter().all(|(_, before)| *before));
}

#[test]
fn a_connection_has_a_socket_of_its_own() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    for (packet, flags) in [(1, 0x02), (2, 0x02), (3, 0x10), (4, 0x10)] {
        let port = 4000 + u16::try_from(packet).expect("a small number");
        let drop = dropped(packet, "tcp_v4_rcv+0x1", port, 443);
        completed(&mut evidence, &fake, Step { tcp_flags: Some(TcpFlags(flags)), ..drop });
    }
    assert_eq!(fake.asked.borrow().len(), 3);
}

#[test]
fn a_packet_came_in_where_it_was_seen_to() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    for step in [
        Step { ifindex: std::num::NonZeroU32::new(7), ..step(1, "ip_forward", 4000, 443) },
        dropped(1, "neigh_probe+0x1", 4000, 443),
        Step { ifindex: std::num::NonZeroU32::new(7), ..step(2, "netif_receive_skb", 4000, 443) },
        dropped(2, "ip_rcv_finish_core+0x1", 4000, 443),
        dropped(3, "ip_finish_output2+0x1", 4000, 443),
        Step { ifindex: std::num::NonZeroU32::new(7), ..step(4, "ip_forward", 4000, 443) },
        step(4, "__ip_local_out", 4000, 443),
        dropped(4, "__dev_queue_xmit+0x1", 4000, 443),
    ] {
        completed(&mut evidence, &fake, step);
    }
    let iifs: Vec<_> = fake.asked.borrow().iter().map(|(place, _)| place.iif).collect();
    assert_eq!(iifs, [Some(7), Some(2), None, None]);
    assert!(evidence.entered.is_empty());
}

#[test]
fn there_is_an_end_to_it_and_what_was_not_asked_is_said() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    for dport in 0..u16::try_from(LOOK_UPS_AT_MOST).expect("a port") + 3 {
        completed(&mut evidence, &fake, dropped(1, "ip_forward+0x1", 4000, dport));
    }
    assert_eq!(fake.asked.borrow().len(), LOOK_UPS_AT_MOST);
    let problems = evidence.problems();
    assert!(matches!(&problems[..], [one] if one.starts_with("3 drops have no evidence")), "{problems:?}");
    assert_eq!(evidence.problems(), [""; 0]);
}

#[test]
fn what_fails_is_said_and_not_tried_again() {
    let (mut evidence, fake) = (Evidence::default(), Fake { fails: true, ..Fake::default() });
    for packet in 1..4 {
        assert_eq!(completed(&mut evidence, &fake, dropped(packet, "ip_forward+0x1", 4000, 443)), []);
    }
    assert_eq!((evidence.problems(), fake.asked.borrow().len()), (vec!["cannot enter it".to_owned()], 1));
}

#[test]
fn without_a_netns_nobody_can_be_asked() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    completed(&mut evidence, &fake, Step { netns: 0, ..dropped(1, "ip_forward+0x1", 4000, 443) });
    assert_eq!((fake.asked.borrow().len(), *fake.snapshots.borrow()), (0, 0));
}

#[test]
fn what_conntrack_knows_of_one_port_is_not_said_of_another() {
    let (mut evidence, fake) = (Evidence::default(), Fake::default());
    let known = |facts: &[NodeFact]| facts.contains(&NodeFact::NoConntrackEntry);
    assert!(known(&completed(&mut evidence, &fake, dropped(1, "nf_hook_slow+0x1", 4000, 443))));
    assert!(known(&completed(&mut evidence, &fake, dropped(2, "nf_hook_slow+0x1", 4000, 443))));
    let other = completed(&mut evidence, &fake, dropped(3, "nf_hook_slow+0x1", 4001, 443));
    assert!(!known(&other) && !other.is_empty(), "{other:?}");
    assert_eq!(fake.asked.borrow().len(), 1, "SYNs of a flood are one place");
}
