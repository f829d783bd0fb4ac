//! Describes what changed a packet or its path, in plain words.

use tracer_common::hook;

use super::{icmp, place, program, style::clean, tone::Tone, tunnel};
use crate::model::{Nat, Redirect, Route, Step, Trace, Translation, Tuple};

/// A part of a sentence, and how much it matters.
pub(super) type Clause = (String, Tone);

/// Returns what changed at `step`, in the order it happened. `before` is the program's own step if the redirect that it
/// requested is a separate step, because the two are one event.
pub(super) fn clauses(step: &Step, before: Option<&Step>, trace: &Trace, verbose: bool) -> Vec<Clause> {
    let bpf = step.bpf.as_ref().or_else(|| before?.bpf.as_ref());
    let nat = step.nat.as_ref().or_else(|| before?.nat.as_ref());
    let target = step.redirect.as_ref().map(|redirect| target(redirect, step.netns, trace));
    let mut clauses = Vec::new();
    if let Some(nat) = nat {
        let by = bpf.map(|bpf| program::name(bpf, verbose)).or_else(|| place::ruleset(step.netfilter.as_deref()?));
        let by = by.or_else(|| step.is_at(&[hook::NF_NAT_MANIP_PKT]).then(|| "conntrack".to_owned()));
        clauses.push((translation(nat, by.as_deref()), Tone::Notable));
    }
    match (bpf, target) {
        (Some(bpf), target) => clauses.extend(program::actions(bpf, step.mark, target, nat.is_some(), verbose)),
        (None, Some(target)) => clauses.push((format!("redirected by BPF to {target}"), Tone::Notable)),
        (None, None) => {}
    }
    clauses.extend(step.tunnel.as_ref().map(|crossed| (tunnel::words(crossed, step.outer, verbose), Tone::Notable)));
    clauses.extend(step.route.as_deref().map(route));
    clauses.extend(step.icmp.as_ref().map(|error| (icmp::words(error, step), Tone::Notable)));
    clauses
}

fn target(redirect: &Redirect, netns: u32, trace: &Trace) -> String {
    let device = place::device(&redirect.ifname, netns, redirect.ifindex, trace);
    let side = if redirect.ingress { "the ingress of " } else { "" };
    let down = if redirect.up { "" } else { ", which is down" };
    format!("{side}{device}{down}")
}

/// Describes a translation. The tuples show which end changed. A reversed translation changes the other end, and is
/// named after the translation that it reverses. The text says so if no step shows who translated.
fn translation(nat: &Translation, by: Option<&str>) -> String {
    let Translation { kind, before, after, reverses } = nat;
    // An echo has one identifier for both ends: if an address changed, the addresses decide.
    let (source, destination) = match (before.src != after.src, before.dst != after.dst) {
        (false, false) => (before.sport != after.sport, before.dport != after.dport),
        addresses => addresses,
    };
    let what = match (reverses, source, destination) {
        (true, true, false) => Nat::Dnat,
        (true, false, true) => Nat::Snat,
        _ => *kind,
    };
    let ends = match (source, destination) {
        (true, false) => format!("{} → {}", end(before, true), end(after, true)),
        (false, true) => format!("{} → {}", end(before, false), end(after, false)),
        _ => format!("{before} becomes {after}"),
    };
    let reversed = if *reverses { " reversed" } else { "" };
    let by = by.map_or_else(|| ", translator not seen".to_owned(), |by| format!(" by {by}"));
    format!("{what}{reversed}{by}: {ends}")
}

/// Formats one end: `10.0.0.1:4000`, `[fd00::1]:4000`, or `10.0.0.1` without ports.
fn end(tuple: &Tuple, source: bool) -> String {
    let both = tuple.to_string();
    let mut ends = both.split(" → ");
    let end = if source { ends.next() } else { ends.nth(1) };
    end.unwrap_or_default().to_owned()
}

fn route(route: &Route) -> Clause {
    let by = if route.mark == 0 { String::new() } else { format!(" by mark {:#x}", route.mark) };
    let rule = route.rule.as_deref().map(|rule| format!("rule {}", clean(rule)));
    let rule = rule.or_else(|| route.table.map(|table| format!("table {table}")));
    let (from, to) = (clean(&route.from), clean(&route.to));
    let goes = match (to.is_empty(), from.is_empty()) {
        (true, _) => None,
        (false, true) => Some(format!("to {to}")),
        (false, false) if from == to => Some(format!("to {to} as before")),
        (false, false) => Some(format!("to {to} instead of {from}")),
    };
    let words = match (rule, goes) {
        (Some(rule), Some(goes)) => format!(": {rule} sends it {goes}"),
        (Some(rule), None) => format!(": {rule}"),
        (None, Some(goes)) => format!(", {goes}"),
        (None, None) => String::new(),
    };
    let tone = if !to.is_empty() && from == to { Tone::Quiet } else { Tone::Notable };
    (format!("routed again{by}{words}"), tone)
}

#[cfg(test)]
mod tests;
