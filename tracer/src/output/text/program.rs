//! Describes what BPF programs did, in plain words.

use super::{change::Clause, style::clean, tone::Tone};
use crate::model::Bpf;

/// Names a program: `BPF program cil_to_netdev`. With `verbose`, adds its id.
pub(super) fn name(bpf: &Bpf, verbose: bool) -> String {
    let kind = match bpf.kind.as_str() {
        "xdp" => "XDP",
        "cgroup_skb" => "cgroup BPF",
        _ => "BPF",
    };
    // A program whose name could not be looked up is called `program` and its id.
    let program = clean(&bpf.program);
    let name = program.strip_prefix("program ").unwrap_or(&program);
    let id = if verbose && name != bpf.id.to_string() { format!(" (id {})", bpf.id) } else { String::new() };
    format!("{kind} program {name}{id}")
}

/// What a program decided about a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// The packet continues as if there were no program.
    Passes,
    /// The packet goes to another device.
    Redirected,
    /// The packet ends here.
    Dropped,
    /// Any other verdict.
    Other,
}

/// Classifies a verdict: `TC_ACT_*` (`include/uapi/linux/pkt_cls.h`), `XDP_*` and `SK_*` (`include/uapi/linux/bpf.h`).
/// A cgroup program that returns 2 drops the packet, one that returns 3 passes it. Both also signal congestion to the
/// socket.
pub(super) fn decision(bpf: &Bpf) -> Decision {
    match (bpf.kind.as_str(), bpf.verdict.rsplit('_').next().unwrap_or_default()) {
        ("cgroup_skb", "2") | (_, "SHOT" | "DROP" | "ABORTED") => Decision::Dropped,
        ("cgroup_skb", "3") | (_, "OK" | "PASS" | "PIPE" | "UNSPEC" | "RECLASSIFY") => Decision::Passes,
        (_, "REDIRECT" | "TX") => Decision::Redirected,
        _ => Decision::Other,
    }
}

/// Describes what a program did besides translating.
pub(super) fn actions(bpf: &Bpf, mark: u32, target: Option<String>, translated: bool, verbose: bool) -> Option<Clause> {
    let verdict = clean(&bpf.verdict);
    // After a translation, which has already named the program, the packet is the subject of the sentence.
    let pick = |active: String, passive: String| if translated { passive } else { active };
    let marks = bpf.mark_before.filter(|before| *before != mark).map(|_| match mark {
        0 => pick("clears its mark".to_owned(), "its mark cleared".to_owned()),
        mark => pick(format!("sets mark {mark:#x}"), format!("given mark {mark:#x}")),
    });
    let otherwise = if translated || marks.is_some() { Tone::Notable } else { Tone::Quiet };
    let (goes, tone) = match (decision(bpf), target) {
        (_, Some(target)) => (Some(pick(format!("sends it to {target}"), format!("sent to {target}"))), Tone::Notable),
        (Decision::Dropped, None) => (Some(pick("drops it".to_owned(), "dropped".to_owned())), Tone::Bad),
        (Decision::Redirected, None) => (Some(pick("redirects it".to_owned(), "redirected".to_owned())), Tone::Notable),
        (Decision::Other, None) => (Some("decides".to_owned()).filter(|_| !translated), Tone::Notable),
        (Decision::Passes, None) => (None, otherwise),
    };
    let actions: Vec<_> = [marks, goes].into_iter().flatten().collect();
    let subject = name(bpf, verbose);
    let words = match (actions.is_empty(), translated) {
        (true, true) => String::new(),
        (true, false) => format!("passes {subject}"),
        (false, true) => format!("then {}", actions.join(" and ")),
        (false, false) => format!("{subject} {}", actions.join(" and ")),
    };
    let shows_verdict = verbose || matches!(decision(bpf), Decision::Dropped | Decision::Other);
    match (words.is_empty(), shows_verdict) {
        (true, false) => None,
        (true, true) => Some((format!("verdict {verdict}"), tone)),
        (false, false) => Some((words, tone)),
        (false, true) => Some((format!("{words}: {verdict}"), tone)),
    }
}
