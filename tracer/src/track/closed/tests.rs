use tracer_common::{Header, Step as WireStep, hook, kind};

use super::super::{Observed, Tracker, Words};
use crate::{
    catalog::Catalog,
    decode::Wire,
    model::{Name, Step},
};

/// What happened to a segment: client sends, flags, drop reason, function. The function is empty if it was not
/// dropped.
type Segment = (bool, u8, &'static str, &'static str);

struct Of(Segment);

impl Words for Of {
    fn reason(&mut self, _: u32) -> Name {
        Name::new_static(self.0.2)
    }

    fn location(&mut self, _: u64) -> Name {
        format!("{}+0x62", self.0.3).into()
    }
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x11;
const RST: u8 = 0x04;

/// Whether the last segment is reported as a drop.
fn lost(segments: &[Segment]) -> bool {
    let mut tracker = Tracker::new(Catalog::fixed().into(), 8);
    let mut observed = Vec::new();
    for (packet, segment) in (1..).zip(segments) {
        tracker.record(wire(packet, *segment), &mut Of(*segment), &mut observed);
    }
    let dropped = |step: &Step| step.drop.is_some();
    matches!(observed.last(), Some(Observed::Step(tracked)) if dropped(&tracked.step))
}

fn wire(packet: u64, (client, flags, _, function): Segment) -> Wire {
    // SAFETY: a record consists of integers, for which zero is a valid value.
    let mut step: WireStep = unsafe { std::mem::zeroed() };
    let hook = if function.is_empty() { hook::IP_FORWARD } else { hook::KFREE_SKB };
    step.header = Header { kind: kind::STEP, hook, cpu: 0, ts: packet, packet };
    step.tuple.version = 4;
    step.tuple.proto = 6;
    step.tuple.tcp_flags = flags;
    step.location = 1;
    let (from, to) = if client { (4000_u16, 443_u16) } else { (443, 4000) };
    (step.tuple.sport, step.tuple.dport) = (from.to_be(), to.to_be());
    (step.tuple.saddr[0], step.tuple.daddr[0]) = if client { (1, 2) } else { (2, 1) };
    Wire::Step(step)
}

const OPENED: [Segment; 2] = [(true, SYN, "", ""), (false, SYN | ACK, "", "")];

fn after(segments: &[Segment]) -> Vec<Segment> {
    OPENED.iter().chain(segments).copied().collect()
}

#[test]
fn what_comes_to_an_end_that_has_closed_is_no_loss() {
    let server_closed = |last| after(&[(false, FIN, "", ""), last]);
    assert!(!lost(&server_closed((true, ACK, "NO_SOCKET", "tcp_v4_rcv"))));
    assert!(!lost(&server_closed((true, ACK, "TCP_FLAGS", "tcp_v6_do_rcv"))));
    assert!(!lost(&server_closed((true, FIN, "UNKNOWN", "tcp_v4_rcv"))));
    assert!(
        !lost(&after(&[(false, RST, "", ""), (false, ACK, "NO_SOCKET", "tcp_v6_rcv")])),
        "a reset closes both ends"
    );
    assert!(!lost(&after(&[(true, FIN, "", ""), (false, FIN, "", ""), (false, ACK, "UNKNOWN", "tcp_v4_rcv")])));
}

#[test]
fn what_comes_to_an_open_end_is() {
    assert!(lost(&after(&[(true, ACK, "NO_SOCKET", "tcp_v4_rcv")])));
    assert!(lost(&after(&[(true, FIN, "", ""), (true, ACK, "NO_SOCKET", "tcp_v4_rcv")])), "the other end has closed");
    assert!(lost(&after(&[(true, FIN, "NO_SOCKET", "tcp_v4_rcv")])), "it closes its own end");
    assert!(lost(&after(&[(true, RST, "NO_SOCKET", "tcp_v4_rcv")])), "this is what closes");
}

#[test]
fn neither_another_place_nor_another_reason_nor_a_new_connection_counts() {
    let server_closed = |last| after(&[(false, FIN, "", ""), last]);
    assert!(lost(&server_closed((true, ACK, "NETFILTER_DROP", "nf_hook_slow"))));
    assert!(lost(&server_closed((true, ACK, "TCP_CSUM", "tcp_v4_rcv"))));
    assert!(lost(&server_closed((true, ACK, "UNKNOWN", "tcp_v4_rcv"))), "5.10 may mean a wrong checksum");
    assert!(lost(&server_closed((true, SYN, "NO_SOCKET", "tcp_v4_rcv"))));
    let mut again = server_closed((true, SYN, "", ""));
    again.push((true, ACK, "NO_SOCKET", "tcp_v4_rcv"));
    assert!(lost(&again));
}
