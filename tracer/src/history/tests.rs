use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::{
    diagnose::diagnose,
    model::{Drop, Name, Proto, Tuple},
    source::capture,
};

/// Returns a step of a packet, which is its drop if `dropped`.
pub fn step(packet: u64, flow: u64, dropped: bool) -> Step {
    let addr = IpAddr::from([192, 0, 2, 1]);
    Step {
        ts: packet,
        packet,
        flow,
        hook: Name::new_static("ip_rcv"),
        len: 64,
        tuple: Tuple { src: addr, dst: addr, sport: 1, dport: 2, proto: Proto::UDP },
        drop: dropped.then(|| Drop { reason: Name::new_static("NO_SOCKET"), location: Name::default() }),
        ..Step::sample()
    }
}

/// Returns what is retained of packets of two steps each, in memory for `steps` steps.
fn retained(packets: impl Iterator<Item = (u64, u64, bool)>, steps: usize) -> Retained {
    let mut history = History::new(steps * size_of::<Step>());
    for (packet, flow, dropped) in packets {
        history.put(Record::Step(step(packet, flow, false)));
        history.put(Record::Step(step(packet, flow, dropped)));
    }
    history.take()
}

fn packets(taken: &Retained) -> Vec<u64> {
    let mut packets: Vec<_> = taken.trace.steps.iter().map(|step| step.packet).collect();
    packets.dedup();
    packets
}

#[test]
fn nothing_is_evicted_as_long_as_there_is_room() {
    let taken = retained((1..=100).map(|packet| (packet, packet, false)), 200);
    assert_eq!((taken.trace.steps.len(), taken.evicted_packets), (200, 0));
}

#[test]
fn the_oldest_go_first_and_are_counted() {
    let taken = retained((1..=100).map(|packet| (packet, packet, false)), 20);
    assert_eq!((packets(&taken), taken.evicted_packets), ((91..=100).collect(), 90));
}

#[test]
fn the_flow_of_a_drop_stays_longer_and_the_drop_longest() {
    // Packets 1 to 4 belong to the flow whose packet 4 is dropped.
    let of = |packet| (packet, if packet <= 4 { 1 } else { packet }, packet == 4);
    let taken = retained((1..=100).map(of), 20);
    assert_eq!((packets(&taken), taken.evicted_packets), ([1, 2, 3, 4].into_iter().chain(95..=100).collect(), 90));
    let drop = |packet| (packet, 1, packet % 10 == 0);
    let taken = retained((1..=100).map(drop), 20);
    assert_eq!(packets(&taken), [50, 60, 70, 80, 90, 96, 97, 98, 99, 100]);
}

#[test]
fn drops_of_evicted_packets_are_still_counted() {
    let taken = retained((1..=100).map(|packet| (packet, packet, true)), 20);
    assert_eq!((taken.trace.steps.len(), taken.evicted_packets), (20, 90));
    let counts: Vec<_> = taken.evicted_drops.iter().map(|drop| (drop.reason.as_str(), drop.packets)).collect();
    assert_eq!(counts, [("NO_SOCKET", 90)]);
}

#[test]
fn a_drop_of_an_evicted_packet_is_retained() {
    let mut history = History::new(10 * size_of::<Step>());
    (1..=50).for_each(|packet| history.put(Record::Step(step(packet, packet, false))));
    history.put(Record::Step(step(1, 1, false)));
    history.put(Record::Drop(step(2, 2, true)));
    let taken = history.take();
    assert!(taken.trace.steps.iter().any(|step| step.packet == 2 && step.drop.is_some()));
    assert!(!packets(&taken).contains(&1));
}

/// Replays captures of real runs, each after more packets of other flows than there is room for.
#[test]
fn the_latest_drops_are_diagnosed_all_the_same() {
    const EARLIER: u64 = 1000;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/findings");
    for entry in std::fs::read_dir(folder).expect("the captures") {
        let path = entry.expect("a capture").path();
        let whole: Trace = capture::read(&path).and_then(Iterator::collect).expect("a capture");
        let steps = whole.steps.iter().cloned().map(|step| Step { packet: step.packet + EARLIER, ..step });
        let mut history = History { trace: Trace { steps: Vec::new(), ..whole.clone() }, ..History::new(0) };
        history.limit = whole.steps.iter().map(size).sum();
        (1..=EARLIER).for_each(|packet| history.put(Record::Step(step(packet, packet + EARLIER, false))));
        steps.for_each(|step| history.put(Record::Step(step)));
        let taken = history.take();
        assert_eq!(taken.evicted_packets, EARLIER);
        let ids = |trace: &Trace| diagnose(trace).into_iter().map(|finding| finding.id).collect::<Vec<_>>();
        assert_eq!(ids(&taken.trace), ids(&whole), "{}", path.display());
    }
}

proptest! {
    #[test]
    fn each_packet_is_retained_or_counted(drops in proptest::collection::vec(any::<bool>(), 1..200), steps in 2usize..60, flows in 1u64..20) {
        let all = drops.len() as u64;
        let numbered = (1..).zip(&drops).map(|(packet, dropped)| (packet, packet % flows, *dropped));
        let taken = retained(numbered, steps);
        prop_assert!(taken.trace.steps.len() <= steps);
        let mut whole = packets(&taken);
        whole.sort_unstable();
        whole.dedup();
        // Some packets are retained in part, and counted.
        prop_assert!(whole.len() as u64 + taken.evicted_packets >= all, "{} of {all}, {}", whole.len(), taken.evicted_packets);
        let counted: u64 = taken.evicted_drops.iter().map(|drop| drop.packets).sum();
        let left = taken.trace.steps.iter().filter(|step| step.drop.is_some()).count() as u64;
        prop_assert_eq!(counted + left, drops.iter().filter(|dropped| **dropped).count() as u64);
    }
}
