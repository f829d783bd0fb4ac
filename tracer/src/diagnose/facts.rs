//! Indexes a capture for the detectors.

use std::num::NonZeroU32;

use super::chains;
use crate::{
    fast::Map,
    model::{Chain, Confidence, Device, Direction, Netfilter, Step, TcpFlags, Trace, Verdict},
};

/// A capture, indexed by packet and by flow. Only flows with a drop are indexed, because detectors need no others.
pub struct Facts<'a> {
    trace: &'a Trace,
    drops: Vec<&'a Step>,
    packets: Map<u64, Vec<&'a Step>>,
    flows: Map<u64, Flow<'a>>,
}

/// A flow with a drop.
#[derive(Default)]
struct Flow<'a> {
    steps: Vec<&'a Step>,
    drops: Vec<&'a Step>,
    /// The first steps of the original direction in each netns, outside tunnels: one with a device and one without.
    sights: Vec<&'a Step>,
    /// The first step of the original direction at which each translation was made.
    translations: Vec<&'a Step>,
}

impl<'a> Facts<'a> {
    /// Indexes a capture.
    pub fn of(trace: &'a Trace) -> Self {
        let drops: Vec<&Step> = trace.steps.iter().filter(|step| step.drop.is_some()).collect();
        let mut packets: Map<u64, Vec<&Step>> = Map::default();
        let mut flows: Map<u64, Flow<'_>> = drops.iter().map(|drop| (drop.flow, Flow::default())).collect();
        // Without any drop there is nothing to index.
        for step in trace.steps.iter().take_while(|_| !drops.is_empty()) {
            if let Some(flow) = flows.get_mut(&step.flow) {
                flow.add(step);
                packets.entry(step.packet).or_default().push(step);
            }
        }
        for steps in packets.values_mut().chain(flows.values_mut().map(|flow| &mut flow.steps)) {
            steps.sort_by_key(|step| step.ts);
        }
        Self { trace, drops, packets, flows }
    }

    /// Whether packets that passed are reported, too. If not, the absence of a step proves nothing.
    pub fn reports_passing_packets(&self) -> bool {
        !self.trace.start.drops
    }

    /// Whether a packet is the request of a flow that the user has asked for: the first packet of a TCP connection, or
    /// any of another protocol from the side that began.
    pub fn is_asked_for(&self, step: &Step) -> bool {
        let start = &self.trace.start;
        let is_request = step.direction == Direction::Orig && step.tcp_flags.is_none_or(TcpFlags::opens);
        start.aimed && !start.drops && is_request
    }

    /// All drops.
    pub fn drops(&self) -> impl Iterator<Item = &'a Step> {
        self.drops.iter().copied()
    }

    /// The steps of a packet before `end`, the latest first.
    pub fn before(&self, end: &Step) -> impl Iterator<Item = &'a Step> {
        let ts = end.ts;
        self.packet(end.packet).iter().rev().copied().filter(move |step| step.ts < ts)
    }

    /// All steps of a packet, in order of time.
    pub fn packet(&self, packet: u64) -> &[&'a Step] {
        self.packets.get(&packet).map_or(&[][..], Vec::as_slice)
    }

    /// All steps of a flow, in order of time.
    pub fn flow(&self, flow: u64) -> impl Iterator<Item = &'a Step> {
        self.of_flow(flow, |flow| &flow.steps).iter().copied()
    }

    /// The steps of a flow from one time to another, both included, in order of time.
    pub fn flow_within(&self, flow: u64, from: u64, to: u64) -> impl Iterator<Item = &'a Step> {
        let steps = self.of_flow(flow, |flow| &flow.steps);
        let begin = steps.partition_point(|step| step.ts < from);
        steps[begin..].iter().copied().take_while(move |step| step.ts <= to)
    }

    /// The drops of a flow, in order of time.
    pub fn drops_of(&self, flow: u64) -> impl DoubleEndedIterator<Item = &'a Step> {
        self.of_flow(flow, |flow| &flow.drops).iter().copied()
    }

    /// The first steps of a flow's original direction in each netns, outside tunnels: one with a device and one
    /// without.
    pub fn sights(&self, flow: u64) -> impl Iterator<Item = &'a Step> {
        self.of_flow(flow, |flow| &flow.sights).iter().copied()
    }

    /// The steps of a flow's original direction at which a translation was made that does not reverse another, the
    /// first step of each translation.
    pub fn translations(&self, flow: u64) -> impl Iterator<Item = &'a Step> {
        self.of_flow(flow, |flow| &flow.translations).iter().copied()
    }

    /// Returns the table, chain, rule or policy that ordered a drop by netfilter. If a probe missed the rule on
    /// this packet, another drop of the flow that ended alike provides it.
    pub fn refusal(&self, drop: &'a Step) -> Option<Refusal<'a>> {
        let refusal_at = |step: &'a Step| {
            let by = dropped_by_netfilter(step).filter(|by| self.may_have_dropped(step, by))?;
            Some(Refusal { by, seen_at: step })
        };
        let own = refusal_at(drop);
        if own.is_some_and(|own| own.by.table.is_none() || names_who(own.by)) {
            return own;
        }
        let same_table = |other: &Refusal<'_>| own.is_none_or(|own| own.by.table == other.by.table);
        let mut known =
            self.ended_alike(drop).filter_map(refusal_at).filter(|other| names_who(other.by) && same_table(other));
        known.next().or(own)
    }

    /// Whether a walk can have ended in a drop that no rule is known for: not if none of its rules can drop. If the end
    /// of a walk was missed, what freed the packet came later.
    fn may_have_dropped(&self, step: &Step, by: &Netfilter) -> bool {
        if names_who(by) {
            return true;
        }
        let chains = self.reachable(step.netns, by);
        let accepts = chains.first().is_some_and(|base| base.policy == Some(Verdict::Accept));
        !accepts || chains::may_drop(&chains)
    }

    /// The drops of the flow that are like this one, itself included. A probe may have recorded on them what it
    /// missed on this one.
    pub fn ended_alike<'d>(&self, drop: &'d Step) -> impl Iterator<Item = &'a Step> + use<'_, 'a, 'd> {
        self.drops_of(drop.flow).take(OTHERS).filter(|other| alike(other, drop))
    }

    /// A device that packets passed.
    pub fn device(&self, netns: u32, ifindex: Option<NonZeroU32>) -> Option<&'a Device> {
        self.trace.device(netns, ifindex)
    }

    /// The name of a netns, or its inode number if it has no name.
    pub fn netns(&self, inum: u32) -> String {
        self.trace.netns_name(inum)
    }

    /// See [`chains::reachable`].
    pub fn reachable(&self, netns: u32, netfilter: &Netfilter) -> Vec<&'a Chain> {
        chains::reachable(&self.trace.chains, netns, netfilter)
    }

    /// Cites a step: "packet 4 at 1.234 ms (ts 1000001234000)".
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

    fn of_flow(&self, flow: u64, part: for<'f> fn(&'f Flow<'a>) -> &'f [&'a Step]) -> &[&'a Step] {
        self.flows.get(&flow).map_or(&[][..], part)
    }
}

