//! `untracked-reply-dropped`: a stateful firewall drops a reply because it is UNTRACKED.

use super::facts::{Facts, dropped_by_netfilter};
use crate::model::{
    Cause, Chain, Confidence, CtState, Direction, Finding, Netfilter, Rule, Severity, Step, Verdict, Where,
};

const ID: &str = "untracked-reply-dropped";

/// One finding for each place that drops and each rule that made UNTRACKED, per flow.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for found in facts.drops().filter_map(|drop| finding(facts, drop)) {
        let same = |other: &&mut Finding| {
            other.flow == found.flow && other.r#where == found.r#where && other.cause.place == found.cause.place
        };
        match findings.iter_mut().find(same) {
            Some(earlier) => earlier.packets.extend(found.packets),
            None => findings.push(found),
        }
    }
    findings
}

fn finding(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    let by = dropped_by_netfilter(drop)?;
    let ct = drop.ct.as_ref().filter(|ct| ct.state == CtState::Untracked)?;
    if drop.direction != Direction::Reply {
        return None;
    }
    let notrack = facts.before(drop).find(|step| step.netns == drop.netns && made_untracked(step))?;
    let tracked = facts.flow(drop.flow).find(|step| {
        step.direction == Direction::Orig
            && step.netns == drop.netns
            && step.ct.as_ref().is_some_and(|ct| ct.reply.is_some_and(|reply| reply == drop.tuple))
    })?;
    let chains = facts.reachable(drop.netns, by);
    let accept = accept_rule(&chains, by);
    // The ruleset is known and has no rule that would have let a tracked reply through: then being
    // UNTRACKED is not why this packet was dropped.
    if accept.is_none() && !chains.is_empty() {
        return None;
    }
    let reason = drop.drop.as_ref().map_or_else(String::new, |drop| drop.reason.clone());
    let packet = packet_name(drop);
    let title = format!(
        "the {packet} of {} {} is dropped on {} by {} because it is UNTRACKED, so that {} cannot match",
        drop.tuple.proto,
        drop.tuple.reversed(),
        drop.ifname,
        name(by),
        accept.map_or_else(|| "a `ct state established` rule".to_owned(), |(_, rule)| format!("`{}`", rule.text)),
    );
    Some(Finding {
        id: ID.to_owned(),
        severity: Severity::Error,
        title,
        flow: drop.flow,
        direction: drop.direction,
        tuple: drop.tuple,
        packets: vec![drop.packet],
        r#where: place(drop, by),
        reason,
        ct_state: ct.state,
        cause: cause(notrack),
        evidence: evidence(facts, drop, by, notrack, tracked, accept),
        confidence: if accept.is_some() { Confidence::Certain } else { Confidence::Likely },
        advice: advice(drop, by, notrack, accept),
    })
}

fn made_untracked(step: &Step) -> bool {
    step.netfilter.as_ref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Notrack))
}

/// The rule that lets tracked replies through: it accepts `established`, and comes before what dropped.
fn accept_rule<'a>(chains: &[&'a Chain], by: &Netfilter) -> Option<(&'a Chain, &'a Rule)> {
    chains.iter().find_map(|chain| {
        let deciding = Some(&chain.chain) == by.chain.as_ref() && !by.policy;
        let end = chain.rules.iter().position(|rule| deciding && Some(rule.rule) == by.rule);
        let accepts = |rule: &&Rule| {
            rule.verdict == Some(Verdict::Accept)
                && !rule.ct_state_negated
                && rule.ct_state.iter().any(|state| state == "established")
        };
        let before = &chain.rules[..end.unwrap_or(chain.rules.len())];
        before.iter().find(accepts).map(|rule| (*chain, rule))
    })
}

fn place(step: &Step, netfilter: &Netfilter) -> Where {
    Where {
        netns: Some(step.netns),
        ifname: Some(step.ifname.clone()).filter(|name| !name.is_empty()),
        hook: netfilter.hook,
        family: netfilter.family,
        table: netfilter.table.clone(),
        chain: netfilter.chain.clone(),
        rule: netfilter.rule,
        policy: netfilter.policy,
    }
}

fn cause(notrack: &Step) -> Cause {
    let netfilter = notrack.netfilter.clone().unwrap_or_default();
    let did = format!("made the packet UNTRACKED (mark {:#x}) before conntrack could look it up", notrack.mark);
    Cause { place: place(notrack, &netfilter), text: netfilter.text, program: None, did }
}

fn evidence(
    facts: &Facts<'_>,
    drop: &Step,
    by: &Netfilter,
    notrack: &Step,
    tracked: &Step,
    accept: Option<(&Chain, &Rule)>,
) -> Vec<String> {
    let ct = tracked.ct.as_ref();
    let mut sentences = vec![
        format!(
            "{}: conntrack knows the flow, {} {} is {}, and expects this reply",
            facts.cite(tracked),
            tracked.tuple.proto,
            tracked.tuple,
            ct.map_or(CtState::None, |ct| ct.state),
        ),
        format!(
            "{}: the {} is made UNTRACKED on {} with mark {:#x} by {}",
            facts.cite(notrack),
            packet_name(notrack),
            notrack.ifname,
            notrack.mark,
            name(&notrack.netfilter.clone().unwrap_or_default()),
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
        sentences.push("which rule on `ct state` it missed could not be looked up".to_owned());
    }
    let reason = drop.drop.as_ref().map_or("", |drop| drop.reason.as_str());
    sentences.push(format!("{}: it is dropped, {reason}, by {}", facts.cite(drop), name(by)));
    sentences
}

fn advice(drop: &Step, by: &Netfilter, notrack: &Step, accept: Option<(&Chain, &Rule)>) -> String {
    let before = accept.map_or_else(|| "before the drop".to_owned(), |(_, rule)| format!("beside `{}`", rule.text));
    let chain = by.base_chain.as_deref().or(by.chain.as_deref()).unwrap_or("input");
    let rule = notrack.netfilter.as_ref().map(name).unwrap_or_default();
    format!(
        "Let untracked replies through in chain {chain} {before}: accept what comes in on {}, or accept `ct state \
         untracked` for this peer.\nOr do not make them untracked: remove or narrow {rule}.",
        drop.ifname,
    )
}

/// "the policy of chain ingress (table inet talos)", "rule 7 of chain …".
fn name(netfilter: &Netfilter) -> String {
    let table = match (netfilter.family, netfilter.table.as_deref()) {
        (Some(family), Some(table)) => format!("table {family} {table}"),
        (None, Some(table)) => format!("table {table}"),
        (..) => "a table that is not known".to_owned(),
    };
    let chain = netfilter.chain.as_deref().map_or_else(|| table.clone(), |chain| format!("chain {chain} ({table})"));
    match (netfilter.policy, netfilter.rule, netfilter.text.as_deref()) {
        (true, ..) => format!("the policy of {chain}"),
        (false, Some(rule), Some(text)) => format!("rule {rule} of {chain}: `{text}`"),
        (false, Some(rule), None) => format!("rule {rule} of {chain}"),
        (false, None, _) => format!("a rule of {chain} that could not be told"),
    }
}

/// "SYN-ACK", "UDP packet".
fn packet_name(step: &Step) -> String {
    match step.tcp_flags.map(|flags| flags.names()).filter(|names| !names.is_empty()) {
        Some(names) => names,
        None => format!("{} packet", step.tuple.proto.to_string().to_uppercase()),
    }
}
