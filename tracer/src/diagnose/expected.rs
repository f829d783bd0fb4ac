//! Whether conntrack expects a packet as a reply, and how that is known.

use super::facts::Facts;
use crate::model::{CtState, Direction, NodeFact, Step, Tuple};

/// How it is known that a packet is a reply that conntrack expects.
#[derive(Clone, Copy)]
pub enum Expected<'a> {
    /// A packet of the other direction was seen with the entry.
    Seen(&'a Step),
    /// The node's table had an entry right after the drop: its original tuple, and TCP's state.
    Asked(Tuple, Option<&'a str>),
    /// The packet is a reply, but the table could not be asked.
    Unasked,
}

impl<'a> Expected<'a> {
    /// Returns how it is known; `None` if the packet is no reply, or if conntrack has no entry for it.
    pub fn of(facts: &Facts<'a>, drop: &'a Step) -> Option<Self> {
        let carries_entry = |step: &&Step| {
            step.direction == Direction::Orig
                && step.netns == drop.netns
                && step.ct.as_ref().is_some_and(|ct| ct.reply.is_some_and(|reply| reply == drop.tuple))
        };
        if drop.direction == Direction::Reply
            && let Some(step) = facts.flow(drop.flow).find(carries_entry)
        {
            return Some(Self::Seen(step));
        }
        let asked = drop.node.iter().find_map(|fact| match fact {
            NodeFact::ConntrackEntry { orig, reply, state, .. } if *reply == drop.tuple && *orig != drop.tuple => {
                Some(Self::Asked(*orig, state.as_deref()))
            }
            _ => None,
        });
        asked.or_else(|| (is_reply(drop) && !drop.node.iter().any(is_answer)).then_some(Self::Unasked))
    }

    /// States what is known of the entry.
    pub fn sentence(self, facts: &Facts<'_>) -> String {
        match self {
            Self::Seen(step) => {
                let state = step.ct.as_ref().map_or(CtState::None, |ct| ct.state);
                let (cite, proto, tuple) = (facts.cite(step), step.tuple.proto, step.tuple);
                format!("{cite}: conntrack knows the flow ({proto} {tuple} is {state}) and expects this reply")
            }
            Self::Asked(orig, state) => {
                let state = state.map(|state| format!(", {state}")).unwrap_or_default();
                format!(
                    "conntrack's table had the flow right after the drop ({} {orig}{state}) and expects this reply",
                    orig.proto
                )
            }
            Self::Unasked => "conntrack's table could not be read: it is not known whether it has the flow".to_owned(),
        }
    }
}

/// Whether a fact says what conntrack's table has.
fn is_answer(fact: &NodeFact) -> bool {
    matches!(fact, NodeFact::ConntrackEntry { .. } | NodeFact::NoConntrackEntry)
}

/// Whether the packet is a reply, by its flow or by itself: only the side that was called answers a SYN.
fn is_reply(step: &Step) -> bool {
    step.direction == Direction::Reply || step.tcp_flags.is_some_and(|flags| flags.answers())
}
