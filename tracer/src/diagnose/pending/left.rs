//! `no-answer-from-outside`: packets left this node, and no answer to them came in.

use super::{
    super::{
        finding::Draft,
        firewall::{on_device, packet_with_tuple},
    },
    Waited,
};
use crate::{
    duration,
    model::{Cause, Confidence, Finding, Severity},
};

/// Returns the finding about packets that left this node unanswered.
pub fn finding(waited: &Waited<'_>) -> Finding {
    let Waited { trace, facts, first, .. } = waited;
    let (device, netns, for_long) = (&first.ifname, facts.netns(first.netns), duration::words(waited.ns));
    let to = first.outer.unwrap_or(first.tuple).dst;
    let gateway = waited.routes(to).find_map(|answer| answer.gateway);
    let towards = gateway.map(|gateway| format!(" towards {gateway}")).unwrap_or_default();
    let mut evidence = waited.cited(&format!("it is transmitted by {device}{towards}"), "left this way");
    evidence.push(format!("no answer was seen until the trace ended, {for_long} later"));
    let next = match gateway {
        Some(gateway) => format!("the next router, {gateway},"),
        None => format!("the next router (`ip route get {to}`)"),
    };
    let draft = Draft {
        id: "no-answer-from-outside",
        title: format!(
            "the {} left by {device} in netns {netns}, and no answer came in within {for_long}",
            packet_with_tuple(first),
        ),
        place: on_device(first),
        cause: Cause {
            did: format!("the packet left by {device}{towards}; it, or its answer, is lost beyond this device"),
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
                "Trace {to}, or {next} in the same way: does the packet arrive there, and is it answered?\nIf it is, \
                 the answer takes another way, or is lost on its way back."
            ),
        },
    };
    Finding { severity: severity(waited), packets: waited.packets.clone(), ..draft.about(first) }
}

/// Only an opened connection and an echo request must be answered. Who scans ports does not answer a SYN-ACK.
fn severity(waited: &Waited<'_>) -> Severity {
    match waited {
        _ if waited.is_syn() || waited.is_echo() => Severity::Error,
        _ if waited.is_syn_ack() => Severity::Warning,
        _ => Severity::Info,
    }
}
