//! `no-answer-from-outside`: packets left this node, and no answer to them came in.

use super::{
    facts::Facts,
    finding::{Draft, merged},
    firewall::{on_device, packet_with_tuple},
    verdict::{NO_ANSWER, Unanswered, left_unanswered},
};
use crate::{
    duration,
    model::{Cause, Confidence, Finding, Proto, Severity, Step, Trace},
};

/// How long an answer may take, in nanoseconds: TCP sends a SYN again after one second.
const PATIENCE: u64 = 1_000_000_000;

/// Returns one finding for each flow that left this node unanswered. `known` are all other findings.
pub fn find(trace: &Trace, facts: &Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let unanswered = left_unanswered(trace, known);
    merged(unanswered.iter().filter_map(|unanswered| finding(trace, facts, unanswered)))
}

fn finding(trace: &Trace, facts: &Facts<'_>, unanswered: &Unanswered<'_>) -> Option<Finding> {
    let (first, last) = (unanswered.left.first()?, unanswered.left.last()?);
    let waited = unanswered.until.saturating_sub(first.ts);
    // Members of a group need not answer.
    if waited < PATIENCE || first.tuple.is_to_many() {
        return None;
    }
    let (device, netns) = (&first.ifname, facts.netns(first.netns));
    let mut evidence = vec![format!("{}: it is transmitted by {device}", facts.cite(first))];
    let count = unanswered.left.len();
    if count > 1 {
        evidence.push(format!("{}: the last of {count} packets that left this way", facts.cite(last)));
    }
    evidence.push(format!("no answer was seen until the trace ended, {} later", duration::words(waited)));
    let to = first.tuple.dst;
    let draft = Draft {
        id: NO_ANSWER,
        title: format!(
            "the {} left by {device} in netns {netns}, and no answer came in within {}",
            packet_with_tuple(first),
            duration::words(waited)
        ),
        place: on_device(first),
        cause: Cause {
            did: format!("the packet left by {device}; it, or its answer, is lost beyond this device"),
            ..Cause::default()
        },
        evidence,
        // An answer that the hardware loses is not seen.
        confidence: Confidence::Likely,
        advice: match trace.device(first.netns, first.ifindex).is_some_and(|device| device.kind == "veth") {
            true => format!(
                "The other end of {device} (veth) is on this node, but this trace does not cover it: trace without \
                 --netns."
            ),
            false => format!(
                "Trace {to}, or the next router (`ip route get {to}`), in the same way: does the packet arrive there, \
                 and is it answered?\nIf it is, the answer takes another way, or is lost on its way back."
            ),
        },
    };
    let packets = unanswered.left.iter().map(|step| step.packet).collect();
    Some(Finding { severity: severity(first), packets, ..draft.about(first) })
}

/// Only an opened connection and an echo request must be answered. Who scans ports does not answer a SYN-ACK.
fn severity(step: &Step) -> Severity {
    const ICMP: Proto = Proto(1);
    const ICMPV6: Proto = Proto(58);
    // An echo has its identifier in place of ports.
    let is_echo = matches!(step.tuple.proto, ICMP | ICMPV6) && step.tuple.sport != 0;
    match step.tcp_flags {
        Some(flags) if flags.opens() => Severity::Error,
        Some(flags) if flags.answers() => Severity::Warning,
        None if is_echo => Severity::Error,
        _ => Severity::Info,
    }
}