impl<'a> Flow<'a> {
    fn add(&mut self, step: &'a Step) {
        self.steps.push(step);
        if step.drop.is_some() {
            self.drops.push(step);
        }
        if step.direction != Direction::Orig {
            return;
        }
        let place = |step: &Step| (step.netns, step.ifindex.is_some());
        if step.outer.is_none() && !self.sights.iter().any(|sight| place(sight) == place(step)) {
            self.sights.push(step);
        }
        if let Some(nat) = step.nat.as_deref().filter(|nat| !nat.reverses)
            && !self.translations.iter().any(|known| known.nat.as_ref().is_some_and(|known| known.after == nat.after))
        {
            self.translations.push(step);
        }
    }
}

/// Who ordered a drop.
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    /// Table, chain, and rule or policy.
    pub by: &'a Netfilter,
    seen_at: &'a Step,
}

impl Refusal<'_> {
    /// Returns `Certain` if the order was seen at this very drop, otherwise `Likely`. The steps are compared by
    /// address, because copies of a packet share its id, but not its end.
    pub fn confidence(&self, drop: &Step) -> Confidence {
        if std::ptr::eq(self.seen_at, drop) { Confidence::Certain } else { Confidence::Likely }
    }

    /// Returns a sentence for the evidence if the order was seen at another drop.
    pub fn missed(&self, facts: &Facts<'_>, drop: &Step) -> Option<String> {
        let other = (!std::ptr::eq(self.seen_at, drop)).then_some(self.seen_at)?;
        Some(format!(
            "{}: a probe missed the rule; it is taken from {}, which ended the same way",
            facts.cite(drop),
            facts.cite(other)
        ))
    }
}

/// How many drops of a flow [`Facts::ended_alike`] looks at.
const OTHERS: usize = 16;

/// Whether the verdict names its rule, or the policy.
fn names_who(by: &Netfilter) -> bool {
    by.policy || by.rule.is_some()
}

/// Whether two packets of a flow ended alike.
fn alike(one: &Step, other: &Step) -> bool {
    let key = |step: &Step| (step.direction, step.netns, step.ifindex, step.ct.as_ref().map(|ct| ct.state));
    key(one) == key(other) && one.drop == other.drop && one.outer.is_some() == other.outer.is_some()
}

/// Returns the verdict that ordered the drop at this step, if netfilter dropped the packet.
pub fn dropped_by_netfilter(step: &Step) -> Option<&Netfilter> {
    step.netfilter.as_deref().filter(|netfilter| netfilter.verdict == Some(Verdict::Drop))
}
