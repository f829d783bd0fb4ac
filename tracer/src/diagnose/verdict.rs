//! The verdict of each flow of a trace that reports passing packets.

mod fate;
mod words;

use crate::{
    fast::Map,
    model::{Direction, Finding, Flow, FlowVerdict, Packets, Severity, Step, Trace, Tuple, Where},
};
use fate::{Fate, Packet};

use super::{firewall::on_device, no_answer};

/// Returns the verdict of each flow, in the order they were first seen. None if only drops are reported: the absence
/// of an answer would prove nothing.
///
/// The trace must have its findings and its summary.
#[must_use]
pub fn verdicts(trace: &Trace) -> Vec<Flow> {
    if trace.start.drops {
        return Vec::new();
    }
    let findings = by_flow(&trace.findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    seen(trace).into_iter().map(|seen| seen.end(trace, about(seen.flow))).collect()
}

/// The packets of a flow that left the node and were not answered.
pub struct Unanswered<'a> {
    /// The steps at which they left, in order of time; at least one.
    pub left: Vec<&'a Step>,
    /// When the trace ended, in nanoseconds since boot.
    pub until: u64,
}

/// Returns what left unanswered, one for each flow whose verdict is `left` after these findings. None if the filter may
/// miss answers.
pub fn left_unanswered<'a>(trace: &'a Trace, findings: &[Finding]) -> Vec<Unanswered<'a>> {
    if trace.start.drops || trace.start.misses_answers {
        return Vec::new();
    }
    let findings = by_flow(findings);
    let about = |flow: u64| findings.get(&flow).map_or(&[][..], Vec::as_slice);
    let left = |seen: Seen<'a>| {
        let ended = seen.ended(trace, about(seen.flow));
        let left = || seen.in_direction(ended.step.direction).map(Packet::fate).filter(|(fate, _)| *fate == Fate::Left);
        let left = || left().map(|(_, step)| step).collect();
        (ended.verdict == FlowVerdict::Left).then(|| Unanswered { left: left(), until: words::end(trace) })
    };
    seen(trace).into_iter().filter_map(left).collect()
}

fn by_flow(findings: &[Finding]) -> Map<u64, Vec<&Finding>> {
    let mut by_flow: Map<u64, Vec<&Finding>> = Map::default();
    for finding in findings {
        by_flow.entry(finding.flow).or_default().push(finding);
    }
    by_flow
}

/// What was seen of a flow.
struct Seen<'a> {
    flow: u64,
    tuple: Tuple,
    /// In the order they were first seen; at least one.
    packets: Vec<Packet<'a>>,
    last: &'a Step,
}

fn seen(trace: &Trace) -> Vec<Seen<'_>> {
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
    flows
}

/// A verdict, and the first step that it rests on.
struct Ended<'a> {
    verdict: FlowVerdict,
    step: &'a Step,
    title: String,
    /// Where it happened, if a finding knows it better than the step.
    place: Option<Where>,
}

impl<'a> Ended<'a> {
    fn new(verdict: FlowVerdict, step: &'a Step, title: String) -> Self {
        Self { verdict, step, title, place: None }
    }
}

impl<'a> Seen<'a> {
    fn end(&self, trace: &Trace, findings: &[&Finding]) -> Flow {
        let ended = self.ended(trace, findings);
        let count = |direction| self.in_direction(direction).count() as u64;
        let mut ids: Vec<String> = Vec::new();
        for finding in findings {
            if !ids.contains(&finding.id) {
                ids.push(finding.id.clone());
            }
        }
        Flow {
            flow: self.flow,
            tuple: self.tuple,
            verdict: ended.verdict,
            since: ended.step.ts,
            title: ended.title,
            r#where: ended.place.unwrap_or_else(|| on_device(ended.step)),
            packets: Packets { orig: count(Direction::Orig), reply: count(Direction::Reply) },
            findings: ids,
        }
    }

    fn ended(&self, trace: &Trace, findings: &[&Finding]) -> Ended<'a> {
        self.failed(trace, findings)
            .or_else(|| self.answered())
            .or_else(|| self.refused(trace))
            .or_else(|| self.dropped(trace))
            .or_else(|| words::lost(trace).map(|title| Ended::new(FlowVerdict::Unknown, self.last, title)))
            .unwrap_or_else(|| self.unanswered(trace))
    }

    fn in_direction(&self, direction: Direction) -> impl Iterator<Item = &Packet<'a>> {
        self.packets.iter().filter(move |packet| packet.direction == direction)
    }

    /// An error was found: the flow failed, unless it only cost the sender another SYN or SYN-ACK. That no answer came
    /// from outside follows from the verdict, not the other way round.
    fn failed(&self, trace: &Trace, findings: &[&Finding]) -> Option<Ended<'a>> {
        let finding =
            findings.iter().find(|finding| finding.severity == Severity::Error && finding.id != no_answer::ID)?;
        let about = |packet: &&Packet<'_>| finding.packets.contains(&packet.first.packet);
        let packets: Vec<_> = self.packets.iter().filter(about).collect();
        let last = packets.iter().map(|packet| packet.fate().1.ts).max().unwrap_or_default();
        let answered = self.answered();
        if packets.iter().all(|packet| packet.is_opening())
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

    /// The last packet whose end was seen was dropped.
    fn dropped(&self, trace: &Trace) -> Option<Ended<'a>> {
        let (fate, step) = self.last_known()?;
        (fate == Fate::Dropped).then(|| Ended::new(FlowVerdict::Dropped, step, words::dropped(step, trace)))
    }

    /// Nothing came back, and nothing says why.
    fn unanswered(&self, trace: &Trace) -> Ended<'a> {
        if self.in_direction(Direction::Orig).next().is_none() {
            return Ended::new(FlowVerdict::Absent, self.packets[0].first, words::absent(&self.packets[0], trace));
        }
        let Some((fate, last)) = self.last_known() else {
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

    /// Where the last packet whose end was seen ended.
    fn last_known(&self) -> Option<(Fate, &'a Step)> {
        let known = self.packets.iter().map(Packet::fate).filter(|(fate, _)| *fate != Fate::Unseen);
        known.max_by_key(|(_, step)| step.ts)
    }
}

#[cfg(test)]
mod tests;
