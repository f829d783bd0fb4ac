//! `redirect-to-down-device`: a BPF program redirects packets to a device that is down.

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{on_device, packet_name},
};
use crate::model::{Cause, Confidence, Finding, Step};

/// Returns one finding for each flow, device and program.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

fn finding(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    let redirected = facts.before(drop).find(|step| step.redirect.is_some())?;
    // If the packet reached another device after the redirect, the redirect did not end it.
    if facts.before(drop).any(|step| step.ts > redirected.ts && step.ifindex != 0 && step.ifindex != redirected.ifindex)
    {
        return None;
    }
    let redirect = redirected.redirect.as_ref().filter(|redirect| !redirect.up)?;
    let by = redirected.bpf.as_ref().map_or("a BPF program".to_owned(), |bpf| format!("BPF program {}", bpf.program));
    let decided = facts.before(redirected).find(|step| step.bpf.is_some());
    let from = decided.map_or("", |step| step.ifname.as_str());
    let netns = facts.netns(redirected.netns);
    let side = if redirect.ingress { "as if received there" } else { "to be sent there" };
    let reason = drop.drop.as_ref().map_or("", |drop| drop.reason.as_str());
    let draft = Draft {
        id: "redirect-to-down-device",
        title: format!(
            "the {} of {} {} is sent by {by} to {}, {side}, and lost: {} is down",
            packet_name(drop),
            drop.tuple.proto,
            drop.tuple,
            redirect.ifname,
            redirect.ifname,
        ),
        place: on_device(redirected),
        cause: Cause {
            place: decided.map(on_device).unwrap_or_default(),
            text: None,
            program: redirected.bpf.as_ref().map(|bpf| bpf.program.clone()),
            did: format!("redirected the packet from {from} to {}, which is down", redirect.ifname),
        },
        evidence: vec![
            format!("{}: {by} redirects it to {}, {side}", facts.cite(redirected), redirect.ifname),
            format!("{}: {} has no IFF_UP at that moment", facts.cite(redirected), redirect.ifname),
            format!("{}: it is dropped, {reason}", facts.cite(drop)),
        ],
        confidence: Confidence::Certain,
        advice: format!(
            "Set {} of netns {netns} up (`ip link set {} up`), and find out what took it down.\nOr load the program with \
             the device that is meant.",
            redirect.ifname, redirect.ifname
        ),
    };
    Some(draft.about(drop))
}
