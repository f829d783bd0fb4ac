//! ACKs that a later packet of their flow has overtaken: TCP frees them, and nothing is lost.
//!
//! From 6.14 on such an ACK has the reason `TCP_RFC7323_PAWS_ACK` (`tcp_disordered_ack_check`, net/ipv4/tcp_input.c).
//! Before, it has the reason of a segment with a wrong timestamp or sequence number. Only the order of the packets
//! shows the difference.

use super::recent::Recent;
use crate::model::{Direction, Drop, Step};

/// The packet that was met last in each direction of a flow.
pub struct Overtaken {
    latest: Recent<(u64, Direction), u64>,
}

impl Overtaken {
    /// Creates a map that holds at most `most` flows (minimum 2).
    pub fn new(most: usize) -> Self {
        Self { latest: Recent::new(most) }
    }

    /// Records a packet when it is first seen.
    pub fn note(&mut self, packet: u64, flow: u64, direction: Direction) {
        *self.latest.get_or_insert((flow, direction), || packet) = packet;
        drop(self.latest.forgotten());
    }

    /// Returns whether a dropped packet is an ACK without data, and a later packet of its direction was met before it
    /// was dropped.
    pub fn explains(&mut self, step: &Step, drop: &Drop) -> bool {
        step.tcp_flags.is_some_and(|flags| flags.0 == ACK)
            && BARE.contains(&step.len)
            && drop.function() == RECEIVE
            && REASONS.contains(&drop.reason.as_str())
            && self.latest.get(&(step.flow, step.direction)).is_some_and(|latest| *latest > step.packet)
    }
}

/// `include/net/tcp.h`
const ACK: u8 = 0x10;
/// Lengths of a TCP header alone, which is where `skb->data` begins there: without options, and with timestamps.
const BARE: [u32; 2] = [20, 32];
/// Function that compares sequence numbers and timestamps (net/ipv4/tcp_input.c). Checksums are compared elsewhere.
const RECEIVE: &str = "tcp_validate_incoming";
/// Reasons for an old segment; 5.10 gives none. Seen on 6.1: the first.
const REASONS: &[&str] = &["TCP_RFC7323_PAWS", "TCP_INVALID_SEQUENCE", "NOT_SPECIFIED", "UNKNOWN", ""];

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::model::{Proto, TcpFlags, Tuple};

    fn dropped(packet: u64, flags: u8, len: u32) -> Step {
        let end = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Step {
            ts: packet,
            packet,
            hook: "kfree_skb".into(),
            len,
            tuple: Tuple { src: end, dst: end, sport: 1, dport: 2, proto: Proto::TCP },
            tcp_flags: Some(TcpFlags(flags)),
            ..Step::sample()
        }
    }

    /// Whether a drop is no loss after packets 1 to 3 of both directions were met.
    fn is_explained(step: &Step, reason: &str, location: &str) -> bool {
        let mut overtaken = Overtaken::new(8);
        for (packet, direction) in [(1, Direction::Orig), (2, Direction::Orig), (3, Direction::Reply)] {
            overtaken.note(packet, 1, direction);
        }
        overtaken.explains(step, &Drop { reason: reason.into(), location: location.into() })
    }

    #[test]
    fn an_ack_behind_a_later_packet_is_no_loss() {
        for reason in ["TCP_RFC7323_PAWS", "TCP_INVALID_SEQUENCE", "NOT_SPECIFIED"] {
            assert!(is_explained(&dropped(1, ACK, 32), reason, "tcp_validate_incoming+0x151"), "{reason}");
        }
    }

    #[test]
    fn the_latest_packet_data_and_other_reasons_are_losses() {
        let place = "tcp_validate_incoming+0x151";
        assert!(!is_explained(&dropped(2, ACK, 32), "TCP_RFC7323_PAWS", place), "only the other direction went on");
        assert!(!is_explained(&dropped(1, ACK, 1480), "TCP_RFC7323_PAWS", place), "data");
        assert!(!is_explained(&dropped(1, ACK | 1, 32), "TCP_RFC7323_PAWS", place), "FIN");
        assert!(!is_explained(&dropped(1, ACK, 32), "TCP_CSUM", place));
        assert!(!is_explained(&dropped(1, ACK, 32), "NOT_SPECIFIED", "tcp_rcv_established+0x1"), "a checksum");
    }
}
