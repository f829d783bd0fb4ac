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
pub(super) enum Course {
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
pub(super) fn course(bpf: &Bpf) -> Course {
    match (bpf.kind.as_str(), bpf.verdict.rsplit('_').next().unwrap_or_default()) {
        ("cgroup_skb", "2") | (_, "SHOT" | "DROP" | "ABORTED") => Course::Dropped,
        ("cgroup_skb", "3") | (_, "OK" | "PASS" | "PIPE" | "UNSPEC" | "RECLASSIFY") => Course::Passes,
        (_, "REDIRECT" | "TX") => Course::Redirected,
        _ => Course::Other,
    }
}

/// Describes what a program did besides translating.
pub(super) fn deeds(bpf: &Bpf, mark: u32, target: Option<String>, translated: bool, verbose: bool) -> Option<Clause> {
    let verdict = clean(&bpf.verdict);
    // After a translation, which has already named the program, the packet is the subject of the sentence.
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
    let subject = name(bpf, verbose);
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
