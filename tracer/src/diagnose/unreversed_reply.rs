//! `nat-reply-not-reversed` and `dnat-reply-not-reversed`: the reply to a translated packet is not translated back,
//! so that its receiver does not recognise it.

use tracer_common::hook;

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{dropped, flow_name, on_device, packet_name},
};
use crate::model::{Cause, Confidence, CtState, Direction, Finding, Nat, Step, Translation};

/// Returns one finding for each flow, place and translation.
pub fn find(facts: &Facts<'_>) -> Vec<Finding> {
    merged(facts.drops().filter_map(|drop| finding(facts, drop)))
}

/// Returns the translation that a reply still carries, if any: one that was made on a packet of the other direction
/// and never reversed on this one.
pub fn unreversed<'a>(facts: &Facts<'a>, reply: &Step) -> Option<(&'a Step, Translation)> {
    if reply.direction != Direction::Reply || facts.packet(reply.packet).iter().any(|step| step.nat.is_some()) {
        return None;
    }
    facts.translations(reply.flow).filter(|step| step.ts < reply.ts).find_map(|step| {
        let nat = step.nat.as_deref().filter(|nat| nat.after == reply.tuple.reversed())?;
        Some((step, *nat))
    })
}

fn finding(facts: &Facts<'_>, drop: &Step) -> Option<Finding> {
    let (translated, nat) = unreversed(facts, drop)?;
    // A reply that is lost before it reaches the translator has another cause.
    let source = nat.kind != Nat::Dnat;
    if source && drop.netns != translated.netns {
        return None;
    }
    let steps: Vec<&Step> = bare(facts, drop).filter(|step| step.netns == drop.netns).collect();
    let arrived = steps.iter().copied().find(|step| step.ifindex.is_some()).unwrap_or(drop);
    let refused = steps.iter().copied().find(|step| step.is_at(&[hook::TCP_V4_SEND_RESET, hook::TCP_V6_SEND_RESET]));
    let nowhere = drop.drop.as_ref().is_some_and(|drop| drop.reason == "NO_SOCKET");
    // The tuple is the cause only if the packet is refused as unknown, or is INVALID.
    let invalid = drop.ct.as_ref().is_some_and(|ct| ct.state == CtState::Invalid);
    if refused.is_none() && !nowhere && !invalid {
        return None;
    }
    let certain = refused.is_some() || nowhere;
    let (kind, by) = (nat.kind, translator(translated));
    let title = format!(
        "the {} that answers {} arrived on {} still addressed to {}: {kind} by {by} on {} in netns {} is not reversed \
         there",
        packet_name(drop),
        flow_name(drop.tuple.proto, nat.before),
        arrived.ifname,
        ends(nat.after.src, nat.after.sport),
        translated.ifname,
        facts.netns(translated.netns),
    );
    let draft = Draft {
        id: if source { "nat-reply-not-reversed" } else { "dnat-reply-not-reversed" },
        title: if source { title } else { dnat_title(facts, drop, arrived, translated, nat) },
        place: on_device(arrived),
        cause: Cause {
            place: on_device(translated),
            text: None,
            program: translated.bpf.as_ref().map(|bpf| bpf.program.clone()),
            did: format!("{kind} by {by}: {} became {}", nat.before, nat.after),
        },
        evidence: evidence(facts, drop, (translated, nat), arrived, refused),
        confidence: if certain { Confidence::Certain } else { Confidence::Likely },
        advice: advice(facts, arrived, translated, nat),
    };
    Some(draft.about(drop))
}

/// Returns the packet's steps outside tunnels. Inside a tunnel nothing sees its tuple.
fn bare<'a>(facts: &Facts<'a>, packet: &Step) -> impl Iterator<Item = &'a Step> {
    facts.packet(packet.packet).to_vec().into_iter().filter(|step| step.outer.is_none())
}

