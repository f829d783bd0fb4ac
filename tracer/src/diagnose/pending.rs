//! Findings about packets that were not answered and not dropped: delivered, left or still held when the trace ended.

mod delivered;
mod held;
mod left;

use super::{
    facts::Facts,
    finding::merged,
    verdict::{Fate, PATIENCE, Unanswered, unanswered},
};
use crate::model::{Finding, NodeFact, Proto, RouteAnswer, Step, Trace};

/// Returns at most one finding for each flow that got no answer for a while. `known` are all other findings.
pub fn find(trace: &Trace, facts: &Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let unanswered = unanswered(trace, known);
    let waited = unanswered.iter().filter_map(|unanswered| Waited::new(trace, facts, unanswered));
    merged(waited.filter_map(|waited| match waited.fate {
        Fate::Left => held::in_wireguard(&waited).or_else(|| Some(left::finding(&waited))),
        Fate::Delivered => delivered::finding(&waited),
        Fate::Held(queue) => Some(held::finding(&waited, queue)),
        Fate::Dropped | Fate::Unseen => None,
    }))
}

/// Packets of a flow that ended alike, and have waited for a while.
struct Waited<'a> {
    trace: &'a Trace,
    facts: &'a Facts<'a>,
    fate: Fate,
    /// Whether the flow was answered before.
    answered: bool,
    /// The step at which the first was seen last, and the same of the last.
    first: &'a Step,
    last: &'a Step,
    /// Their ids.
    packets: Vec<u64>,
    /// How long the first has waited, in nanoseconds.
    ns: u64,
    /// The node's answers about one of them.
    node: &'a [NodeFact],
    /// How long the first of those has waited that were still in the kernel when the trace ended, in nanoseconds.
    in_kernel: Option<u64>,
}

impl<'a> Waited<'a> {
    fn new(trace: &'a Trace, facts: &'a Facts<'a>, unanswered: &Unanswered<'a>) -> Option<Self> {
        let (first, last) = (*unanswered.steps.first()?, *unanswered.steps.last()?);
        let age = |step: &Step| unanswered.until.saturating_sub(step.ts);
        let kept = |step: &&&Step| unanswered.pending.is_some_and(|pending| pending.holds(step.packet) == Some(true));
        let ns = age(first);
        let waited = Self {
            trace,
            facts,
            fate: unanswered.fate,
            answered: unanswered.answered,
            first,
            last,
            packets: unanswered.steps.iter().map(|step| step.packet).collect(),
            ns,
            node: unanswered.pending.map_or(&[], |pending| &pending.node),
            in_kernel: unanswered.steps.iter().find(kept).map(|step| age(step)),
        };
        // Members of a group need not answer.
        (ns >= PATIENCE && !first.tuple.is_to_many()).then_some(waited)
    }

    /// Sentences that cite the first and the last packet: `it is transmitted by eth0`, `left this way`.
    fn cited(&self, what: &str, how: &str) -> Vec<String> {
        let mut evidence = vec![format!("{}: {what}", self.facts.cite(self.first))];
        let count = self.packets.len();
        if count > 1 {
            evidence.push(format!("{}: the last of {count} packets that {how}", self.facts.cite(self.last)));
        }
        evidence
    }

    /// Whether the first packet is an echo request or reply.
    fn is_echo(&self) -> bool {
        const ICMP: Proto = Proto(1);
        const ICMPV6: Proto = Proto(58);
        // An echo has its identifier in place of ports.
        matches!(self.first.tuple.proto, ICMP | ICMPV6) && self.first.tuple.sport != 0
    }

    /// Whether the first packet opens a connection.
    fn is_syn(&self) -> bool {
        self.first.tcp_flags.is_some_and(|flags| flags.opens())
    }

    /// Whether the first packet answers one that opens a connection.
    fn is_syn_ack(&self) -> bool {
        self.first.tcp_flags.is_some_and(|flags| flags.answers())
    }

    /// The kernel's answers to how it would route packets to this address.
    fn routes(&self, to: std::net::IpAddr) -> impl Iterator<Item = &'a RouteAnswer> {
        self.node.iter().filter_map(move |fact| match fact {
            NodeFact::Route(answer) if answer.to == Some(to) => Some(answer),
            _ => None,
        })
    }
}
