//! `bpf-program-drop`: a BPF program's verdict drops the packet.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Bpf, Cause, Step};

/// Explains drops by a program: it ran last, at the place of the drop, and its verdict drops.
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
            "Find out who owns the program (`bpftool prog show id {}`): only the owner knows why it drops the packet.",
            bpf.id
        ),
        ..Explained::default()
    })
}

/// Finds the step of the program that dropped. Native XDP ends the packet in the program itself; elsewhere the
/// kernel frees the packet right after.
fn deciding<'a>(dropped: &Dropped<'a>) -> Option<(&'a Step, &'a Bpf)> {
    let last = dropped.before().next();
    let step = if dropped.step.bpf.is_some() { dropped.step } else { last? };
    let bpf = step.bpf.as_deref().filter(|bpf| step.netns == dropped.step.netns && drops(bpf));
    bpf.map(|bpf| (step, bpf)).or_else(|| under_veth(dropped))
}

/// Finds the program under `veth_xdp_rcv_skb` (drivers/net/veth.c), which runs XDP on an skb and frees it after a
/// verdict that drops. The program's step belongs to a packet without an skb, just before on the same CPU.
fn under_veth<'a>(dropped: &Dropped<'a>) -> Option<(&'a Step, &'a Bpf)> {
    const SOON_NS: u64 = 5_000_000;
    if !dropped.unspecified_within(&["veth_xdp_rcv_skb"]) {
        return None;
    }
    let end = dropped.step;
    let step = dropped.facts.flow_within(end.flow, end.ts.saturating_sub(SOON_NS), end.ts).find(|step| {
        step.cpu == end.cpu
            && step.tuple == dropped.step.tuple
            && step.bpf.as_ref().is_some_and(|bpf| bpf.kind == "xdp" && drops(bpf))
    })?;
    Some((step, step.bpf.as_deref()?))
}

fn drops(bpf: &Bpf) -> bool {
    matches!(bpf.verdict.as_str(), "TC_ACT_SHOT" | "XDP_DROP" | "XDP_ABORTED" | "SK_DROP")
}
