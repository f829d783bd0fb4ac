//! Drop reasons of tunnels.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "LOCAL_MAC",
        meaning: "A VXLAN device received a frame whose inner source MAC address is its own. Nothing is lost if this \
                  host's own frame returned, as an echo of a multicast or through a loop. The frame is lost if another \
                  host has the same MAC address.",
        functions: &["vxlan_rcv"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.13",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Compare the MAC addresses of the VXLAN devices on all hosts with `ip link show dev VXLAN`. Change a \
                 duplicate with `ip link set VXLAN address MAC`. Remove this host's own address from the remote hosts \
                 in `bridge fdb show dev VXLAN`.",
    },
    DropReason {
        name: "TUNNEL_TXINFO",
        meaning: "A packet was sent into a VXLAN device in external mode, but nothing attached the remote host and the \
                  network identifier to it. In this mode a route, a tc action, a BPF program or Open vSwitch must \
                  attach them.",
        functions: &["vxlan_xmit"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Check for `external` with `ip -details link show dev VXLAN`. Attach the tunnel data with `ip route \
                 add … encap ip id VNI dst REMOTE dev VXLAN` or the tc action `tunnel_key set`. Ignore the drop if the \
                 host itself sends multicast (MLD, neighbour discovery) on the device.",
    },
    DropReason {
        name: "VXLAN_ENTRY_EXISTS",
        meaning: "A VXLAN packet came from another remote host than the forwarding table gives for its inner source \
                  MAC address. The entry is static or refers to a nexthop, so the device does not move it and drops \
                  the packet.",
        functions: &["vxlan_rcv"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the entry with `bridge fdb show dev VXLAN | grep MAC`. Correct it with `bridge fdb replace`, or \
                 look for a second host with this MAC address. If a control plane fills the table, turn learning off \
                 with `ip link set VXLAN type vxlan nolearning`.",
    },
    DropReason {
        name: "VXLAN_INVALID_HDR",
        meaning: "The VXLAN header is invalid: the flag for the network identifier is missing, or a reserved bit is \
                  set. The sender uses an extension that this device does not enable, or the packet is not VXLAN.",
        functions: &["vxlan_rcv"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Compare the options of both ends (`gbp`, `gpe`, `remcsumrx`, port) with `ip -details link show dev \
                 VXLAN`. Look at the packets with `tcpdump -vni DEV udp port 4789`.",
    },
    DropReason {
        name: "VXLAN_VNI_NOT_FOUND",
        meaning: "A VXLAN packet carries a network identifier (VNI) for which this host has no VXLAN device. The UDP \
                  port is right.",
        functions: &["vxlan_rcv", "encap_bypass_if_local"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "List the identifiers of this host with `ip -details link show type vxlan` and `bridge vni show`. \
                 Create the missing device, or remove this host from the sender's forwarding table (`bridge fdb`). \
                 Also check that the device is up.",
    },
];
