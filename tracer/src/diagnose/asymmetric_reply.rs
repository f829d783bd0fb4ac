//! `asymmetric-reply-invalid`: a stateful firewall sees only one direction of a flow, considers its packets INVALID
//! and drops them.

use tracer_common::hook;

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{accept_rule, dropped, flow_name, matches_invalid, name, packet_name, place},
    unreversed_reply::unreversed,
};
use crate::model::{Cause, Chain, Confidence, CtState, Direction, Finding, Netfilter, NodeFact, Rule, Step};

/// Returns one finding for each flow and place.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

fn finding<'a>(facts: &Facts<'a>, drop: &'a Step) -> Option<Finding> {
    let refusal = facts.refusal(drop)?;
    let by = refusal.by;
    let invalid = drop.ct.as_ref().is_some_and(|ct| ct.state == CtState::Invalid);
    // A reply that is not translated back is INVALID for another reason.
    if drop.direction != Direction::Reply || !invalid || unreversed(facts, drop).is_some() {
        return None;
    }
    // Conntrack there knows the tuple, perhaps in another zone. It has therefore seen the request, whether or not
    // the trace has.
    if drop.node.iter().any(|fact| matches!(fact, NodeFact::ConntrackZones { .. })) {
        return None;
    }
    let chains = facts.reachable(drop.netns, by);
    let because = because(&chains, by)?;
    let requests: Vec<&Step> = facts.sights(drop.flow).filter(|step| step.ts < drop.ts).collect();
    let elsewhere = requests.iter().copied().find(|step| step.netns != drop.netns && step.ifindex.is_some());
    // If the firewall has seen the request, it has another reason to call the reply INVALID. With `--drops`, a
    // request that was not reported may still have passed.
    if requests.iter().any(|step| step.netns == drop.netns) || (elsewhere.is_none() && !facts.reports_passing_packets())
    {
        return None;
    }
    let packet = packet_name(drop);
    let netns = facts.netns(drop.netns);
    let draft = Draft {
        id: "asymmetric-reply-invalid",
        title: format!(
            "the {packet} of {} was dropped on {} by {}: conntrack in netns {netns} did not see the request and \
             classifies the reply as INVALID",
            flow_name(drop.tuple.proto, drop.tuple.reversed()),
            drop.ifname,
            name(by),
        ),
        place: place(drop, by),
        cause: Cause {
            did: match elsewhere {
                Some(request) => format!(
                    "the request bypassed netns {netns}: it passed {} in netns {}",
                    request.ifname,
                    facts.netns(request.netns)
                ),
                None => format!("no packet of the other direction passed netns {netns}"),
            },
            ..Cause::default()
        },
        evidence: evidence(facts, drop, by, elsewhere, because)
            .into_iter()
            .chain(refusal.missed(facts, drop))
            .collect(),
        confidence: if elsewhere.is_some() { refusal.confidence(drop) } else { Confidence::Likely },
        advice: format!(
            "Route both directions of this flow through netns {netns}, or neither: the request from {} and its reply \
             must pass the same firewall.\nIf the asymmetry is intended, accept this traffic without conntrack before \
             {}.",
            drop.tuple.dst,
            name(by)
        ),
    };
    Some(draft.about(drop))
}

/// Why an INVALID packet is dropped: by a rule that matches INVALID, or because a rule for known connections could
/// not match.
enum Because<'a> {
    Rule,
    CouldNotMatch(&'a Chain, &'a Rule),
}

fn because<'a>(chains: &[&'a Chain], by: &Netfilter) -> Option<Because<'a>> {
    let deciding = chains
        .iter()
        .filter(|chain| Some(&chain.chain) == by.chain.as_ref() && !by.policy)
        .flat_map(|chain| &chain.rules)
        .find(|rule| Some(rule.rule) == by.rule);
    if deciding.is_some_and(matches_invalid) {
        return Some(Because::Rule);
    }
    accept_rule(chains, by).map(|(chain, rule)| Because::CouldNotMatch(chain, rule))
}

fn evidence(
    facts: &Facts<'_>,
    drop: &Step,
    by: &Netfilter,
    elsewhere: Option<&Step>,
    because: Because<'_>,
) -> Vec<String> {
    let netns = facts.netns(drop.netns);
    let mut sentences = Vec::new();
    sentences.push(match elsewhere {
        Some(request) => format!(
            "{}: the {} passes {} in netns {}; no packet in that direction passed netns {netns}",
            facts.cite(request),
            packet_name(request),
            request.ifname,
            facts.netns(request.netns)
        ),
        None => format!("no packet of the other direction was seen in netns {netns} or anywhere else"),
    });
    let looked_up = facts.before(drop).find(|step| step.netns == drop.netns && step.is_at(&[hook::NF_CONNTRACK_IN]));
    if let Some(step) = looked_up {
        sentences.push(format!("{}: conntrack looks up the {}: INVALID", facts.cite(step), packet_name(drop)));
    }
    if let Because::CouldNotMatch(chain, rule) = because {
        sentences.push(format!(
            "rule {} of chain {} (`{}`) accepts established connections but cannot match this packet",
            rule.rule, chain.chain, rule.text
        ));
    }
    sentences.push(format!("{}: {}, by {}", facts.cite(drop), dropped(drop), name(by)));
    sentences
}
