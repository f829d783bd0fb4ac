//! What changed a packet or its course, in plain words.

use super::{icmp, place, style::clean, words::Tone};
use crate::model::{Bpf, Nat, Peer, Redirect, Route, Step, Trace, Translation, Tunnel, TunnelKind, Tuple};

/// A part of a sentence, and how much it matters.
pub(super) type Clause = (String, Tone);

/// What changed at `step`, in the order it happened. `before` is the program's own step where the
/// redirect that it asked for is a step of its own: the two are one event.
pub(super) fn clauses(step: &Step, before: Option<&Step>, trace: &Trace, verbose: bool) -> Vec<Clause> {
    let bpf = step.bpf.as_ref().or_else(|| before?.bpf.as_ref());
    let nat = step.nat.as_ref().or_else(|| before?.nat.as_ref());
    let target = step.redirect.as_ref().map(|redirect| target(redirect, step.netns, trace));
    let mut clauses = Vec::new();
    if let Some(nat) = nat {
        let by = bpf.map(|bpf| program(bpf, verbose)).or_else(|| place::ruleset(step.netfilter.as_ref()?));
        clauses.push((translation(nat, by.as_deref().unwrap_or("conntrack")), Tone::Notable));
    }
    match (bpf, target) {
        (Some(bpf), target) => clauses.extend(deeds(bpf, step.mark, target, nat.is_some(), verbose)),
        (None, Some(target)) => clauses.push((format!("moved by BPF to {target}"), Tone::Notable)),
        (None, None) => {}
    }
    clauses.extend(step.tunnel.as_ref().map(|crossed| (tunnel(crossed, step.outer, verbose), Tone::Notable)));
    clauses.extend(step.route.as_ref().map(route));
    clauses.extend(step.icmp.as_ref().map(|error| (icmp::words(error, step), Tone::Notable)));
    clauses
}

/// `BPF program cil_to_netdev`, with `verbose` also its id and kind.
pub(super) fn program(bpf: &Bpf, verbose: bool) -> String {
    let kind = match bpf.kind.as_str() {
        "xdp" => "XDP",
        "cgroup_skb" => "cgroup BPF",
        _ => "BPF",
    };
    let id = if verbose { format!(" (id {})", bpf.id) } else { String::new() };
    format!("{kind} program {}{id}", clean(&bpf.program))
}

/// What a program made of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    /// It goes on as if there were no program.
    Passes,
    /// It goes to another device.
    Redirected,
    /// It ends here.
    Dropped,
    /// Something rare.
    Other,
}

/// Verdicts as in `include/uapi/linux/pkt_cls.h` and `bpf.h`; a cgroup program returns 0 to drop, and
/// with 2 or 3 it also tells the socket of congestion.
pub(super) fn course(bpf: &Bpf) -> Course {
    let verdict = bpf.verdict.as_str();
    if bpf.kind == "cgroup_skb" {
        return match verdict.parse() {
            Ok(0 | 2) => Course::Dropped,
            Ok(1_i32 | 3) => Course::Passes,
            _ if verdict.eq_ignore_ascii_case("drop") => Course::Dropped,
            _ if ["allow", "pass"].iter().any(|word| verdict.eq_ignore_ascii_case(word)) => Course::Passes,
            _ => Course::Other,
        };
    }
    match verdict.rsplit('_').next().unwrap_or_default() {
        "OK" | "PASS" | "NEXT" | "PIPE" | "UNSPEC" | "RECLASSIFY" => Course::Passes,
        "REDIRECT" | "TX" => Course::Redirected,
        "SHOT" | "DROP" | "ABORTED" => Course::Dropped,
        _ => Course::Other,
    }
}

fn deeds(bpf: &Bpf, mark: u32, target: Option<String>, translated: bool, verbose: bool) -> Option<Clause> {
    let verdict = clean(&bpf.verdict);
    let marks = bpf.mark_before.filter(|before| *before != mark).map(|_| match mark {
        0 => "clears its mark".to_owned(),
        mark => format!("sets mark {mark:#x}"),
    });
    let (goes, tone) = match (course(bpf), target) {
        (_, Some(target)) => (Some(format!("sends it to {target}")), Tone::Notable),
        (Course::Dropped, None) => (Some(format!("drops it: {verdict}")), Tone::Bad),
        (Course::Redirected, None) => (Some("redirects it".to_owned()), Tone::Notable),
        (Course::Other, None) => (Some(format!("decides: {verdict}")), Tone::Notable),
        (Course::Passes, None) if translated || marks.is_some() => (None, Tone::Notable),
        (Course::Passes, None) => (Some("lets it pass".to_owned()), Tone::Quiet),
    };
    let deeds: Vec<_> = [marks, goes].into_iter().flatten().collect();
    let subject = if translated { "which also".to_owned() } else { program(bpf, verbose) };
    let told = if verbose && tone != Tone::Bad { format!(": {verdict}") } else { String::new() };
    match deeds.is_empty() {
        true if told.is_empty() => None,
        true => Some((format!("verdict{told}"), tone)),
        false => Some((format!("{subject} {}{told}", deeds.join(" and ")), tone)),
    }
}

