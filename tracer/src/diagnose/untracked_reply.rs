//! `untracked-reply-dropped`: a stateful firewall drops a reply because it is UNTRACKED.

use super::{
    expected::Expected,
    facts::Facts,
    finding::{Draft, merged},
    firewall::{accept_rule, dropped, flow_name, name, packet_name, place},
};
use crate::model::{Cause, Chain, Confidence, CtState, Direction, Finding, Netfilter, Rule, Step, Verdict};

const ID: &str = "untracked-reply-dropped";

/// Returns one finding for each flow, each place that drops and each rule that made packets UNTRACKED.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

fn finding<'a>(facts: &Facts<'a>, drop: &'a Step) -> Option<Finding> {
    let refusal = facts.refusal(drop)?;
    let by = refusal.by;
    drop.ct.as_ref().filter(|ct| ct.state == CtState::Untracked)?;
    let (notrack, confidence) = match notrack(facts, drop) {
        Some(notrack) => (notrack, refusal.confidence(drop)),
        None => (facts.ended_alike(drop).find_map(|other| notrack(facts, other))?, Confidence::Likely),
    };
    let expected = Expected::of(facts, drop)?;
    let chains = facts.reachable(drop.netns, by);
    let accept = accept_rule(&chains, by);
    // The ruleset is known, and no rule of it would have accepted a tracked reply. Being UNTRACKED is therefore not
    // the cause.
    if accept.is_none() && !chains.is_empty() {
        return None;
    }
    let packet = packet_name(drop);
    let title = format!(
        "the {packet} of {} was dropped on {} by {}: it is UNTRACKED, so {} cannot match it",
        flow_name(drop.tuple.proto, drop.tuple.reversed()),
        drop.ifname,
        name(by),
        accept.map_or_else(|| "a `ct state established` rule".to_owned(), |(_, rule)| format!("`{}`", rule.text)),
    );
    let mut evidence = evidence(facts, drop, by, notrack, expected, accept);
    evidence.extend(refusal.missed(facts, drop));
    let draft = Draft {
        id: ID,
        title,
        place: place(drop, by),
        cause: cause(notrack),
        evidence,
        confidence: if accept.is_some() && !matches!(expected, Expected::Unasked) {
            confidence
        } else {
            Confidence::Likely
        },
        advice: advice(drop, by, notrack, accept),
    };
    // A trace that began in the middle of the flow may have taken this direction for the original one.
    Some(Finding { direction: Direction::Reply, ..draft.about(drop) })
}

/// Returns the step that made the dropped packet UNTRACKED, if it was seen. A step in another layer of tunnels does
/// not count, because conntrack's state is reset where a tunnel ends.
fn notrack<'a>(facts: &Facts<'a>, drop: &Step) -> Option<&'a Step> {
    let mut before = facts.before(drop);
    before.find(|step| step.netns == drop.netns && step.outer == drop.outer && made_untracked(step))
}

fn made_untracked(step: &Step) -> bool {
    step.netfilter.as_ref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Notrack))
}

fn cause(notrack: &Step) -> Cause {
    let netfilter = notrack.netfilter.as_deref().cloned().unwrap_or_default();
    let did = format!("made the packet UNTRACKED (mark {:#x}) before conntrack could look it up", notrack.mark);
    Cause { place: place(notrack, &netfilter), text: netfilter.text, program: None, did }
}

fn evidence(
    facts: &Facts<'_>,
    drop: &Step,
    by: &Netfilter,
    notrack: &Step,
    expected: Expected<'_>,
    accept: Option<(&Chain, &Rule)>,
) -> Vec<String> {
    let mut sentences = vec![
        expected.sentence(facts),
        format!(
            "{}: the {} is made UNTRACKED on {} with mark {:#x} by {}",
            facts.cite(notrack),
            packet_name(notrack),
            notrack.ifname,
            notrack.mark,
            notrack.netfilter.as_deref().map(name).unwrap_or_default(),
        ),
    ];
    if let Some((chain, rule)) = accept {
        sentences.push(format!(
            "{}: it is UNTRACKED there, so rule {} of chain {} (`{}`) cannot match",
            facts.cite(drop),
            rule.rule,
            chain.chain,
            rule.text
        ));
    } else {
        sentences.push("the `ct state` rule that it missed could not be looked up".to_owned());
    }
    sentences.push(format!("{}: {}, by {}", facts.cite(drop), dropped(drop), name(by)));
    sentences
}

fn advice(drop: &Step, by: &Netfilter, notrack: &Step, accept: Option<(&Chain, &Rule)>) -> String {
    let before = accept.map_or_else(|| "before the drop".to_owned(), |(_, rule)| format!("next to `{}`", rule.text));
    let chain = by.base_chain.as_deref().or(by.chain.as_deref()).unwrap_or("input");
    let rule = notrack.netfilter.as_deref().map(name).unwrap_or_default();
    format!(
        "Accept untracked replies in chain {chain}, {before}: accept packets that arrive on {}, or accept `ct state \
         untracked` for this peer.\nOr keep the replies tracked: remove or narrow {rule}.",
        drop.ifname,
    )
}
