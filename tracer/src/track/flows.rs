//! Assigns packets to flows and to a direction in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tracer_common::{Tuple as WireTuple, direction};

use super::{conntrack::ConntrackEntry, recent::Recent};
use crate::model::{Direction, Proto, TcpFlags, Tuple};

/// The known flows. A flow has one tuple for both directions, and one more for each translation.
pub struct Flows {
    by_tuple: Recent<Tuple, Known>,
    count: u64,
    forgotten: u64,
    entries: Recent<u64, ConntrackEntry>,
}

/// The flow that a tuple belongs to.
struct Known {
    flow: u64,
    /// Direction of packets whose tuple equals the key, not its reverse.
    direction: Direction,
    /// Whether the flow was first seen with this tuple.
    first: bool,
}

impl Flows {
    /// Creates a map that holds at most `most` tuples (minimum 2), and as many pending conntrack entries.
    pub fn new(most: usize) -> Self {
        Self { by_tuple: Recent::new(most), count: 0, forgotten: 0, entries: Recent::new(most) }
    }

    /// Returns the id and direction of a packet's flow. Creates the flow if the tuple is unknown.
    pub fn of(&mut self, tuple: Tuple, tcp_flags: Option<TcpFlags>, wire: u8) -> (u64, Direction) {
        let (key, turned) = key(tuple);
        if let Some(known) = self.by_tuple.get(&key) {
            return (known.flow, turn(known.direction, turned));
        }
        self.count += 1;
        let direction = first_direction(tcp_flags, wire);
        let known = Known { flow: self.count, direction: turn(direction, turned), first: true };
        self.by_tuple.insert(key, known);
        self.note_forgotten();
        (self.count, direction)
    }

    /// Adds the tuple that a translation gave to packets of a flow. Replies to them then match the flow, too.
    pub fn also(&mut self, tuple: Tuple, flow: u64, direction: Direction) {
        let (key, turned) = key(tuple);
        self.by_tuple.get_or_insert(key, || Known { flow, direction: turn(direction, turned), first: false });
        self.note_forgotten();
    }

    /// How many flows were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many flows were evicted. Later packets of such a flow count as another flow.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Keeps a conntrack entry for the packet's next step.
    pub fn keep_entry(&mut self, packet: u64, entry: ConntrackEntry) {
        self.entries.insert(packet, entry);
        // Discards the entries of packets whose next step was lost.
        drop(self.entries.forgotten());
    }

    /// Takes the entry that was kept for a packet.
    pub fn take_entry(&mut self, packet: u64) -> Option<ConntrackEntry> {
        self.entries.remove(&packet)
    }

    fn note_forgotten(&mut self) {
        let firsts = self.by_tuple.forgotten().iter().filter(|known| known.first).count();
        self.forgotten += firsts as u64;
    }
}

/// Returns the key of a tuple: the lesser of the tuple and its reverse, and whether that is the reverse.
fn key(tuple: Tuple) -> (Tuple, bool) {
    let reversed = tuple.reversed();
    if reversed < tuple { (reversed, true) } else { (tuple, false) }
}

fn turn(direction: Direction, turned: bool) -> Direction {
    match (direction, turned) {
        (Direction::Orig, true) => Direction::Reply,
        (Direction::Reply, true) => Direction::Orig,
        (direction, false) => direction,
    }
}

/// Derives the direction of a flow's first packet: TCP's SYN shows who opened the connection. Otherwise the filter
/// decides; without either, the first packet seen counts as original.
fn first_direction(tcp_flags: Option<TcpFlags>, wire: u8) -> Direction {
    const SYN: u8 = 0x02;
    match (tcp_flags, wire) {
        (Some(flags), _) if flags.opens() => Direction::Orig,
        (Some(flags), _) if flags.0 & SYN != 0 => Direction::Reply,
        (_, direction::REPLY) => Direction::Reply,
        _ => Direction::Orig,
    }
}

/// Converts a wire tuple to host byte order and IP addresses.
#[must_use]
pub fn tuple(wire: &WireTuple) -> Tuple {
    Tuple {
        src: address(&wire.saddr, wire.version),
        dst: address(&wire.daddr, wire.version),
        sport: u16::from_be(wire.sport),
        dport: u16::from_be(wire.dport),
        proto: Proto(wire.proto),
    }
}

/// Converts an address in network byte order: the first word for IPv4, all four words for IPv6.
pub fn address(words: &[u32; 4], version: u8) -> IpAddr {
    let mut bytes = [0; 16];
    for (to, from) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&from.to_ne_bytes());
    }
    match version {
        6 => Ipv6Addr::from(bytes).into(),
        _ => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
    }
}
