//! Asks the node about flows without an end, when the trace ends.

use std::collections::HashSet;

use crate::{
    diagnose::{OpenEnd, open_ends},
    model::{Pending, Trace},
    output::Progress,
    pipeline::Pipeline,
};

/// Returns what is known of flows without an end. `in_kernel` are the raw ids of packets that were still in the kernel
/// at `ts`, in nanoseconds since boot, if that is known.
pub fn pending(
    trace: &Trace,
    pipeline: &mut Pipeline,
    in_kernel: Option<&HashSet<u64>>,
    ts: u64,
    progress: &Progress,
) -> Vec<Pending> {
    let is_known = in_kernel.is_some();
    let in_kernel = in_kernel.map(|raw| pipeline.tracker.ids_of(raw)).unwrap_or_default();
    let open = open_ends(trace, &in_kernel, ts);
    let asked = open.ends.len();
    let ask = |OpenEnd { step, in_kernel }: OpenEnd<'_>| Pending {
        flow: step.flow,
        ts,
        in_kernel: is_known.then_some(in_kernel),
        packet: step.packet,
        netns: step.netns,
        node: pipeline.about(step),
    };
    let pending = open.ends.into_iter().map(ask).collect();
    if open.skipped > 0 {
        let skipped = open.skipped;
        progress.warn(&format!("{skipped} more flows have no end: a trace asks the node about {asked} of them"));
    }
    pending
}
