//! `firewall-drop`, `firewall-reject` and `ct-invalid-dropped`: a rule, or a chain's policy, refuses the packet.

use tracer_common::hook;

use super::{
    super::{
        facts::Refusal,
        firewall::{act, matches_invalid, name, place},
    },
    Dropped, Explained,
};
use crate::model::{Cause, Confidence, CtState, Netfilter, NodeFact, Severity, Step};

/// Explains drops by netfilter, except those by conntrack itself.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    match dropped.facts.refusal(dropped.step) {
        Some(refusal) if refusal.by.table.is_some() => Some(by_ruleset(dropped, refusal)),
        Some(_) => None,
        None => by_hook(dropped),
    }
}

fn by_ruleset(dropped: &Dropped<'_>, refusal: Refusal<'_>) -> Explained {
    let (step, by) = (dropped.step, refusal.by);
    let mut explained = Explained {
        id: "firewall-drop",
        why: act(by, "drops it"),
        place: Some(place(step, by)),
        cause: Cause { place: place(step, by), text: by.text.clone(), did: did(by), ..Cause::default() },
        evidence: believed(dropped).into_iter().chain(refusal.missed(dropped.facts, step)).collect(),
        confidence: if by.policy || by.rule.is_some() { refusal.confidence(step) } else { Confidence::Likely },
        advice: format!("If such packets should pass, accept them before {}.", name(by)),
        ..Explained::default()
    };
    if is_reject(by) {
        explained.id = "firewall-reject";
        explained.why = act(by, "rejects it");
        explained.cause.did = act(by, &format!("rejected the packet{}", answer(dropped)));
        explained.evidence.extend(answered(dropped));
    } else if drops_invalid(dropped, by) {
        explained.id = "ct-invalid-dropped";
        explained.why = format!("conntrack classifies it as INVALID, and {}", act(by, "drops INVALID packets"));
        explained.cause.did = format!("{}; {}", did(by), why_invalid(dropped));
        explained.advice = "Find out why conntrack classifies it as INVALID: the connection is older than its entry, \
                            conntrack sees only one direction, or a segment is outside the window \
                            (`sysctl net.netfilter.nf_conntrack_log_invalid=6` logs the reason).\nThen open the \
                            connection again."
            .to_owned();
    }
    explained
}

fn did(by: &Netfilter) -> String {
    act(by, "dropped the packet")
}

/// Whether the rule rejects, by its target or expression. The kernel frees a rejected packet like one that a rule
/// drops.
fn is_reject(by: &Netfilter) -> bool {
    let text = by.text.as_deref().unwrap_or_default();
    !by.policy && (text.contains("-j REJECT") || text.split_whitespace().any(|word| word == "reject"))
}

/// Cites the ICMP error or reset that went back.
fn answered(dropped: &Dropped<'_>) -> Option<String> {
    if let Some(step) = dropped.before().find(|step| step.icmp.is_some() && step.netns == dropped.step.netns) {
        return Some(format!("{}: an ICMP error about it is sent back", dropped.facts.cite(step)));
    }
    let reset = reset(dropped)?;
    Some(format!("{}: a reset is sent back", dropped.facts.cite(reset)))
}

fn answer(dropped: &Dropped<'_>) -> &'static str {
    match (dropped.before().any(|step| step.icmp.is_some()), reset(dropped)) {
        (true, _) => " with an ICMP error",
        (_, Some(_)) => " with a reset",
        _ => "",
    }
}

/// Finds a reset in the other direction that this netns sent while the packet was walking the chains.
fn reset<'a>(dropped: &Dropped<'a>) -> Option<&'a Step> {
    let step = dropped.step;
    let arrived = dropped.before().find(|before| before.netns != step.netns || !before.is_at(&[hook::NF_HOOK_SLOW]))?;
    dropped.facts.flow_within(step.flow, arrived.ts, step.ts).find(|other| {
        other.netns == step.netns
            && other.direction != step.direction
            && (arrived.ts..step.ts).contains(&other.ts)
            && other.tcp_flags.is_some_and(|flags| flags.names().contains("RST"))
    })
}

fn drops_invalid(dropped: &Dropped<'_>, by: &Netfilter) -> bool {
    let invalid = dropped.step.ct.as_ref().is_some_and(|ct| ct.state == CtState::Invalid);
    let chains = dropped.facts.reachable(dropped.step.netns, by);
    let chain = chains.iter().find(|chain| Some(&chain.chain) == by.chain.as_ref());
    let rule = chain.and_then(|chain| chain.rules.iter().find(|rule| Some(rule.rule) == by.rule));
    invalid && !by.policy && rule.is_some_and(matches_invalid)
}

fn why_invalid(dropped: &Dropped<'_>) -> &'static str {
    let known = dropped.node().iter().any(|fact| matches!(fact, NodeFact::ConntrackZones { .. }));
    if known {
        "conntrack has an entry for its tuple, but the packet does not fit the connection's state"
    } else {
        "conntrack classified it as INVALID"
    }
}

/// Conntrack's belief about the packet, if a look-up was seen.
fn believed(dropped: &Dropped<'_>) -> Option<String> {
    let state = dropped.step.ct.as_ref().map(|ct| ct.state).filter(|state| *state != CtState::None)?;
    let zone = dropped.step.ct.as_ref().and_then(|ct| ct.zone);
    let zone = zone.or_else(|| dropped.passed(&[hook::NF_CONNTRACK_IN])?.ct.as_ref()?.zone).filter(|zone| *zone != 0);
    let zone = zone.map_or_else(String::new, |zone| format!(", looked up in zone {zone}"));
    Some(format!("its conntrack state is {state}{zone}"))
}

/// Explains drops for which no verdict was seen, on old kernels and at hooks that are not traced: netfilter's own
/// function freed the packet. The finding is only `Info`, because the cause is unknown: conntrack may have refused
/// it, too.
fn by_hook(dropped: &Dropped<'_>) -> Option<Explained> {
    let freed = dropped.because(&["NETFILTER_DROP", "NETFILTER_INGRESS"])
        || dropped.unspecified_within(&["nf_hook_slow", "nf_hook_slow_list"]);
    freed.then(|| Explained {
        id: "firewall-drop",
        severity: Severity::Info,
        why: "netfilter drops it, but the rule is unknown".to_owned(),
        cause: Cause {
            place: super::super::firewall::on_device(dropped.step),
            did: "netfilter dropped the packet, but the rule is unknown".to_owned(),
            ..Cause::default()
        },
        evidence: believed(dropped).into_iter().collect(),
        confidence: Confidence::Likely,
        advice: "Find the rule in this netns that drops such packets (`nft list ruleset`, \
                 `iptables-save -c`)."
            .to_owned(),
        ..Explained::default()
    })
}
