//! Describes what happened at a step, in plain words.

use tracer_common::{HookId, hook};

use super::{
    change,
    hooks::{shows_position, usual},
    place,
    program::{self, Decision},
    style::clean,
    tone::Tone,
    tunnel,
};
use crate::model::{CtState, Netfilter, Step, Trace, Verdict};

/// What happened at a step.
pub(super) struct Happening {
    /// What happened, in words.
    pub(super) words: String,
    /// Where the packet is afterwards. This part is always quiet.
    pub(super) then: Option<String>,
    /// Text of the rule that decided.
    pub(super) rule: Option<String>,
    /// How much it matters.
    pub(super) tone: Tone,
}

/// The function that frees a packet whose source WireGuard refuses. The kernel does not count this as a drop
/// (`drivers/net/wireguard/receive.c`).
const REFUSED_SOURCE: HookId = hook::CONSUME_SKB;

/// Describes what happened at `step`. `decided` is the step before it if that step decided to drop or redirect the
/// packet, because the two are one event.
pub(super) fn happening(step: &Step, decided: Option<&Step>, trace: &Trace, verbose: bool) -> Happening {
    let usual = usual(&step.hook);
    let netfilter = step.netfilter.as_ref().or_else(|| decided.and_then(|step| step.netfilter.as_ref()));
    let rule = netfilter.and_then(|netfilter| netfilter.text.as_deref()).map(|text| clean(text).into_owned());
    if let Some(drop) = &step.drop {
        let program = step.bpf.as_ref().or_else(|| decided?.bpf.as_ref());
        let program = program.filter(|bpf| program::decision(bpf) == Decision::Dropped);
        let by = program.map(|bpf| program::name(bpf, verbose)).or_else(|| place::ruleset(netfilter?));
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let words = if step.is_at(&[REFUSED_SOURCE]) && drop.reason == "CONSUMED" {
            format!("silently discarded by WireGuard: {} is not an allowed IP of the peer", step.tuple.src)
        } else {
            format!("dropped{by}: {}", clean(&drop.reason))
        };
        return Happening { words, then: None, rule, tone: Tone::Bad };
    }
    let clauses = change::clauses(step, decided, trace, verbose);
    let position = shows_position(step);
    let here = match netfilter {
        Some(netfilter) if clauses.is_empty() || position && netfilter.chain.is_none() => {
            Some(decision(netfilter, &usual, verbose))
        }
        _ if clauses.is_empty() || position => Some(plain(step, usual)),
        _ => None,
    };
    let Some(tone) = clauses.iter().map(|(_, tone)| *tone).max() else {
        let (words, tone) = here.unwrap_or_default();
        return Happening { words, then: None, rule: rule.filter(|_| tone != Tone::Quiet), tone };
    };
    let words = clauses.into_iter().map(|(words, _)| words).collect::<Vec<_>>().join(", ");
    let cites = step.nat.is_some() && step.bpf.is_none();
    Happening { words, then: here.map(|(words, _)| words), rule: rule.filter(|_| cites), tone }
}

fn plain(step: &Step, usual: String) -> (String, Tone) {
    let invalid = step.ct.as_ref().is_some_and(|ct| ct.state == CtState::Invalid);
    if invalid && step.is_at(&[hook::NF_CONNTRACK_IN]) {
        ("conntrack: no matching connection, INVALID".to_owned(), Tone::Notable)
    } else if step.is_at(&[hook::IP_PROTOCOL_DELIVER_RCU, hook::IP6_PROTOCOL_DELIVER_RCU]) {
        (format!("reaches {}", tunnel::protocol(step.outer.unwrap_or(step.tuple).proto)), Tone::Quiet)
    } else if step.is_at(&[hook::TCP_V4_SEND_RESET, hook::TCP_V6_SEND_RESET]) {
        (usual, Tone::Notable)
    } else {
        (usual, Tone::Quiet)
    }
}

fn decision(netfilter: &Netfilter, usual: &str, verbose: bool) -> (String, Tone) {
    let place = place::ruleset(netfilter);
    let subject = place.as_deref().unwrap_or(usual);
    match netfilter.verdict {
        Some(Verdict::Notrack) => (format!("made UNTRACKED by {subject}"), Tone::Notable),
        Some(Verdict::Drop) => (format!("{subject} decides to drop it"), Tone::Bad),
        Some(Verdict::Accept) if place.is_some() && (verbose || netfilter.rule.is_some() && !netfilter.policy) => {
            (format!("accepted by {subject}"), Tone::Quiet)
        }
        None | Some(Verdict::Accept) => match netfilter.hook {
            // A hook and every chain that accepts the packet read the same, so that their rows merge.
            Some(hook) => (format!("netfilter {hook}"), Tone::Quiet),
            None => (usual.to_owned(), Tone::Quiet),
        },
        Some(verdict) => (format!("{subject} decides: {verdict}"), Tone::Notable),
    }
}
