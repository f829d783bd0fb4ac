//! What the node says about the places where packets were dropped, asked right after a drop, once a place.

use crate::{
    enrich::{
        netns::Netns,
        node::{self, Place, Question, Snapshot},
    },
    fast::Map,
    model::{Direction, Drop, NodeFact, Proto, Step, Tuple},
};

/// Who answers. None where the netns cannot be found.
pub trait Witness {
    /// See [`node::look_up`].
    fn facts(
        &self,
        netns: u32,
        place: &Place,
        asked: &[Question],
        before: Option<&Snapshot>,
    ) -> Option<Result<Vec<NodeFact>, String>>;
    /// See [`node::snapshot`].
    fn snapshot(&self, netns: u32) -> Option<Result<Snapshot, String>>;
}

/// What has been asked so far.
#[derive(Default)]
pub struct Evidence {
    before: Map<u32, Option<Snapshot>>,
    /// Of a netns that is made after the trace began, where all were seen then.
    unborn: Option<Snapshot>,
    entered: Map<u64, (u32, u32)>,
    found: Map<Key, Vec<NodeFact>>,
    /// How many drops came after the last look-up that was allowed.
    unasked: u64,
    problems: Vec<String>,
}

/// Each look-up takes some milliseconds in which the ring buffer is not read.
const LOOK_UPS_AT_MOST: usize = 1024;
/// Each takes some ten kilobytes.
const SNAPSHOTS_AT_MOST: usize = 1024;
/// Those taken before the trace says that it is ready.
const SNAPSHOTS_FIRST: usize = 256;
/// Packets of which it is remembered where they came in.
const PACKETS_AT_MOST: usize = 65536;

impl Evidence {
    /// Counts what can be counted before the trace begins.
    pub fn begin(&mut self) {
        let all = Netns::all_at_hand();
        for netns in all.iter().take(SNAPSHOTS_FIRST) {
            self.before.insert(netns.inum(), node::snapshot(netns).ok());
        }
        if all.len() <= SNAPSHOTS_FIRST {
            self.unborn = self.before.values().flatten().next().map(Snapshot::unborn);
        }
    }

    /// Adds facts to a drop. To know where packets came in it must see every step. `kind` is that of the
    /// step's device, empty where it is not known.
    pub fn complete(&mut self, step: &mut Step, kind: &str, witness: &impl Witness) {
        if step.netns == 0 {
            return;
        }
        if !self.before.contains_key(&step.netns) && self.before.len() < SNAPSHOTS_AT_MOST {
            // With the flight recorder a netns is first heard of when the drop is counted already.
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
            self.found.insert(key.clone(), facts);
        }
        if let Some(facts) = self.found.get(&key) {
            step.node.clone_from(facts);
        }
    }

    /// What could not be asked, as sentences.
    pub fn problems(&mut self) -> Vec<String> {
        let unasked = std::mem::take(&mut self.unasked);
        if unasked > 0 {
            self.problems.push(format!(
                "the node was not asked about {unasked} of the drops: {LOOK_UPS_AT_MOST} places were looked at, and no more are"
            ));
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.dedup();
        problems
    }

    fn look_up(&mut self, step: &Step, iif: Option<u32>, asked: &[Question], witness: &impl Witness) -> Vec<NodeFact> {
        let place = Place { tuple: outermost(step), ifindex: step.ifindex, iif, mark: step.mark };
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
        if ENTRIES.contains(&step.hook.as_str()) && step.ifindex != 0 {
            if self.entered.len() == PACKETS_AT_MOST {
                self.entered.clear();
            }
            self.entered.insert(step.packet, (step.netns, step.ifindex));
        } else if EXITS.contains(&step.hook.as_str()) {
            self.entered.remove(&step.packet);
        }
    }

    /// Where the packet came in: the device of a drop on the way in; otherwise as it was seen.
    fn iif(&self, step: &Step, drop: &Drop) -> Option<u32> {
        if node::is_inwards(&drop.location) && step.ifindex != 0 {
            return Some(step.ifindex);
        }
        let seen = self.entered.get(&step.packet).filter(|(netns, _)| *netns == step.netns);
        seen.map(|(_, ifindex)| *ifindex)
    }
}

/// Hooks that a received packet passes, on the device that it came in by: a VLAN's or bond's after the first of them.
const ENTRIES: &[&str] =
    &["netif_receive_skb", "ip_forward", "ip6_forward", "ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu"];
/// Hooks that only a packet of this host passes, as far as its netns is concerned.
const EXITS: &[&str] = &["__ip_local_out", "__ip6_local_out"];

/// Drops of the same key get the same facts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    netns: u32,
    ifindex: u32,
    drop: Drop,
    tuple: Tuple,
}

impl Key {
    /// Without the port that the side which asks for a service makes up; but a connection's socket is its own.
    fn of(step: &Step, drop: &Drop, asked: &[Question]) -> Self {
        let mut tuple = outermost(step);
        let made_up = match step.direction {
            Direction::Orig => &mut tuple.sport,
            Direction::Reply => &mut tuple.dport,
        };
        let whole = asked.contains(&Question::Sockets) || asked.contains(&Question::Zones);
        let opens = step.tcp_flags.is_none_or(|flags| flags.opens());
        if tuple.proto.has_ports() {
            if !whole || (opens && step.direction == Direction::Orig && tuple.proto == Proto::TCP) {
                *made_up = 0;
            }
        } else {
            // Both are the identifier of an echo.
            (tuple.sport, tuple.dport) = (0, 0);
        }
        Self { netns: step.netns, ifindex: step.ifindex, drop: drop.clone(), tuple }
    }
}

fn outermost(step: &Step) -> Tuple {
    step.outer.unwrap_or(step.tuple)
}

#[cfg(test)]
mod tests;
