//! `nfqueue-unanswered`: packets wait for a program.

use super::{
    super::{
        super::firewall::{name, place},
        Waited,
    },
    Held, certain_if, draft,
};
use crate::model::{Cause, Confidence, NodeFact, Severity, Verdict};

/// Explains packets that a rule has queued for a program.
pub fn explain(waited: &Waited<'_>) -> Held {
    let queues = waited.node.iter().filter_map(|fact| match fact {
        NodeFact::Queue { number, owner, waiting } => Some((*number, owner.as_deref(), *waiting)),
        _ => None,
    });
    let queues: Vec<_> = queues.collect();
    let reader = match &queues[..] {
        [(number, Some(owner), _)] => format!("{owner}, which reads queue {number},"),
        [(number, None, _)] => format!("the program that reads queue {number}"),
        _ => "the program that reads the queue".to_owned(),
    };
    let mut evidence: Vec<_> =
        queues.iter().map(|(number, _, waiting)| format!("queue {number}: {waiting} packets wait")).collect();
    let rule = waited.first.netfilter.as_deref().filter(|rule| rule.verdict == Some(Verdict::Queue));
    evidence.extend(rule.map(|rule| format!("{} queued the packet", name(rule))));
    let mut draft = draft(
        waited,
        evidence,
        certain_if(queues.len() == 1),
        format!(
            "Find out why {reader} is late, or restart it.\nWith `queue flags bypass` (`--queue-bypass`) packets pass while \
             no program reads the queue, but not while one is late."
        ),
    );
    let queued = if rule.is_some() { "queued" } else { "may have queued" };
    if let Some(rule) = rule {
        draft.place = place(waited.first, rule);
        draft.cause = Cause { place: draft.place.clone(), text: rule.text.clone(), ..Cause::default() };
    }
    Held {
        id: "nfqueue-unanswered",
        why: format!("a rule {queued} it for a program (NFQUEUE), and {reader} has not decided so far"),
        draft,
        severity: Severity::Error,
    }
}

/// Where the verdicts of nftables are not seen, a queue that holds packets may hold this one.
pub fn explain_unseen(waited: &Waited<'_>) -> Option<Held> {
    waited.node.iter().find(|fact| matches!(fact, NodeFact::Queue { .. }))?;
    let mut held = explain(waited);
    held.draft.confidence = Confidence::Possible;
    Some(held)
}
