use tracer_common::{Header, HookId, kind};

use super::*;

struct Numbers;

impl Words for Numbers {
    fn reason(&mut self, number: u32) -> Name {
        number.to_string().into()
    }

    fn location(&mut self, address: u64) -> Name {
        address.to_string().into()
    }
}

/// A step of a packet whose flow has no other packet.
fn seen(hook: HookId, packet: u64) -> Wire {
    // SAFETY: a record consists of integers, for which zero is a valid value.
    let mut step: WireStep = unsafe { std::mem::zeroed() };
    step.header = Header { kind: kind::STEP, hook, cpu: 0, ts: packet, packet };
    step.tuple.version = 4;
    step.tuple.sport = u16::try_from(packet).expect("a small number").to_be();
    Wire::Step(step)
}

fn steps(tracker: &mut Tracker, wire: Wire) -> Vec<u64> {
    let mut observed = Vec::new();
    tracker.record(wire, &mut Numbers, &mut observed);
    let packet = |observed: Observed| match observed {
        Observed::Step(tracked) => tracked.step.packet,
        Observed::Device(_) => 0,
    };
    observed.into_iter().map(packet).collect()
}

#[test]
fn what_is_forgotten_is_counted_and_what_it_kept_back_is_told() {
    let mut tracker = Tracker::new(Catalog::fixed().into(), 8);
    assert!(steps(&mut tracker, seen(hook::SKB_DO_REDIRECT, 1)).is_empty(), "its next step tells where to");
    let observed: Vec<u64> = (2..=20).flat_map(|packet| steps(&mut tracker, seen(hook::IP_FORWARD, packet))).collect();
    assert_eq!(observed.iter().filter(|packet| **packet == 1).count(), 1);
    assert_eq!(observed.len(), 20);
    assert_eq!((tracker.packets(), tracker.flows()), (20, 20));
    assert!((12..=16).contains(&tracker.forgotten_flows()), "{}", tracker.forgotten_flows());
    assert!(tracker.rest().is_empty());
}

#[test]
fn a_flow_in_use_is_remembered() {
    let mut tracker = Tracker::new(Catalog::fixed().into(), 8);
    for packet in 2..=100 {
        steps(&mut tracker, seen(hook::IP_FORWARD, 1));
        steps(&mut tracker, seen(hook::IP_FORWARD, packet));
    }
    assert_eq!((tracker.packets(), tracker.flows()), (100, 100));
}

#[test]
fn what_happens_before_the_trace_begins_is_not_reported() {
    let at = |hook: HookId, packet: u64, ts: u64| {
        let Wire::Step(mut step) = seen(hook, packet) else { unreachable!("a step") };
        step.header.ts = ts;
        Wire::Step(step)
    };
    let mut tracker = Tracker::new(Catalog::fixed().into(), 8);
    tracker.begin_at(100);
    assert!(steps(&mut tracker, at(hook::IP_FORWARD, 1, 90)).is_empty());
    assert!(steps(&mut tracker, at(hook::KFREE_SKB, 1, 91)).is_empty());
    assert!(steps(&mut tracker, at(hook::IP_FORWARD, 2, 99)).is_empty());
    assert_eq!((tracker.packets(), tracker.drops()), (0, 0));
    assert_eq!(steps(&mut tracker, at(hook::KFREE_SKB, 2, 100)), [2], "it had waited");
    assert_eq!(steps(&mut tracker, at(hook::IP_FORWARD, 3, 101)), [3]);
    assert_eq!((tracker.packets(), tracker.drops()), (2, 1));
}
