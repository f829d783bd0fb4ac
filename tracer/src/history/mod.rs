//! Retains the lines of a live run for its report, within a memory limit.
//!
//! The oldest packets are evicted first, those of flows with a drop later, and dropped packets last. But half of the
//! memory is for the newest packets, because it is not known yet how they end. Each evicted packet and each of its
//! drops is counted.

pub mod drop_counts;
pub mod memory;
mod steps;

use drop_counts::DropCounts;
use steps::Steps;

use crate::{
    fast::Map,
    model::{Bpf, DropCount, Netfilter, NodeFact, Record, Redirect, Route, Step, Trace, Translation, Tunnel},
};

/// The trace so far.
pub struct History {
    /// Everything except the steps.
    trace: Trace,
    /// Steps by how much they are needed: all, those of flows with a drop, those of packets that were dropped.
    ranks: [Rank; 3],
    /// Number of retained drops of each packet.
    drops_of_packet: Map<u64, u32>,
    /// Number of retained drops of each flow.
    drops_of_flow: Map<u64, u32>,
    /// Maximum number of bytes of all ranks together.
    limit: usize,
    evicted_packets: u64,
    evicted_drops: DropCounts,
}

/// Steps that are equally needed.
#[derive(Default)]
struct Rank {
    steps: Steps,
    bytes: usize,
    /// The last packet of which a step was evicted from this rank. Ids rise in order of first sight.
    last_evicted: u64,
}

/// A trace, and counts of what was evicted from it.
pub struct Retained {
    /// The trace.
    pub trace: Trace,
    /// Number of evicted packets.
    pub evicted_packets: u64,
    /// Their drops.
    pub evicted_drops: Vec<DropCount>,
}

impl History {
    /// Creates an empty history that retains at most `limit` bytes of steps.
    pub fn new(limit: usize) -> Self {
        Self {
            trace: Trace::default(),
            ranks: Default::default(),
            drops_of_packet: Map::default(),
            drops_of_flow: Map::default(),
            limit,
            evicted_packets: 0,
            evicted_drops: DropCounts::new(false),
        }
    }

    /// Retains a line.
    pub fn put(&mut self, record: Record) {
        match record {
            Record::Step(step) | Record::Drop(step) => self.keep(step),
            other => self.trace.push(other),
        }
    }

    /// Returns everything that is retained, with steps in order of time.
    pub fn take(self) -> Retained {
        let Self { mut trace, ranks, drops_of_flow, evicted_packets, evicted_drops, .. } = self;
        // The oldest steps come first, because sorting takes more memory the less is in order.
        let [newest, others @ ..] = ranks;
        others.into_iter().rev().for_each(|rank| rank.steps.append_to(&mut trace.steps));
        let mut aside = trace.steps.len();
        newest.steps.append_to(&mut trace.steps);
        // Discards the remaining steps of packets that were evicted in part.
        trace.steps.retain(|step| {
            let needed = aside > 0 || step.packet > newest.last_evicted || drops_of_flow.contains_key(&step.flow);
            aside = aside.saturating_sub(1);
            needed
        });
        trace.steps.sort_by_key(|step| step.ts);
        Retained { trace, evicted_packets, evicted_drops: evicted_drops.worst_first() }
    }

    fn keep(&mut self, step: Step) {
        if step.drop.is_some() {
            *self.drops_of_packet.entry(step.packet).or_default() += 1;
            *self.drops_of_flow.entry(step.flow).or_default() += 1;
        } else if step.packet <= self.ranks[0].last_evicted && !self.drops_of_flow.contains_key(&step.flow) {
            return;
        }
        self.ranks[0].push(step);
        while self.ranks.iter().map(|rank| rank.bytes).sum::<usize>() > self.limit && self.evict() {}
    }

    /// Evicts a step, or moves it to a rank that is retained longer. Returns false if there is no step.
    fn evict(&mut self) -> bool {
        let order = if self.ranks[0].bytes > self.limit / 2 { [0, 1, 2] } else { [1, 2, 0] };
        let oldest = order.into_iter().find_map(|rank| Some((rank, self.ranks[rank].pop()?)));
        let Some((rank, step)) = oldest else { return false };
        let needed =
            match (self.drops_of_packet.contains_key(&step.packet), self.drops_of_flow.contains_key(&step.flow)) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => 0,
            };
        if needed > rank {
            self.ranks[needed].push(step);
            return true;
        }
        let last = &mut self.ranks[rank].last_evicted;
        self.evicted_packets += u64::from(step.packet > *last);
        *last = step.packet.max(*last);
        if step.drop.is_some() {
            self.evicted_drops.add(&step, None);
            less(&mut self.drops_of_packet, step.packet);
            less(&mut self.drops_of_flow, step.flow);
        }
        true
    }
}

impl Rank {
    fn push(&mut self, step: Step) {
        self.bytes += size(&step);
        self.steps.push(step);
    }

    fn pop(&mut self) -> Option<Step> {
        let step = self.steps.pop()?;
        self.bytes -= size(&step);
        Some(step)
    }
}

/// Counts one retained drop less.
fn less(retained: &mut Map<u64, u32>, key: u64) {
    if let Some(count) = retained.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            retained.remove(&key);
        }
    }
}

/// Returns the number of bytes that a step takes. Long names are not included, because they are shared.
fn size(step: &Step) -> usize {
    fn boxed<T>(part: Option<&T>) -> usize {
        part.map_or(0, |_| size_of::<T>())
    }
    size_of::<Step>()
        + boxed::<Netfilter>(step.netfilter.as_deref())
        + boxed::<Bpf>(step.bpf.as_deref())
        + boxed::<Redirect>(step.redirect.as_deref())
        + boxed::<Translation>(step.nat.as_deref())
        + boxed::<Tunnel>(step.tunnel.as_deref())
        + boxed::<Route>(step.route.as_deref())
        + step.node.len() * size_of::<NodeFact>()
}

#[cfg(test)]
pub(super) mod tests;