fn target(redirect: &Redirect, netns: u32, trace: &Trace) -> String {
    let device = place::device(&redirect.ifname, netns, redirect.ifindex, trace);
    let side = if redirect.ingress { ", as if received there" } else { "" };
    let down = if redirect.up { "" } else { ", which is down" };
    format!("{device}{side}{down}")
}

/// Which end changed is read from the tuples; what is undone is the translation of the other end, as
/// seen from the packets that it was done to.
fn translation(nat: &Translation, by: &str) -> String {
    let Translation { kind, before, after, reverses } = nat;
    let source = (before.src, before.sport) != (after.src, after.sport);
    let destination = (before.dst, before.dport) != (after.dst, after.dport);
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
    format!("{what}{reversed} by {by}: {ends}")
}

/// `10.0.0.1:4000`, `[fd00::1]:4000`, without ports `10.0.0.1`.
fn end(tuple: &Tuple, source: bool) -> String {
    let both = tuple.to_string();
    let mut ends = both.split(" → ");
    let end = if source { ends.next() } else { ends.nth(1) };
    end.unwrap_or_default().to_owned()
}

fn tunnel(tunnel: &Tunnel, outer: Option<Tuple>, verbose: bool) -> String {
    let name = clean(&tunnel.ifname);
    let kind = tunnel.kind;
    let peer = tunnel.peer.as_ref().map(|peer| self::peer(peer, verbose));
    let (by, id) = match (kind, tunnel.id) {
        (_, None) => (kind.to_string(), String::new()),
        (TunnelKind::Vxlan | TunnelKind::Geneve, Some(id)) => (kind.to_string(), format!(" VNI {id}")),
        (TunnelKind::Esp, Some(id)) => (kind.to_string(), format!(" SPI {id:#x}")),
        (_, Some(id)) => (kind.to_string(), format!(" key {id}")),
    };
    let device = if name.is_empty() { String::new() } else { format!(" by {name}") };
    let outer = tunnel.outer.or(outer);
    let words = match (kind, tunnel.enters) {
        (TunnelKind::Wireguard, true) if peer.is_none() && outer.is_none() => format!("enters WireGuard device {name}"),
        (TunnelKind::Wireguard, true) => {
            let peer = peer.map(|peer| format!(" for {peer}")).unwrap_or_default();
            format!("encrypted by WireGuard device {name}{peer}")
        }
        (TunnelKind::Wireguard, false) => {
            let peer = peer.map(|peer| format!(", from {peer}")).unwrap_or_default();
            format!("decrypted by WireGuard device {name}{peer}")
        }
        (TunnelKind::Esp, true) => format!("encrypted by IPsec, {by}{id}"),
        (TunnelKind::Esp, false) => format!("decrypted by IPsec, {by}{id}"),
        (_, true) => format!("wrapped in {by}{id}{device}"),
        (_, false) => format!("unwrapped from {by}{id}{device}"),
    };
    match outer.filter(|_| tunnel.enters) {
        Some(outer) => format!("{words}, travels as {}", self::outer(outer)),
        None => words,
    }
}

/// `UDP 198.51.100.10:51871 → 192.0.2.20:51871`.
pub(super) fn outer(tuple: Tuple) -> String {
    let proto = match tuple.proto.0 {
        41 => "IPv6 in IP".to_owned(),
        _ => tuple.proto.to_string().to_uppercase(),
    };
    format!("{proto} {tuple}")
}

fn peer(peer: &Peer, verbose: bool) -> String {
    /// Enough of a key to find it in what `wg` shows.
    const SHORT: usize = 8;
    let key = clean(&peer.public_key);
    let key = match key.char_indices().nth(SHORT) {
        Some((end, _)) if !verbose => format!("{}…", &key[..end]),
        _ => key.into_owned(),
    };
    match &peer.endpoint {
        Some(endpoint) => format!("peer {key} at {}", clean(endpoint)),
        None => format!("peer {key}, whose endpoint is not known"),
    }
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
