//! Asks the node about the places where packets were dropped, right after a drop and once for each place, and at the end
//! of the trace about packets without an end.

use std::num::NonZeroU32;

use tracer_common::way::{DELIVERED, RECEIVED, SENT};

use crate::{
    enrich::{
        netns::Netns,
        node::{self, Question, Site, Snapshot},
    },
    fast::Map,
    model::{Direction, Drop, NodeFact, Proto, Step, Tuple},
};

/// Answers questions about a netns. Each answer is `None` if the netns cannot be found.
pub trait Witness {
    /// See [`node::look_up`].
    fn facts(
        &self,
        netns: u32,
        place: &Site,
        asked: &[Question],
        before: Option<&Snapshot>,
    ) -> Option<Result<Vec<NodeFact>, String>>;
    /// See [`node::snapshot`].
    fn snapshot(&self, netns: u32) -> Option<Result<Snapshot, String>>;
}

/// The evidence collected so far.
#[derive(Default)]
pub struct Evidence {
    before: Map<u32, Option<Snapshot>>,
    /// Snapshot for a netns that is created after the trace began, if all were seen at the beginning.
    unborn: Option<Snapshot>,
    entered: Map<u64, (u32, u32)>,
    /// The answers, with the tuple that they were asked about.
    found: Map<Key, (Tuple, Vec<NodeFact>)>,
    /// Number of drops without a lookup, because no more were allowed.
    unasked: u64,
    problems: Vec<String>,
}

/// Maximum number of lookups. Each takes a few milliseconds in which the ring buffer is not read.
const LOOK_UPS_AT_MOST: usize = 1024;
/// Maximum number of snapshots. Each takes about ten kilobytes.
const SNAPSHOTS_AT_MOST: usize = 1024;
/// Maximum number of snapshots before the trace reports that it is ready.
const SNAPSHOTS_FIRST: usize = 256;
/// Maximum number of packets for which the incoming device is remembered.
const PACKETS_AT_MOST: usize = 65536;

impl Evidence {
    /// Takes snapshots of the counters before the trace begins.
    pub fn begin(&mut self) {
        let all = Netns::all_at_hand();
        for netns in all.iter().take(SNAPSHOTS_FIRST) {
            self.before.insert(netns.inum(), node::snapshot(netns).ok());
        }
        if all.len() <= SNAPSHOTS_FIRST {
            self.unborn = self.before.values().flatten().next().map(Snapshot::unborn);
        }
    }

    /// Adds facts to a drop. `kind` is that of the step's device, empty if unknown.
    ///
    /// Must be called with every step, because earlier steps show where packets came in.
    pub fn complete(&mut self, step: &mut Step, kind: &str, witness: &impl Witness) {
        if step.netns == 0 {
            return;
        }
        if !self.before.contains_key(&step.netns) && self.before.len() < SNAPSHOTS_AT_MOST {
            // With the flight recorder, the first record of a netns may be a drop that is already counted.
            let before = self.unborn.clone().or_else(|| witness.snapshot(step.netns).and_then(Result::ok));
            self.before.insert(step.netns, before);
        }
        let Some(drop) = &step.drop else { return self.note_entry(step) };
        let asked = node::questions(step, kind);
        let key = Key::of(step, drop, &asked);
        let iif = self.iif(step, drop);
        self.entered.remove(&step.packet);
        if !self.found.contains_key(&key) {
            if self.found.len() == LOOK_UPS_AT_MOST {
                self.unasked += 1;
                return;
            }
            let facts = self.look_up(step, iif, &asked, witness);
            self.found.insert(key.clone(), (outermost(step), facts));
        }
        if let Some((tuple, facts)) = self.found.get(&key) {
            // What conntrack knows of one port says nothing about another.
            let same = *tuple == outermost(step);
            step.node.extend(facts.iter().filter(|fact| same || !is_about_entries(fact)).cloned());
        }
    }

