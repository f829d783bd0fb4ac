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
        let by = by.or_else(|| step.hook.starts_with("nf_nat").then(|| "conntrack".to_owned()));
        clauses.push((translation(nat, by.as_deref()), Tone::Notable));
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

/// `BPF program cil_to_netdev`, with `verbose` also its id.
pub(super) fn program(bpf: &Bpf, verbose: bool) -> String {
    let kind = match bpf.kind.as_str() {
        "xdp" => "XDP",
        "cgroup_skb" => "cgroup BPF",
        _ => "BPF",
    };
    // One whose name could not be looked up is called after its id.
    let name = clean(&bpf.program);
    let name = name.strip_prefix("program ").unwrap_or(&name);
    let id = if verbose && name != bpf.id.to_string() { format!(" (id {})", bpf.id) } else { String::new() };
    format!("{kind} program {name}{id}")
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

/// `TC_ACT_*` (`include/uapi/linux/pkt_cls.h`), `XDP_*` and `SK_*` (`include/uapi/linux/bpf.h`); a cgroup
/// program that returns 2 or 3 drops or passes, and tells the socket of congestion.
pub(super) fn course(bpf: &Bpf) -> Course {
    match (bpf.kind.as_str(), bpf.verdict.rsplit('_').next().unwrap_or_default()) {
        ("cgroup_skb", "2") | (_, "SHOT" | "DROP" | "ABORTED") => Course::Dropped,
        ("cgroup_skb", "3") | (_, "OK" | "PASS" | "PIPE" | "UNSPEC" | "RECLASSIFY") => Course::Passes,
        (_, "REDIRECT" | "TX") => Course::Redirected,
        _ => Course::Other,
    }
}

/// What a program did beside translating.
fn deeds(bpf: &Bpf, mark: u32, target: Option<String>, translated: bool, verbose: bool) -> Option<Clause> {
    let verdict = clean(&bpf.verdict);
    // After a translation, which names the program, the packet is what the sentence goes on about.
    let voice = |active: String, passive: String| if translated { passive } else { active };
    let marks = bpf.mark_before.filter(|before| *before != mark).map(|_| match mark {
        0 => voice("clears its mark".to_owned(), "its mark cleared".to_owned()),
        mark => voice(format!("sets mark {mark:#x}"), format!("given mark {mark:#x}")),
    });
    let calm = if translated || marks.is_some() { Tone::Notable } else { Tone::Quiet };
    let (goes, tone) = match (course(bpf), target) {
        (_, Some(target)) => (Some(voice(format!("sends it to {target}"), format!("sent to {target}"))), Tone::Notable),
        (Course::Dropped, None) => (Some(voice("drops it".to_owned(), "dropped".to_owned())), Tone::Bad),
        (Course::Redirected, None) => (Some(voice("redirects it".to_owned(), "redirected".to_owned())), Tone::Notable),
        (Course::Other, None) => (Some("decides".to_owned()).filter(|_| !translated), Tone::Notable),
        (Course::Passes, None) => (None, calm),
    };
    let deeds: Vec<_> = [marks, goes].into_iter().flatten().collect();
    let subject = program(bpf, verbose);
    let words = match (deeds.is_empty(), translated) {
        (true, true) => String::new(),
        (true, false) => format!("passes {subject}"),
        (false, true) => format!("then {}", deeds.join(" and ")),
        (false, false) => format!("{subject} {}", deeds.join(" and ")),
    };
    let tells = verbose || matches!(course(bpf), Course::Dropped | Course::Other);
    match (words.is_empty(), tells) {
        (true, false) => None,
        (true, true) => Some((format!("verdict {verdict}"), tone)),
        (false, false) => Some((words, tone)),
        (false, true) => Some((format!("{words}: {verdict}"), tone)),
    }
}

fn target(redirect: &Redirect, netns: u32, trace: &Trace) -> String {
    let device = place::device(&redirect.ifname, netns, redirect.ifindex, trace);
    let side = if redirect.ingress { ", as if received there" } else { "" };
    let down = if redirect.up { "" } else { ", which is down" };
    format!("{device}{side}{down}")
}

/// Which end changed is read from the tuples; what is undone is the translation of the other end, as
/// seen from the packets that it was done to. Nobody is named where nobody was seen at it.
fn translation(nat: &Translation, by: Option<&str>) -> String {
    let Translation { kind, before, after, reverses } = nat;
    // An echo has one identifier for both ends: where an address changed, the addresses decide.
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
    let by = by.map_or_else(|| ", by whom was not seen".to_owned(), |by| format!(" by {by}"));
    format!("{what}{reversed}{by}: {ends}")
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
