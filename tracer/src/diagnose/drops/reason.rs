//! `dropped-for-reason`: no other family explains the drop. The kernel's reason and the place stand for the cause.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::{
    explain::reasons::{self, DropReason, Loss},
    model::{Cause, Confidence, NodeFact, Severity, Step, TcpFlags},
};

/// Id of these findings.
pub const ID: &str = "dropped-for-reason";

/// Explains every drop, except those for a reason by which nothing is lost.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let mut explained = if dropped.unspecified() {
        if is_usual(dropped) {
            return None;
        }
        unspecified(dropped)?
    } else if let Some(row) = reasons::find(&dropped.drop.reason) {
        by_reason(dropped, row)?
    } else {
        unheard_of(dropped)
    };
    // Hosts that are not interested drop what is sent to many.
    if dropped.tuple().is_to_many() {
        explained.severity = Severity::Info;
    }
    explained.cause = Cause { place: on_device(dropped.step), did: explained.why.clone(), ..Cause::default() };
    Some(Explained { id: ID, ..explained })
}

fn by_reason(dropped: &Dropped<'_>, row: &DropReason) -> Option<Explained> {
    let (severity, confidence) = match row.loss {
        Loss::Never => return None,
        Loss::Depends if within_a_connection(dropped) && went_on(dropped) => return None,
        Loss::Depends => (depending(dropped), Confidence::Likely),
        Loss::Always => (Severity::Error, Confidence::Certain),
    };
    let mut sentences = row.meaning.split_inclusive(". ");
    let first = sentences.next().unwrap_or_default().trim_end().trim_end_matches('.');
    let rest = Some(sentences.collect::<String>()).filter(|rest| !rest.is_empty());
    Some(Explained {
        severity,
        why: format!("the kernel's reason is {}: {}", row.name, uncapitalized(first)),
        evidence: rest.into_iter().chain(counted(dropped, row)).collect(),
        confidence,
        advice: row.advice.replace(". ", ".\n"),
        ..Explained::default()
    })
}

/// Severity of a drop for a reason by which something may be lost. TCP frees duplicates for the same reasons as faulty
/// segments, and with `--drops` nothing shows whether the connection went on.
fn depending(dropped: &Dropped<'_>) -> Severity {
    let unknown = within_a_connection(dropped) && !dropped.facts.reports_passing_packets();
    if unknown { Severity::Info } else { Severity::Warning }
}

/// Whether the segment belongs to a connection that is open: also a SYN or SYN-ACK that is sent again.
fn within_a_connection(dropped: &Dropped<'_>) -> bool {
    let of_handshake = |flags: TcpFlags| flags.opens() || flags.answers();
    dropped.step.tcp_flags.is_some_and(|flags| !of_handshake(flags) || dropped.because(&["TCP_INVALID_SYN"]))
}

/// Whether one of the next packets of the same direction was seen in this netns, is no reset, and was not dropped.
fn went_on(dropped: &Dropped<'_>) -> bool {
    let Dropped { facts, step, .. } = dropped;
    let lost = |packet: u64| facts.packet(packet).iter().any(|step| step.drop.is_some());
    let mut later = facts
        .flow_within(step.flow, step.ts, u64::MAX)
        .take(STEPS_AT_MOST)
        .filter(|other| other.packet != step.packet && other.direction == step.direction && other.netns == step.netns);
    later.any(|other| !resets(other) && !lost(other.packet))
}

/// How many later steps of a flow are looked at, because each of many drops asks.
const STEPS_AT_MOST: usize = 4096;

/// Explains a drop for which the kernel gives no reason. With `--drops` this is no error, because tracer may not know
/// that the place frees packets in the ordinary course, and there nobody has asked for this packet. TCP frees
/// duplicates where it frees faulty segments, as for the reasons of newer kernels.
fn unspecified(dropped: &Dropped<'_>) -> Option<Explained> {
    let by_tcp = dropped.function.starts_with("tcp_") && within_a_connection(dropped);
    if by_tcp && went_on(dropped) {
        return None;
    }
    let newer = if dropped.because(&["NOT_SPECIFIED"]) { "" } else { "\nKernels from 5.18 on give reasons." };
    Some(Explained {
        severity: match dropped.facts.reports_passing_packets() {
            true => Severity::Error,
            false if by_tcp => Severity::Info,
            false => Severity::Warning,
        },
        why: format!("the kernel gives no reason; {} freed it", function(dropped)),
        confidence: Confidence::Likely,
        advice: format!(
            "Compare the counters of the netns before and after (`nstat -az`, `ip -s link`), and look up in the \
             kernel's source for what {} frees packets.{newer}",
            function(dropped),
        ),
        ..Explained::default()
    })
}

/// Whether the packet is of a kind that ends there in the ordinary course, although others are lost there: an echo reply
/// of which a raw socket has its copy (`icmp_rcv`, net/ipv4/icmp.c, 5.10), a reset, which TCP obeys or ignores, and a
/// packet that native XDP dropped on a veth, if the program's own step reports that (drivers/net/veth.c).
fn is_usual(dropped: &Dropped<'_>) -> bool {
    let Dropped { facts, step, .. } = dropped;
    let by_xdp = || facts.drops_of(step.flow).any(|other| other.drop.as_ref().is_some_and(|drop| drop.reason == "XDP"));
    dropped.within(&["icmp_rcv"])
        || dropped.within(&["veth_xdp_rcv_skb"]) && by_xdp()
        || dropped.within(&["tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv"]) && resets(step)
}

fn resets(step: &Step) -> bool {
    const RST: u8 = 0x04;
    step.tcp_flags.is_some_and(|flags| flags.0 & RST != 0)
}

/// Explains a drop for a reason without a row: the kernel is newer than tracer, or a module has reasons of its own.
fn unheard_of(dropped: &Dropped<'_>) -> Explained {
    let reason = &dropped.drop.reason;
    Explained {
        why: format!("the kernel's reason is {reason}, which this version of tracer cannot explain"),
        confidence: Confidence::Likely,
        advice: format!(
            "Look up in the kernel's source what {reason} means, and for what {} frees packets.",
            function(dropped)
        ),
        ..Explained::default()
    }
}

fn function<'a>(dropped: &Dropped<'a>) -> &'a str {
    if dropped.function.is_empty() { "an unknown function" } else { dropped.function }
}

/// Sentences about the reason's counters that rose.
fn counted(dropped: &Dropped<'_>, row: &DropReason) -> Vec<String> {
    let names = dropped.node().iter().filter_map(|fact| match fact {
        NodeFact::Counter { name, .. } => Some(name.as_str()),
        _ => None,
    });
    // `nstat` names a counter without the dot between group and counter.
    let of_reason = |name: &&str| row.counters.contains(&name.replace('.', "").as_str());
    names.filter(of_reason).filter_map(|name| dropped.counted(&[name])).collect()
}

/// Makes a sentence the second part of another, unless it begins with a name in capitals.
fn uncapitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests;
