//! `bpf-program-drop`: a BPF program's verdict is the end of the packet.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Bpf, Cause, Step};

/// The program ran last, at the place of the drop, and returned a verdict that drops.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let (step, bpf) = deciding(dropped)?;
    let kind = if bpf.kind == "cgroup_skb" { "cgroup" } else { bpf.kind.as_str() };
    Some(Explained {
        id: "bpf-program-drop",
        why: format!("{kind} program {} (id {}) returns {}", bpf.program, bpf.id, bpf.verdict),
        place: Some(on_device(step)),
        cause: Cause {
            place: on_device(step),
            program: Some(bpf.program.clone()),
            did: format!("{kind} program {} (id {}) returned {}", bpf.program, bpf.id, bpf.verdict),
            ..Cause::default()
        },
        evidence: vec![format!(
            "{}: {kind} program {} (id {}) returns {}",
            dropped.facts.cite(step),
            bpf.program,
            bpf.id,
            bpf.verdict
        )],
        advice: format!(
            "Ask whose program it is (`bpftool prog show id {}`): why it refuses the packet, only its owner knows.",
            bpf.id
        ),
        ..Explained::default()
    })
}

/// Native XDP ends the packet in the program itself; elsewhere the kernel frees it right after.
fn deciding<'a>(dropped: &Dropped<'a>) -> Option<(&'a Step, &'a Bpf)> {
    let last = dropped.before().next();
    let step = if dropped.step.bpf.is_some() { dropped.step } else { last? };
    let bpf = step.bpf.as_ref()?;
    (step.netns == dropped.step.netns && drops(bpf)).then_some((step, bpf))
}

fn drops(bpf: &Bpf) -> bool {
    matches!(bpf.verdict.as_str(), "TC_ACT_SHOT" | "XDP_DROP" | "XDP_ABORTED" | "SK_DROP")
}
