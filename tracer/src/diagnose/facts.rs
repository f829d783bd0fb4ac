//! A capture in the order that rules ask for.

use std::collections::BTreeMap;

use crate::model::{Chain, Device, Netfilter, Step, Trace, Verdict};

/// A capture, by packet and by flow.
pub struct Facts<'a> {
    trace: &'a Trace,
    packets: BTreeMap<u64, Vec<&'a Step>>,
}

impl<'a> Facts<'a> {
    /// Sorts a capture.
    pub fn of(trace: &'a Trace) -> Self {
        let mut packets: BTreeMap<u64, Vec<&Step>> = BTreeMap::new();
        for step in &trace.steps {
            packets.entry(step.packet).or_default().push(step);
        }
        for steps in packets.values_mut() {
            steps.sort_by_key(|step| step.ts);
        }
        Self { trace, packets }
    }

    /// Whether packets that passed are told, too: else that none was seen says nothing.
    pub fn tells_what_passed(&self) -> bool {
        !self.trace.start.drops
    }

    /// Steps that are drops.
    pub fn drops(&self) -> impl Iterator<Item = &'a Step> {
        self.trace.steps.iter().filter(|step| step.drop.is_some())
    }

    /// What a packet met before a step, the latest first.
    pub fn before(&self, end: &Step) -> impl Iterator<Item = &'a Step> {
        let ts = end.ts;
        let steps = self.packets.get(&end.packet).map_or(&[][..], Vec::as_slice);
        steps.iter().rev().copied().filter(move |step| step.ts < ts)
    }

    /// All steps of a packet, in order of time.
    pub fn packet(&self, packet: u64) -> &[&'a Step] {
        self.packets.get(&packet).map_or(&[][..], Vec::as_slice)
    }

    /// A device that packets passed.
    pub fn device(&self, netns: u32, ifindex: u32) -> Option<&'a Device> {
        self.trace.devices.get(&(netns, ifindex))
    }

    /// A netns by its name, else by its inode number.
    pub fn netns(&self, inum: u32) -> String {
        self.trace.netns_names.get(&inum).cloned().unwrap_or_else(|| inum.to_string())
    }

    /// All steps of a flow, in order of time.
    pub fn flow(&self, flow: u64) -> impl Iterator<Item = &'a Step> {
        self.trace.steps.iter().filter(move |step| step.flow == flow)
    }

    /// The chains that a walk from a base chain can reach, the base chain first; empty where the
    /// ruleset could not be looked up.
    pub fn reachable(&self, netns: u32, netfilter: &Netfilter) -> Vec<&'a Chain> {
        let same_table = |chain: &&'a Chain| {
            chain.netns == netns
                && Some(chain.family) == netfilter.family
                && Some(&chain.table) == netfilter.table.as_ref()
                && chain.legacy == netfilter.legacy
        };
        let table: Vec<&Chain> = self.trace.chains.iter().filter(same_table).collect();
        let named = |name: &str| table.iter().find(|chain| chain.chain == name).copied();
        let start = netfilter.base_chain.as_ref().or(netfilter.chain.as_ref());
        let mut reached: Vec<&Chain> = start.and_then(|name| named(name)).into_iter().collect();
        let mut next = 0;
        while let Some(chain) = reached.get(next) {
            let targets: Vec<_> =
                chain.rules.iter().filter_map(|rule| rule.jump.as_deref()).filter_map(named).collect();
            for target in targets {
                if !reached.iter().any(|known| known.chain == target.chain) {
                    reached.push(target);
                }
            }
            next += 1;
        }
        reached
    }

    /// "packet 4, 1.234 ms into the trace"
    pub fn cite(&self, step: &Step) -> String {
        let start = match self.trace.start.boot_time_ns {
            0 => self.trace.steps.first().map_or(0, |first| first.ts),
            start => start,
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a trace is shorter than the 104 days that a double holds in ns"
        )]
        let ms = step.ts.saturating_sub(start) as f64 / 1e6;
        format!("packet {} at {ms:.3} ms (ts {})", step.packet, step.ts)
    }
}

/// Whether netfilter dropped the packet at this step: the drop carries the verdict that ordered it.
pub fn dropped_by_netfilter(step: &Step) -> Option<&Netfilter> {
    step.netfilter.as_ref().filter(|netfilter| netfilter.verdict == Some(Verdict::Drop))
}
