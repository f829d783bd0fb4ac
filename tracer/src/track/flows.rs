//! Which flow a packet belongs to, and which way it goes.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use tracer_common::{Tuple as WireTuple, direction};

use super::conntrack::Entry;
use crate::model::{Direction, Proto, TcpFlags, Tuple};

/// All flows seen. A flow has one tuple for each direction, and one more for each translation.
#[derive(Default)]
pub struct Flows {
    by_tuple: HashMap<Tuple, (u64, Direction)>,
    count: u64,
    entries: HashMap<u64, Entry>,
}

impl Flows {
    /// Id and direction of a packet's flow; a new flow where there is none yet.
    pub fn of(&mut self, tuple: Tuple, tcp_flags: Option<TcpFlags>, wire: u8) -> (u64, Direction) {
        if let Some(known) = self.by_tuple.get(&tuple) {
            return *known;
        }
        self.count += 1;
        let direction = first_direction(tcp_flags, wire);
        self.also(tuple, self.count, direction);
        (self.count, direction)
    }

    /// Packets of a flow carry this tuple too, since they are translated; so will the replies to them.
    pub fn also(&mut self, tuple: Tuple, flow: u64, direction: Direction) {
        let opposite = match direction {
            Direction::Orig => Direction::Reply,
            Direction::Reply => Direction::Orig,
        };
        self.by_tuple.entry(tuple).or_insert((flow, direction));
        self.by_tuple.entry(tuple.reversed()).or_insert((flow, opposite));
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Keeps a conntrack entry for the packet's next step.
    pub fn keep_entry(&mut self, packet: u64, entry: Entry) {
        self.entries.insert(packet, entry);
    }

    /// The entry that was kept for a packet.
    pub fn take_entry(&mut self, packet: u64) -> Option<Entry> {
        self.entries.remove(&packet)
    }
}

/// Who opened the connection: TCP says so itself, otherwise the filter does, otherwise whoever is
/// seen first.
fn first_direction(tcp_flags: Option<TcpFlags>, wire: u8) -> Direction {
    const SYN: u8 = 0x02;
    match (tcp_flags, wire) {
        (Some(flags), _) if flags.opens() => Direction::Orig,
        (Some(flags), _) if flags.0 & SYN != 0 => Direction::Reply,
        (_, direction::REPLY) => Direction::Reply,
        _ => Direction::Orig,
    }
}

/// A wire tuple as people read it.
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

/// An address in network byte order: four bytes of the first word, or all sixteen.
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
