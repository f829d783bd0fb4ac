//! What a live run keeps for its report, in no more memory than it may take.
//!
//! What is needed least is let go first: the oldest packets, those of flows without a drop before the others, and
//! what was dropped last of all. But half of the memory is for the newest, of which nobody knows yet how they end.
//! Each packet that was let go is counted, and each drop of theirs.

use super::{shelf::Shelf, tally::Tally};
use crate::{
    fast::Map,
    model::{Bpf, DropCount, Netfilter, NodeFact, Record, Redirect, Route, Step, Trace, Translation, Tunnel},
};

/// The trace so far.
pub struct Kept {
    /// All but the steps.
    trace: Trace,
    /// By how much they are needed: all, those of flows with a drop, those of packets that were dropped.
    shelves: [Stock; 3],
    /// Drops that are kept, by packet and by flow.
    dropped: Map<u64, u32>,
    troubled: Map<u64, u32>,
    most: usize,
    forgotten: u64,
    /// Drops that are not kept any more.
    gone: Tally,
}

#[derive(Default)]
struct Stock {
    shelf: Shelf,
    bytes: usize,
    /// The last packet of which something was let go from here. Ids rise in order of first sight.
    let_go: u64,
}

/// A trace, and what is not in it any more.
pub struct Taken {
    /// What was kept.
    pub trace: Trace,
    /// Packets that were let go.
    pub forgotten: u64,
    /// Their drops.
    pub drops: Vec<DropCount>,
}

impl Kept {
    /// Nothing yet, and no more than so many bytes of steps.
    pub fn new(most: usize) -> Self {
        Self {
            trace: Trace::default(),
            shelves: Default::default(),
            dropped: Map::default(),
            troubled: Map::default(),
            most,
            forgotten: 0,
            gone: Tally::new(false),
        }
    }

    /// Keeps a line.
    pub fn put(&mut self, record: Record) {
        match record {
            Record::Step(step) | Record::Drop(step) => self.keep(step),
            other => self.trace.push(other),
        }
    }

    /// All that is kept, steps in order of time.
    pub fn take(self) -> Taken {
        let Self { mut trace, shelves, troubled, forgotten, gone, .. } = self;
        // The oldest first: sorting takes the more memory the less is in order.
        let [newest, others @ ..] = shelves;
        others.into_iter().rev().for_each(|stock| stock.shelf.append_to(&mut trace.steps));
        let mut aside = trace.steps.len();
        newest.shelf.append_to(&mut trace.steps);
        // Of a packet that was let go in part nothing is told.
        trace.steps.retain(|step| {
            let needed = aside > 0 || step.packet > newest.let_go || troubled.contains_key(&step.flow);
            aside = aside.saturating_sub(1);
            needed
        });
        trace.steps.sort_by_key(|step| step.ts);
        Taken { trace, forgotten, drops: gone.worst_first() }
    }

    fn keep(&mut self, step: Step) {
        if step.drop.is_some() {
            *self.dropped.entry(step.packet).or_default() += 1;
            *self.troubled.entry(step.flow).or_default() += 1;
        } else if step.packet <= self.shelves[0].let_go && !self.troubled.contains_key(&step.flow) {
            return;
        }
        self.shelves[0].push(step);
        while self.shelves.iter().map(|stock| stock.bytes).sum::<usize>() > self.most && self.let_go() {}
    }

    /// Lets a step go, or puts it where those stay longer that are needed more. False where there is none.
    fn let_go(&mut self) -> bool {
        let order = if self.shelves[0].bytes > self.most / 2 { [0, 1, 2] } else { [1, 2, 0] };
        let oldest = order.into_iter().find_map(|rank| Some((rank, self.shelves[rank].pop()?)));
        let Some((rank, step)) = oldest else { return false };
        let needed = match (self.dropped.contains_key(&step.packet), self.troubled.contains_key(&step.flow)) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
        if needed > rank {
            self.shelves[needed].push(step);
            return true;
        }
        let let_go = &mut self.shelves[rank].let_go;
        self.forgotten += u64::from(step.packet > *let_go);
        *let_go = step.packet.max(*let_go);
        if step.drop.is_some() {
            self.gone.add(&step, None);
            less(&mut self.dropped, step.packet);
            less(&mut self.troubled, step.flow);
        }
        true
    }
}

impl Stock {
    fn push(&mut self, step: Step) {
        self.bytes += size(&step);
        self.shelf.push(step);
    }

    fn pop(&mut self) -> Option<Step> {
        let step = self.shelf.pop()?;
        self.bytes -= size(&step);
        Some(step)
    }
}

/// One drop less is kept.
fn less(kept: &mut Map<u64, u32>, key: u64) {
    if let Some(count) = kept.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            kept.remove(&key);
        }
    }
}

/// Bytes that a step takes, names apart that are long: those are shared.
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
