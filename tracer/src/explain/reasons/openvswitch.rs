//! Drop reasons of Open vSwitch.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "OVS_DROP_ACTION_ERROR",
        meaning: "An action of the Open vSwitch flow failed. For example, the packet is too short for the header that \
                  the action changes, or memory ran out.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the flow and its actions with `ovs-appctl dpctl/dump-flows -m`, and replay the packet with \
                 `ovs-appctl ofproto/trace`. Look in `dmesg` for messages of openvswitch.",
    },
    DropReason {
        name: "OVS_DROP_CONNTRACK",
        meaning: "Conntrack refused the packet in a `ct` action of Open vSwitch. The conntrack table is full, the \
                  limit of the zone is reached, or NAT or a helper failed.",
        functions: &["ovs_ct_execute"],
        file: "net/openvswitch/conntrack.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Compare `sysctl net.netfilter.nf_conntrack_count` with `net.netfilter.nf_conntrack_max`, and show the \
                 drops with `conntrack -S`. Show the limits of the zones with `ovs-appctl dpctl/ct-get-limits`. Raise \
                 the limit that is reached.",
    },
    DropReason {
        name: "OVS_DROP_DEFERRED_LIMIT",
        meaning: "Open vSwitch had to postpone too many actions (`recirc`, `clone`, `sample`) of one packet: the list \
                  of postponed actions holds nine.",
        functions: &["clone_execute"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "`dmesg` names the datapath (\"deferred action limit reached\"). Replay the packet with `ovs-appctl \
                 ofproto/trace`, and simplify flows that recirculate or copy a packet many times.",
    },
    DropReason {
        name: "OVS_DROP_EXPLICIT",
        meaning: "A flow of Open vSwitch drops the packet on purpose: the OpenFlow rules give it no output.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the rule with `ovs-appctl ofproto/trace BRIDGE FLOW` and `ovs-ofctl dump-flows BRIDGE`. If the \
                 packet is meant to pass, add a rule with a higher priority.",
    },
    DropReason {
        name: "OVS_DROP_EXPLICIT_WITH_ERROR",
        meaning: "`ovs-vswitchd` could not translate the OpenFlow rules for the packet and installed a flow that drops \
                  it. A typical error is a loop between rules or bridges.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the kind of error with `ovs-appctl coverage/show | grep drop_action`. Replay the packet with \
                 `ovs-appctl ofproto/trace`, and read the log of `ovs-vswitchd`.",
    },
    DropReason {
        name: "OVS_DROP_FRAG_INVALID_PROTO",
        meaning: "Open vSwitch had to fragment a packet that is neither IPv4 nor IPv6.",
        functions: &["ovs_fragment"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "`dmesg` names the port and its MTU (\"Failed fragment\"). Give all ports of the bridge the same MTU \
                 with `ip link set PORT mtu N`.",
    },
    DropReason {
        name: "OVS_DROP_FRAG_L2_TOO_LONG",
        meaning: "Open vSwitch had to fragment a packet, but the headers before its IP header are too long (more than \
                  30 bytes). Many VLAN tags or MPLS labels cause this.",
        functions: &["ovs_fragment"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Raise the MTU of the output port, or make the senders use smaller packets, so that nothing needs \
                 fragmenting. Or remove tags or labels before the output.",
    },
    DropReason {
        name: "OVS_DROP_IP_TTL",
        meaning: "A flow of Open vSwitch decrements the TTL (IPv4) or hop limit (IPv6), and the value expired.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Look for a routing loop with `traceroute` or `ovs-appctl ofproto/trace`. `traceroute` itself causes \
                 such drops, and they need no action.",
    },
    DropReason {
        name: "OVS_DROP_LAST_ACTION",
        meaning: "The actions of an Open vSwitch flow ended without sending the packet on. The packet is lost if the \
                  flow has no actions, which is how Open vSwitch usually expresses a drop. Nothing is lost if the flow \
                  sent copies before, or if the packet was not chosen as a sample.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Show the flow with `ovs-appctl dpctl/dump-flows -m | grep drop`, and find the rule behind it with \
                 `ovs-appctl ofproto/trace BRIDGE FLOW`. If the packet is meant to pass, add a rule for it.",
    },
    DropReason {
        name: "OVS_DROP_METER",
        meaning: "A meter of Open vSwitch limits the rate of this traffic, and the packet exceeds the limit.",
        functions: &["do_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the meters and their drops with `ovs-ofctl -O OpenFlow13 meter-stats BRIDGE`. Raise the rate \
                 with `ovs-ofctl -O OpenFlow13 mod-meter`, or send less.",
    },
    DropReason {
        name: "OVS_DROP_RECURSION_LIMIT",
        meaning: "A packet passed through Open vSwitch more than five times within itself, for example in a loop of \
                  bridges, patch ports and internal ports.",
        functions: &["ovs_execute_actions"],
        file: "net/openvswitch/actions.c",
        since: "6.6",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "`dmesg` names the datapath (\"recursion limit reached\"). Find the loop with `ovs-appctl \
                 ofproto/trace` and `ovs-vsctl show`, and remove a port of it.",
    },
];