fn dnat_title(facts: &Facts<'_>, drop: &Step, arrived: &Step, translated: &Step, nat: Translation) -> String {
    format!(
        "the {} that answers {} arrived in netns {} on {} from {} instead of {}: it bypassed the DNAT by {} on {} in \
         netns {}",
        packet_name(drop),
        flow_name(drop.tuple.proto, nat.before),
        facts.netns(drop.netns),
        arrived.ifname,
        ends(nat.after.dst, nat.after.dport),
        ends(nat.before.dst, nat.before.dport),
        translator(translated),
        translated.ifname,
        facts.netns(translated.netns),
    )
}

fn evidence(
    facts: &Facts<'_>,
    drop: &Step,
    (translated, nat): (&Step, Translation),
    arrived: &Step,
    refused: Option<&Step>,
) -> Vec<String> {
    let packet = packet_name(drop);
    let mut sentences = vec![
        format!(
            "{}: on {} in netns {}, {} by {}: {} becomes {}",
            facts.cite(translated),
            translated.ifname,
            facts.netns(translated.netns),
            nat.kind,
            translator(translated),
            nat.before,
            nat.after
        ),
        format!(
            "{}: the {packet} arrives on {} in netns {} as {}, the reply to the translated tuple",
            facts.cite(arrived),
            arrived.ifname,
            facts.netns(arrived.netns),
            arrived.tuple
        ),
    ];
    let steps: Vec<&Step> = bare(facts, drop).collect();
    let passed = steps.iter().any(|step| step.netns == translated.netns && step.ifindex == translated.ifindex);
    sentences.push(match (passed, translated.netns == drop.netns) {
        (true, _) => format!("it passed {} too, but the translation was not reversed there", translated.ifname),
        (false, true) => format!("it did not pass {}, where the translation was made", translated.ifname),
        (false, false) => {
            format!("it did not pass netns {}, where the translation was made", facts.netns(translated.netns))
        }
    });
    let looked_up = steps.iter().find(|step| step.netns == drop.netns && step.is_at(&[hook::NF_CONNTRACK_IN]));
    if let Some((step, ct)) = looked_up.and_then(|step| Some((step, step.ct.as_ref()?))) {
        sentences.push(format!("{}: conntrack looks it up: {}", facts.cite(step), ct.state));
    }
    if let Some(step) = refused {
        sentences.push(format!("{}: no socket matches, and TCP answers with a reset", facts.cite(step)));
    }
    sentences.push(format!("{}: {}", facts.cite(drop), dropped(drop)));
    sentences
}

fn advice(facts: &Facts<'_>, arrived: &Step, translated: &Step, nat: Translation) -> String {
    let other_side = nat.after.dst;
    let by = translator(translated);
    if nat.kind == Nat::Dnat {
        return format!(
            "Route the replies from {other_side} to {} through netns {}, where {by} holds the translation.\nOr also \
             translate the source of the requests (masquerade), so that {other_side} answers the translator.",
            nat.after.src,
            facts.netns(translated.netns),
        );
    }
    let same_layer = if translated.bpf.is_some() {
        "Or translate in the host's own stack (conntrack), which reverses on every device: for Cilium, use host legacy \
         routing with iptables masquerading."
    } else {
        "Or translate and reverse in the same conntrack zone and netns."
    };
    format!(
        "Route the replies from {other_side} so that they arrive on {}, where {by} translates, not on \
         {}.\n{same_layer}\nOr do not translate packets to {other_side}, if it can answer {} directly.",
        translated.ifname, arrived.ifname, nat.before.src,
    )
}

/// Names what translated: "BPF program cil_to_netdev", "conntrack".
fn translator(step: &Step) -> String {
    step.bpf.as_ref().map_or_else(|| "conntrack".to_owned(), |bpf| format!("BPF program {}", bpf.program))
}

fn ends(addr: std::net::IpAddr, port: u16) -> String {
    if port == 0 { addr.to_string() } else { std::net::SocketAddr::new(addr, port).to_string() }
}
