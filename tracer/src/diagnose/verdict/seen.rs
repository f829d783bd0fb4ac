//! What was seen of each flow, and what follows from it.

use std::collections::HashSet;

use super::{
    fate::{Fate, Packet},
    words,
};
use crate::{
    fast::Map,
    model::{Direction, Finding, FlowVerdict, Pending, Severity, Step, Trace, Tuple, Where},
};

/// How long a packet may wait, in nanoseconds, until that is worth a finding: TCP sends a SYN again after one second.
pub const PATIENCE: u64 = 1_000_000_000;

/// What was seen of a flow.
pub struct Seen<'a> {
    /// Its id.
    pub flow: u64,
    /// The first tuple of its original direction.
    pub tuple: Tuple,
    /// In the order they were first seen; at least one.
    packets: Vec<Packet<'a>>,
    /// The last step.
    last: &'a Step,
}

/// Returns the flows of a trace, in the order they were first seen.
pub fn seen(trace: &Trace) -> Vec<Seen<'_>> {
    let mut flows: Vec<Seen<'_>> = Vec::new();
    let mut at: Map<u64, usize> = Map::default();
    let mut packets: Map<(u64, u64), usize> = Map::default();
    for step in &trace.steps {
        let index = *at.entry(step.flow).or_insert_with(|| {
            let tuple = if step.direction == Direction::Orig { step.tuple } else { step.tuple.reversed() };
            flows.push(Seen { flow: step.flow, tuple, packets: Vec::new(), last: step });
            flows.len() - 1
        });
        let flow = &mut flows[index];
        flow.last = step;
        match packets.get(&(step.flow, step.packet)) {
            Some(&packet) => flow.packets[packet].add(step),
            None => {
                packets.insert((step.flow, step.packet), flow.packets.len());
                flow.packets.push(Packet::new(step));
            }
        }
    }
    for pending in &trace.pending {
        if let Some(&flow) = at.get(&pending.flow) {
            flows[flow].packets.iter_mut().for_each(|packet| packet.pending = Some(pending));
        }
    }
    flows
}

/// A verdict, and the first step that it rests on.
pub struct Ended<'a> {
    /// The verdict.
    pub verdict: FlowVerdict,
    /// The step.
    pub step: &'a Step,
    /// What the verdict means for this flow.
    pub title: String,
    /// Where it happened, if a finding knows it better than the step.
    pub place: Option<Where>,
}

impl<'a> Ended<'a> {
    fn new(verdict: FlowVerdict, step: &'a Step, title: String) -> Self {
        Self { verdict, step, title, place: None }
    }
}

