//! `redirect-to-down-device`: a BPF program redirects packets to a device that is down.

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{dropped, on_device, packet_with_tuple},
};
use crate::model::{Cause, Confidence, Finding, Step};

/// Returns one finding for each flow, device and program.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

fn finding(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    let redirected = facts.before(drop).find(|step| step.redirect.is_some())?;
    // If the packet reached another device after the redirect, the redirect did not end it.
    if facts
        .before(drop)
        .any(|step| step.ts > redirected.ts && step.ifindex.is_some() && step.ifindex != redirected.ifindex)
    {
        return None;
    }
    let redirect = redirected.redirect.as_ref().filter(|redirect| !redirect.up)?;
    let by = redirected.bpf.as_ref().map_or("a BPF program".to_owned(), |bpf| format!("BPF program {}", bpf.program));
    let decided = facts.before(redirected).find(|step| step.bpf.is_some());
    let from = decided.map_or_else(String::new, |step| format!(" from {}", step.ifname));
    let netns = facts.netns(redirected.netns);
    let side = if redirect.ingress { "ingress" } else { "egress" };
    let draft = Draft {
        id: "redirect-to-down-device",
        title: format!(
            "the {} was lost: {by} redirected it to {} ({side}), which is down",
            packet_with_tuple(drop),
            redirect.ifname,
        ),
        place: on_device(redirected),
        cause: Cause {
            place: decided.map(on_device).unwrap_or_default(),
            text: None,
            program: redirected.bpf.as_ref().map(|bpf| bpf.program.clone()),
            did: format!("redirected the packet{from} to {}, which is down", redirect.ifname),
        },
        evidence: vec![
            format!("{}: {by} redirects it to {} ({side})", facts.cite(redirected), redirect.ifname),
            format!("{}: {} lacks IFF_UP at that moment", facts.cite(redirected), redirect.ifname),
            format!("{}: {}", facts.cite(drop), dropped(drop)),
        ],
        confidence: Confidence::Certain,
        advice: format!(
            "Set {} in netns {netns} up (`ip link set {} up`), and find out what set it down.\nOr load the program with \
             the intended device.",
            redirect.ifname, redirect.ifname
        ),
    };
    Some(draft.about(drop))
}
