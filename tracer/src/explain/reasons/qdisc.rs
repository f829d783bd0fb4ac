//! Drop reasons of queueing disciplines.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "CAKE_FLOOD",
        meaning: "The qdisc `cake` drops packets of a flow at random, because the flow keeps sending although its \
                  packets were dropped or marked before.",
        functions: &["cake_dequeue"],
        file: "net/sched/sch_cake.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the unresponsive flows (`un_flows`) with `tc -s qdisc show dev DEV`, and find their sender with \
                 `ss -tinp` or `tcpdump`. Make it adapt its rate, or raise the `bandwidth` of `cake` if the link \
                 allows more.",
    },
    DropReason {
        name: "DUALPI2_STEP_DROP",
        meaning: "The low-latency queue of the qdisc `dualpi2` delays packets longer than its threshold. This packet \
                  does not support ECN, so it is dropped instead of marked.",
        functions: &[],
        file: "",
        since: "6.17",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the step threshold and the delays with `tc -s qdisc show dev DEV`. Find out which filter sends \
                 packets without ECN to the low-latency queue, or raise `step_thresh`.",
    },
    DropReason {
        name: "FQ_BAND_LIMIT",
        meaning: "A priority band of the qdisc `fq` holds as many packets as its limit allows.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops of each band (`band0_drops` and so on) with `tc -s qdisc show dev DEV`. Raise `limit` \
                 with `tc qdisc change dev DEV root fq limit N`, or send less.",
    },
    DropReason {
        name: "FQ_FLOW_LIMIT",
        meaning: "One flow fills its share of the qdisc `fq`: by default 100 packets. The sender does not heed the \
                  queue, for example a UDP program that sends in bursts.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops (`flows_plimit`) with `tc -s qdisc show dev DEV`. Make the program pace its packets \
                 (`SO_MAX_PACING_RATE`), or raise `flow_limit` with `tc qdisc change dev DEV root fq flow_limit N`.",
    },
    DropReason {
        name: "FQ_HORIZON_LIMIT",
        meaning: "The packet carries a send time that lies beyond the horizon of the qdisc `fq`, by default 10 seconds \
                  in the future. A socket option (`SO_TXTIME`, pacing) or a BPF program set the time.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops (`horizon_drops`) with `tc -s qdisc show dev DEV`. Correct the rate or the clock of \
                 the program that sets the send time. Or set `horizon_cap`, which sends such packets at the horizon.",
    },
    DropReason {
        name: "QDISC_BURST_DROP",
        meaning: "Many CPUs send to the same qdisc at once, and more packets wait for its lock than \
                  `net.core.qdisc_max_burst` allows. The counters of the qdisc do not rise.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "6.19",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Use a qdisc for each transmit queue: `tc qdisc replace dev DEV root mq` on a device with several \
                 queues. Or raise `net.core.qdisc_max_burst` (1000 by default).",
    },
    DropReason {
        name: "QDISC_CONGESTED",
        meaning: "A queueing discipline (`codel`, `fq_codel`, `cake`, `pie`, `red`) drops the packet on purpose, \
                  because its queue grows or packets wait too long. This is the ordinary signal to the sender to slow \
                  down.",
        functions: &["__dev_queue_xmit", "codel_qdisc_dequeue", "cake_dequeue"],
        file: "net/core/dev.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops with `tc -s qdisc show dev DEV`. A few drops on a busy link need no action, and ECN \
                 avoids them (`sysctl net.ipv4.tcp_ecn=1`). If there are many, send less or raise the configured rate.",
    },
    DropReason {
        name: "QDISC_DROP",
        meaning: "A queueing discipline dropped the packet: its queue is full, it is configured to lose packets \
                  (`netem`), or its device is going down. From 7.1 on, the event `qdisc:qdisc_drop` gives a more \
                  specific reason.",
        functions: &["__dev_queue_xmit", "__tcf_kfree_skb_list", "kfree_skb_list_reason"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop", "link-down"],
        counters: &[],
        advice: "Find the qdisc whose drop counter rises with `tc -s qdisc show dev DEV`. Raise its limit or rate, or \
                 send less. From 7.1 on, `perf trace -e qdisc:qdisc_drop` shows the specific reason.",
    },
    DropReason {
        name: "QDISC_DROP_BAND_LIMIT",
        meaning: "A priority band of the qdisc `fq` holds as many packets as its limit allows. The event \
                  `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops of each band (`band0_drops` and so on) with `tc -s qdisc show dev DEV`. Raise `limit` \
                 with `tc qdisc change dev DEV root fq limit N`, or send less.",
    },
    DropReason {
        name: "QDISC_DROP_CONGESTED",
        meaning: "A queueing discipline (`codel`, `fq_codel`, `cake`, `pie`, `red`) drops the packet on purpose, \
                  because its queue grows or packets wait too long. This is the ordinary signal to the sender to slow \
                  down. The event `qdisc:qdisc_drop` gives this reason. The drop itself says `QDISC_DROP`, but gives \
                  this reason if the qdisc drops while it sends and is below another one such as `htb`.",
        functions: &["__tcf_kfree_skb_list", "drop_func", "cake_dequeue"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops with `tc -s qdisc show dev DEV`. A few drops on a busy link need no action, and ECN \
                 avoids them (`sysctl net.ipv4.tcp_ecn=1`). If there are many, send less or raise the configured rate.",
    },
    DropReason {
        name: "QDISC_DROP_FLOOD_PROTECTION",
        meaning: "The qdisc `cake` drops packets of a flow at random, because the flow keeps sending although its \
                  packets were dropped or marked before. The event `qdisc:qdisc_drop` gives this reason. The drop \
                  itself says `QDISC_DROP`, but gives this reason if the qdisc drops while it sends and is below \
                  another one such as `htb`.",
        functions: &["__tcf_kfree_skb_list", "cake_dequeue"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the unresponsive flows (`un_flows`) with `tc -s qdisc show dev DEV`, and find their sender with \
                 `ss -tinp` or `tcpdump`. Make it adapt its rate, or raise the `bandwidth` of `cake` if the link \
                 allows more.",
    },
    DropReason {
        name: "QDISC_DROP_FLOW_LIMIT",
        meaning: "One flow fills its share of the qdisc `fq` (by default 100 packets) or `sfq` (by default 127). The \
                  event `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops (`flows_plimit` of `fq`) with `tc -s qdisc show dev DEV`. Make the program pace its \
                 packets (`SO_MAX_PACING_RATE`), or raise `flow_limit` of `fq` or `depth` of `sfq`.",
    },
    DropReason {
        name: "QDISC_DROP_GENERIC",
        meaning: "A queueing discipline dropped the packet and gives no specific reason. The qdisc is configured to \
                  lose packets (`netem`), its queue is full (`tbf`, `pfifo`), or its device is going down. The event \
                  `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop", "link-down"],
        counters: &[],
        advice: "Find the qdisc whose drop counter rises with `tc -s qdisc show dev DEV`. Raise its limit or rate, or \
                 send less.",
    },
    DropReason {
        name: "QDISC_DROP_HORIZON_LIMIT",
        meaning: "The packet carries a send time that lies beyond the horizon of the qdisc `fq`, by default 10 seconds \
                  in the future. The event `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the drops (`horizon_drops`) with `tc -s qdisc show dev DEV`. Correct the rate or the clock of \
                 the program that sets the send time (`SO_TXTIME`, BPF). Or set `horizon_cap`, which sends such \
                 packets at the horizon.",
    },
    DropReason {
        name: "QDISC_DROP_L4S_STEP_NON_ECN",
        meaning: "The low-latency queue of the qdisc `dualpi2` delays packets longer than its threshold. This packet \
                  does not support ECN, so it is dropped instead of marked. The event `qdisc:qdisc_drop` gives this \
                  reason. The drop itself says `QDISC_DROP`, but gives this reason if the qdisc drops while it sends \
                  and is below another one such as `htb`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Show the step threshold and the delays with `tc -s qdisc show dev DEV`. Find out which filter sends \
                 packets without ECN to the low-latency queue, or raise `step_thresh`.",
    },
    DropReason {
        name: "QDISC_DROP_MAXFLOWS",
        meaning: "The qdisc `sfq` already holds as many flows as it can, and the packet begins another one. The event \
                  `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Raise `flows` with `tc qdisc change dev DEV root sfq flows N`, or use `fq_codel`, which shares its \
                 queues among flows.",
    },
    DropReason {
        name: "QDISC_DROP_OVERLIMIT",
        meaning: "The queue of a queueing discipline is full, or above its upper threshold (`red`). The event \
                  `qdisc:qdisc_drop` gives this reason; the drop itself says `QDISC_DROP`.",
        functions: &["__tcf_kfree_skb_list"],
        file: "net/sched/sch_generic.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Find the qdisc with `tc -s qdisc show dev DEV`. Raise its limit (`limit`, or `ip link set DEV \
                 txqueuelen N` for `pfifo_fast`), or send less.",
    },
    DropReason {
        name: "QDISC_OVERLIMIT",
        meaning: "The queue of a queueing discipline is full.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "6.14",
        until: Some("7.1"),
        loss: Loss::Always,
        findings: &["qdisc-drop"],
        counters: &[],
        advice: "Find the qdisc with `tc -s qdisc show dev DEV`. Raise its limit (`limit`, or `ip link set DEV \
                 txqueuelen N` for `pfifo_fast`), or send less.",
    },
];