impl<'a> Seen<'a> {
    /// Concludes how the flow ended, after these findings about it.
    pub fn ended(&self, trace: &Trace, findings: &[&Finding]) -> Ended<'a> {
        self.failed(trace, findings)
            .or_else(|| self.held(trace))
            .or_else(|| self.answered())
            .or_else(|| self.refused(trace))
            .or_else(|| self.dropped(trace))
            .or_else(|| words::lost(trace).map(|title| Ended::new(FlowVerdict::Unknown, self.last, title)))
            .unwrap_or_else(|| self.unanswered(trace))
    }

    /// The packets of a direction.
    pub fn in_direction(&self, direction: Direction) -> impl Iterator<Item = &Packet<'a>> {
        self.packets.iter().filter(move |packet| packet.direction == direction)
    }

    /// An error was found: the flow failed, unless it only cost the sender another SYN or SYN-ACK. A finding about packets
    /// without an end follows from the verdict, not the other way round.
    fn failed(&self, trace: &Trace, findings: &[&Finding]) -> Option<Ended<'a>> {
        let explains = |finding: &&&Finding| finding.severity == Severity::Error && !self.follows(finding);
        let finding = findings.iter().find(explains)?;
        let ids: HashSet<u64> = finding.packets.iter().copied().collect();
        let about = |packet: &&Packet<'_>| ids.contains(&packet.first.packet);
        let packets: Vec<_> = self.packets.iter().filter(about).collect();
        let last = packets.iter().map(|packet| packet.fate().1.ts).max().unwrap_or_default();
        let answered = self.answered();
        if !packets.is_empty()
            && packets.iter().all(|packet| packet.is_opening())
            && answered.as_ref().is_some_and(|answered| answered.step.ts > last)
        {
            return answered;
        }
        let place = Some(finding.r#where.clone());
        if let Some(refused) = self.refused(trace).filter(|_| answered.is_none()) {
            return Some(Ended { place, ..refused });
        }
        let step = packets.first().map_or(self.last, |packet| packet.fate().1);
        Some(Ended { place, ..Ended::new(FlowVerdict::Dropped, step, words::failed(finding, trace)) })
    }

    /// Whether a finding is about packets of this flow that were not dropped.
    fn follows(&self, finding: &Finding) -> bool {
        let mut packets =
            self.packets.iter().filter(|packet| finding.packets.contains(&packet.first.packet)).peekable();
        packets.peek().is_some() && packets.all(|packet| !packet.is_dropped())
    }

    /// The flow got on until a packet that has been waiting for a while.
    fn held(&self, trace: &Trace) -> Option<Ended<'a>> {
        let pending = self.pending()?;
        let waits = |(fate, step): &(Fate, &Step)| {
            matches!(fate, Fate::Held(_)) && pending.ts.saturating_sub(step.ts) >= PATIENCE
        };
        let (fate, step) = self.packets.iter().map(Packet::fate).find(waits)?;
        Some(Ended::new(FlowVerdict::Held, step, words::unanswered(fate, step, 1, trace)))
    }

    /// A packet of each direction got through. Of TCP, a SYN-ACK that left is not enough: it must have arrived.
    fn answered(&self) -> Option<Ended<'a>> {
        let request = self.in_direction(Direction::Orig).find(|packet| packet.fate().0 != Fate::Dropped)?;
        let acknowledged = || {
            let mut requests = self.in_direction(Direction::Orig);
            requests.any(|packet| !packet.is_opening() && !packet.is_reset() && packet.fate().0 != Fate::Dropped)
        };
        let answers = |packet: &&Packet<'_>| {
            !packet.is_reset()
                && match packet.fate().0 {
                    Fate::Delivered => true,
                    Fate::Left => !packet.is_opening() || acknowledged(),
                    Fate::Held(_) | Fate::Dropped | Fate::Unseen => false,
                }
        };
        let answer = self.in_direction(Direction::Reply).find(answers)?;
        let (_, step) = answer.fate();
        Some(Ended::new(FlowVerdict::Answered, step, words::answered(request, answer, step)))
    }

    /// A reset came back, or the node sent an ICMP error.
    fn refused(&self, trace: &Trace) -> Option<Ended<'a>> {
        let error = self.in_direction(Direction::Orig).find_map(|packet| packet.refused);
        if let Some(step) = error {
            return Some(Ended::new(FlowVerdict::Refused, step, words::icmp_error(step, trace)));
        }
        let is_refusal = |packet: &&Packet<'_>| packet.is_reset() && packet.fate().0 != Fate::Dropped;
        let reset = self.in_direction(Direction::Reply).find(is_refusal)?;
        Some(Ended::new(FlowVerdict::Refused, reset.first, words::reset(reset, trace)))
    }

    /// The last packet of a direction was dropped.
    fn dropped(&self, trace: &Trace) -> Option<Ended<'a>> {
        let ends = [Direction::Reply, Direction::Orig].into_iter().filter_map(|direction| self.last_known(direction));
        let (_, step) = ends.into_iter().find(|(fate, _)| *fate == Fate::Dropped)?;
        Some(Ended::new(FlowVerdict::Dropped, step, words::dropped(step, trace)))
    }

    /// Nothing came back, and nothing says why.
    fn unanswered(&self, trace: &Trace) -> Ended<'a> {
        if self.in_direction(Direction::Orig).next().is_none() {
            return Ended::new(FlowVerdict::Absent, self.packets[0].first, words::absent(&self.packets[0], trace));
        }
        let last = self.last_known(Direction::Reply).or_else(|| self.last_known(Direction::Orig));
        let Some((fate, last)) = last else {
            return Ended::new(FlowVerdict::Unknown, self.last, words::unseen(self.last, trace));
        };
        let verdict = match fate {
            Fate::Delivered => FlowVerdict::Delivered,
            Fate::Left => FlowVerdict::Left,
            Fate::Held(_) => FlowVerdict::Held,
            Fate::Dropped | Fate::Unseen => FlowVerdict::Unknown,
        };
        let alike = |packet: &&Packet<'_>| packet.fate().0 == fate;
        let steps: Vec<_> = self.in_direction(last.direction).filter(alike).map(|packet| packet.fate().1).collect();
        let first = steps.first().copied().unwrap_or(last);
        Ended::new(verdict, first, words::unanswered(fate, first, steps.len(), trace))
    }

    /// Returns what was looked up about the flow at the end of the trace.
    pub fn pending(&self) -> Option<&'a Pending> {
        self.packets.first()?.pending
    }

    /// Returns where the last of the packets was seen last that are in the kernel and have not left by a device, which may
    /// take its time to free them.
    pub fn last_in_kernel(&self, in_kernel: &HashSet<u64>) -> Option<&'a Step> {
        let held = self.packets.iter().filter(|packet| in_kernel.contains(&packet.first.packet)).map(Packet::fate);
        let last = held.filter(|(fate, _)| !matches!(fate, Fate::Left | Fate::Dropped)).map(|(_, step)| step);
        last.max_by_key(|step| step.ts)
    }

    /// Returns where packets were delivered that were still in the kernel when the trace ended.
    pub fn delivered_in_kernel(&self) -> Vec<(Fate, &'a Step)> {
        let in_kernel = |packet: &&Packet<'a>| {
            packet.pending.is_some_and(|pending| pending.holds(packet.first.packet) == Some(true))
        };
        let fates = self.packets.iter().filter(in_kernel).map(Packet::fate);
        fates.filter(|(fate, _)| *fate == Fate::Delivered).collect()
    }

    /// The ids of its packets.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.packets.iter().map(|packet| packet.first.packet)
    }

    /// Where the last packet of a direction ended, of those whose end was seen.
    fn last_known(&self, direction: Direction) -> Option<(Fate, &'a Step)> {
        let known = self.in_direction(direction).map(Packet::fate).filter(|(fate, _)| *fate != Fate::Unseen);
        known.max_by_key(|(_, step)| step.ts)
    }
}