    /// Returns the node's answers about the step at which a packet without an end was seen last.
    pub fn about(&mut self, step: &Step, witness: &impl Witness) -> Vec<NodeFact> {
        let iif = self.entered.get(&step.packet).filter(|(netns, _)| *netns == step.netns).map(|(_, iif)| *iif);
        self.look_up(step, iif, &node::pending_questions(step), witness)
    }

    /// Returns sentences about lookups that failed or were not made.
    pub fn problems(&mut self) -> Vec<String> {
        let unasked = std::mem::take(&mut self.unasked);
        if unasked > 0 {
            self.problems.push(format!(
                "{unasked} drops have no evidence from the node: a trace examines at most {LOOK_UPS_AT_MOST} places"
            ));
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.dedup();
        problems
    }

    fn look_up(&mut self, step: &Step, iif: Option<u32>, asked: &[Question], witness: &impl Witness) -> Vec<NodeFact> {
        let place = Site { tuple: outermost(step), ifindex: step.ifindex.map(NonZeroU32::get), iif, mark: step.mark };
        let before = self.before.get(&step.netns).and_then(Option::as_ref);
        let began = std::time::Instant::now();
        let facts = witness.facts(step.netns, &place, asked, before).unwrap_or_else(|| Ok(Vec::new()));
        tracing::debug!("{} questions about {place:?} took {:?}", asked.len(), began.elapsed());
        facts.unwrap_or_else(|problem| {
            self.problems.push(problem);
            Vec::new()
        })
    }

    fn note_entry(&mut self, step: &Step) {
        // Hooks that it passes on the device it came in by. After the first, this may be a VLAN or bond.
        if (step.is_at(RECEIVED) || step.is_at(DELIVERED))
            && let Some(ifindex) = step.ifindex
        {
            if self.entered.len() == PACKETS_AT_MOST {
                self.entered.clear();
            }
            self.entered.insert(step.packet, (step.netns, ifindex.get()));
        } else if step.is_at(SENT) {
            self.entered.remove(&step.packet);
        }
    }

    /// Returns the device that the packet came in by: that of the drop if it happened on input, otherwise the one seen
    /// earlier.
    fn iif(&self, step: &Step, drop: &Drop) -> Option<u32> {
        if node::is_inwards(&drop.location)
            && let Some(ifindex) = step.ifindex
        {
            return Some(ifindex.get());
        }
        let seen = self.entered.get(&step.packet).filter(|(netns, _)| *netns == step.netns);
        seen.map(|(_, ifindex)| *ifindex)
    }
}

/// Drops of the same key get the same facts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    netns: u32,
    ifindex: Option<NonZeroU32>,
    drop: Drop,
    tuple: Tuple,
}

impl Key {
    /// Creates the key without the port that the requesting side chose at random.
    ///
    /// The port is kept if sockets or conntrack entries are asked about, because each connection has its own. A connection
    /// that is being opened has none yet.
    fn of(step: &Step, drop: &Drop, asked: &[Question]) -> Self {
        let mut tuple = outermost(step);
        let made_up = match step.direction {
            Direction::Orig => &mut tuple.sport,
            Direction::Reply => &mut tuple.dport,
        };
        let whole = asked.contains(&Question::Sockets) || asked.contains(&Question::ConntrackEntries);
        let opens = step.tcp_flags.is_none_or(|flags| flags.opens());
        if tuple.proto.has_ports() {
            if !whole || (opens && step.direction == Direction::Orig && tuple.proto == Proto::TCP) {
                *made_up = 0;
            }
        } else {
            // Both ports hold the identifier of an echo.
            (tuple.sport, tuple.dport) = (0, 0);
        }
        Self { netns: step.netns, ifindex: step.ifindex, drop: drop.clone(), tuple }
    }
}

fn is_about_entries(fact: &NodeFact) -> bool {
    matches!(fact, NodeFact::ConntrackEntry { .. } | NodeFact::NoConntrackEntry | NodeFact::ConntrackZones { .. })
}

fn outermost(step: &Step) -> Tuple {
    step.outer.unwrap_or(step.tuple)
}

#[cfg(test)]
mod tests;
