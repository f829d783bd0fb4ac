//! `qdisc-drop` and `cpu-backlog-full`: a queue on the way out or in has no room.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Where};

/// Explains drops by queues.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    backlog(dropped).or_else(|| by_qdisc(dropped))
}

/// `enum skb_drop_reason` (include/net/dropreason-core.h): only `QDISC_DROP` up to 6.13 and from 7.1 on, more between.
/// From 7.1 on, some drops have a reason of `enum qdisc_drop_reason` (include/net/dropreason-qdisc.h).
const SAID: &[&str] = &[
    "QDISC_DROP",
    "QDISC_OVERLIMIT",
    "QDISC_CONGESTED",
    "CAKE_FLOOD",
    "DUALPI2_STEP_DROP",
    "FQ_BAND_LIMIT",
    "FQ_HORIZON_LIMIT",
    "FQ_FLOW_LIMIT",
    "QDISC_DROP_BAND_LIMIT",
    "QDISC_DROP_CONGESTED",
    "QDISC_DROP_FLOOD_PROTECTION",
    "QDISC_DROP_FLOW_LIMIT",
    "QDISC_DROP_GENERIC",
    "QDISC_DROP_HORIZON_LIMIT",
    "QDISC_DROP_L4S_STEP_NON_ECN",
    "QDISC_DROP_MAXFLOWS",
    "QDISC_DROP_OVERLIMIT",
];

/// Functions in which a kernel without reasons frees what a qdisc refused or gave back (`__dev_xmit_skb`,
/// net/core/dev.c). The callers of `qdisc_tree_reduce_backlog` free in the qdisc itself.
const UNSPECIFIED: &[&str] = &[
    "__dev_queue_xmit",
    "__dev_xmit_skb",
    "kfree_skb_list",
    "kfree_skb_list_reason",
    "__qdisc_run",
    "sch_direct_xmit",
];

fn by_qdisc(dropped: &Dropped<'_>) -> Option<Explained> {
    if !dropped.because(SAID) && !dropped.unspecified_within(UNSPECIFIED) {
        return None;
    }
    let risen: Vec<_> = dropped.node().iter().filter_map(Qdisc::risen).collect();
    // Parents count the drops of their children, and are listed before them.
    let qdisc = risen.last()?;
    let all: Vec<_> = risen.iter().map(Qdisc::describe).collect();
    let name = format!("qdisc {} {} on {}", qdisc.kind, qdisc.handle, qdisc.ifname);
    Some(Explained {
        id: "qdisc-drop",
        why: format!("{name} drops it"),
        cause: Cause { place: on_device(dropped.step), did: format!("{name} dropped the packet"), ..Cause::default() },
        evidence: all,
        confidence: if risen.len() <= 2 { Confidence::Certain } else { Confidence::Likely },
        advice: format!(
            "Check its limits and counters: `tc -s qdisc show dev {}`.\nRaise the limit or the rate, or send less.",
            qdisc.ifname
        ),
        ..Explained::default()
    })
}

/// Explains drops by `enqueue_to_backlog` (net/core/dev.c).
fn backlog(dropped: &Dropped<'_>) -> Option<Explained> {
    let counted = dropped.counted(&["softnet.dropped"]);
    let seen = dropped.unspecified_within(&["enqueue_to_backlog", "netif_rx_internal"]) && counted.is_some();
    if !(seen || dropped.because(&["CPU_BACKLOG"])) {
        return None;
    }
    Some(Explained {
        id: "cpu-backlog-full",
        why: format!("the backlog of CPU {} is full", dropped.step.cpu),
        // The queue belongs to the CPU, whichever device a packet came from.
        place: Some(Where { netns: Some(dropped.step.netns), ..Where::default() }),
        cause: Cause {
            did: format!("more packets wait for CPU {} than net.core.netdev_max_backlog allows", dropped.step.cpu),
            ..Cause::default()
        },
        evidence: counted.into_iter().collect(),
        advice: "Raise net.core.netdev_max_backlog, or spread the packets over more CPUs (RPS).".to_owned(),
        ..Explained::default()
    })
}

struct Qdisc<'a> {
    ifname: &'a str,
    kind: &'a str,
    handle: &'a str,
    drops: u64,
    before: Option<u64>,
}

impl<'a> Qdisc<'a> {
    /// Returns a qdisc that dropped packets since the trace began. `clsact` and `ingress` hold filters, not
    /// packets.
    fn risen(fact: &'a NodeFact) -> Option<Self> {
        let NodeFact::Qdisc { ifname, kind, handle, drops, before, .. } = fact else { return None };
        let held = !["clsact", "ingress", "noqueue"].contains(&kind.as_str());
        (held && before.is_none_or(|before| before < *drops)).then_some(Self {
            ifname,
            kind,
            handle,
            drops: *drops,
            before: *before,
        })
    }

    fn describe(&self) -> String {
        let Self { ifname, kind, handle, drops, .. } = self;
        match self.before {
            Some(before) => {
                format!("drops of {kind} {handle} on {ifname} rose from {before} to {drops} during the trace")
            }
            None => format!("{kind} {handle} on {ifname} has dropped {drops} packets since it was created"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::reasons;

    #[test]
    fn the_finding_knows_the_reasons_whose_rows_name_it() {
        let rows = reasons::all().filter(|row| row.findings.contains(&"qdisc-drop"));
        let mut named: Vec<_> = rows.map(|row| row.name).collect();
        let mut said = SAID.to_vec();
        named.sort_unstable();
        said.sort_unstable();
        assert_eq!(named, said);
    }
}
