//! Drop reasons of devices, tc, XDP, CAN and bridges.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "ARP_PVLAN_DISABLE",
        meaning: "A route lookup for an ARP request found that the answer would leave by the device that received it, \
                  and `proxy_arp_pvlan` is off. Up to 7.3 the kernel discards this result, so no drop should carry the \
                  reason. The request goes unanswered, which matters only if this host is to answer for its \
                  neighbours.",
        functions: &[],
        file: "",
        since: "6.13",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "If this host is to answer ARP requests for other hosts on the same link, set `sysctl \
                 net.ipv4.conf.DEV.proxy_arp_pvlan=1`. Otherwise do nothing.",
    },
    DropReason {
        name: "BRIDGE_INGRESS_STP_STATE",
        meaning: "A frame arrived on a bridge port that does not forward: its state is disabled, blocking, listening \
                  or learning. Nothing is lost if spanning tree blocks a redundant link on purpose, because the frame \
                  arrives by another port. Otherwise the frame is lost.",
        functions: &["br_handle_frame", "br_handle_frame_finish"],
        file: "net/bridge/br_input.c",
        since: "6.14",
        until: None,
        loss: Loss::Depends,
        findings: &["bridge-port-blocked"],
        counters: &[],
        advice: "Show the state with `bridge -d link show dev PORT`. With STP, a new port forwards after up to 30 s. \
                 Without STP, set the state with `bridge link set dev PORT state 3`.",
    },
    DropReason {
        name: "CANFD_RX_INVALID_FRAME",
        meaning: "A received CAN FD frame is malformed, or the device that delivered it is not a CAN device.",
        functions: &["canfd_rcv"],
        file: "net/can/af_can.c",
        since: "6.17",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program or the driver that sends the frame: look for \"PF_CAN: dropped non conform\" in \
                 `dmesg`. Check the device with `ip -details link show dev CAN`.",
    },
    DropReason {
        name: "CANXL_RX_INVALID_FRAME",
        meaning: "A received CAN XL frame is malformed, or the device that delivered it is not a CAN device.",
        functions: &["canxl_rcv"],
        file: "net/can/af_can.c",
        since: "6.17",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program or the driver that sends the frame: look for \"PF_CAN: dropped non conform\" in \
                 `dmesg`. Check the device with `ip -details link show dev CAN`.",
    },
    DropReason {
        name: "CAN_RX_INVALID_FRAME",
        meaning: "A received CAN frame is malformed, or the device that delivered it is not a CAN device.",
        functions: &["can_rcv"],
        file: "net/can/af_can.c",
        since: "6.17",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program or the driver that sends the frame: look for \"PF_CAN: dropped non conform\" in \
                 `dmesg`. Check the device with `ip -details link show dev CAN`.",
    },
    DropReason {
        name: "CPU_BACKLOG",
        meaning: "The backlog queue of a CPU is full, or one flow fills too much of it (the RPS flow limit). The queue \
                  holds packets from devices without a receive queue of their own, such as veth and loopback, and \
                  packets that RPS steers.",
        functions: &["enqueue_to_backlog"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["cpu-backlog-full"],
        counters: &[],
        advice: "Show the drops of each CPU in the second column of `/proc/net/softnet_stat`. Raise \
                 `net.core.netdev_max_backlog`, or spread the packets over more CPUs with \
                 `/sys/class/net/DEV/queues/rx-*/rps_cpus`.",
    },
    DropReason {
        name: "DEV_HDR",
        meaning: "A program, usually a virtual machine monitor, wrote a frame to a macvtap or ipvtap device. The \
                  virtio header before the frame does not match it.",
        functions: &["tap_get_user"],
        file: "drivers/net/tap.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Correct or update the program or the guest driver that writes the frame. To confirm, turn off \
                 segmentation and checksum offload in the guest with `ethtool -K`.",
    },
    DropReason {
        name: "DEV_READY",
        meaning: "The device that is to send or receive the packet is not ready. The device is down, has no carrier or \
                  is being removed, or no program has opened it (tun, tap).",
        functions: &["enqueue_to_backlog", "tun_net_xmit", "__dev_queue_xmit", "do_output"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["link-down"],
        counters: &[],
        advice: "Check the device with `ip link show dev DEV`, and set it up with `ip link set DEV up`. For a tun or \
                 tap device, check that its program (VPN, virtual machine) runs.",
    },
    DropReason {
        name: "FULL_RING",
        meaning: "The queue between the kernel and the program behind a tun, tap or macvtap device is full, because \
                  the program does not read fast enough. IP-TFS (IPsec traffic flow confidentiality) gives the same \
                  reason if its output queue is full.",
        functions: &["tun_net_xmit", "tap_handle_frame", "iptfs_output_collect"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the drops with `ip -s link show dev DEV`. Find out why the program behind the device (VPN, \
                 virtual machine) is slow. Or enlarge the queue with `ip link set DEV txqueuelen N`.",
    },
    DropReason {
        name: "IPVLAN_MULTICAST_BACKLOG",
        meaning: "The queue in which an ipvlan parent device holds broadcast and multicast packets is full. The queue \
                  holds 1000 packets.",
        functions: &["ipvlan_multicast_enqueue"],
        file: "drivers/net/ipvlan/ipvlan_core.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the sender of the broadcasts or multicasts with `tcpdump -ni PARENT multicast`, and reduce them. \
                 The limit cannot be changed. Fewer ipvlan devices on the parent also empty the queue faster.",
    },
    DropReason {
        name: "MACVLAN_BROADCAST_BACKLOG",
        meaning: "The queue in which a macvlan parent device holds copies of broadcast and multicast packets is full. \
                  Most such losses produce no drop, because the kernel usually checks the queue before it makes the \
                  copy.",
        functions: &["macvlan_handle_frame", "macvlan_broadcast_enqueue"],
        file: "drivers/net/macvlan.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Show the losses with `ip -s link show dev PARENT` (dropped). Enlarge the queue with `ip link set DEV \
                 type macvlan bcqueuelen N`, or find and reduce the broadcasts with `tcpdump -ni PARENT multicast`.",
    },
    DropReason {
        name: "MAC_IEEE_MAC_CONTROL",
        meaning: "A bridge port received an Ethernet pause frame (destination 01:80:c2:00:00:01). A bridge never \
                  forwards pause frames, because they concern one link only.",
        functions: &["br_handle_frame"],
        file: "net/bridge/br_input.c",
        since: "6.14",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &[],
        advice: "Do nothing. If there are many, let the network card process pause frames itself: `ethtool -A DEV rx \
                 on tx on`.",
    },
    DropReason {
        name: "MAC_INVALID_SOURCE",
        meaning: "The source MAC address of a frame is all zeros or a multicast address. A bridge drops such frames, \
                  and so does a VXLAN device that learns addresses.",
        functions: &["br_handle_frame", "vxlan_rcv"],
        file: "net/bridge/br_input.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the sender with `tcpdump -eni DEV 'ether[6] & 1 = 1 or ether src 00:00:00:00:00:00'`. Give its \
                 device a valid address with `ip link set DEV address MAC`.",
    },
    DropReason {
        name: "NO_TX_TARGET",
        meaning: "A bridge or a VXLAN device found no port or remote host to send a frame to. Nothing is lost if a \
                  broadcast or multicast has no receiver, for example on a bridge with one port. A unicast frame is \
                  lost.",
        functions: &["br_flood", "vxlan_xmit", "br_multicast_flood", "vxlan_mdb_xmit"],
        file: "net/bridge/br_forward.c",
        since: "6.14",
        until: None,
        loss: Loss::Depends,
        findings: &["bridge-port-blocked", "bridge-vlan-filtered"],
        counters: &[],
        advice: "For a bridge, check the states, isolation and flood flags of the ports with `bridge -d link`, and the \
                 VLANs with `bridge vlan`. For VXLAN, show the remote hosts with `bridge fdb show dev VXLAN`, and add \
                 the missing one with `bridge fdb append`.",
    },
    DropReason {
        name: "TAP_FILTER",
        meaning: "The BPF filter that a program attached to a tun or tap device (`TUNSETFILTEREBPF`) rejected the \
                  packet.",
        functions: &["tun_net_xmit"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program that owns the device with `ip -details tuntap`, and correct its filter. `bpftool \
                 prog show` lists the BPF programs.",
    },
    DropReason {
        name: "TAP_TXFILTER",
        meaning: "The program behind a tap device asked for frames to certain MAC addresses only (`TUNSETTXFILTER`), \
                  and this frame has another destination. Nothing is lost if the guest does not want the frame, which \
                  is the usual case. The frame is lost if the list lacks an address of the guest.",
        functions: &["tun_net_xmit"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Compare the destination of the frame with the addresses in the guest (`ip link`, `ip maddress`). If \
                 the guest forwards for others, make its monitor ask for all frames.",
    },
    DropReason {
        name: "TC_CHAIN_NOTFOUND",
        meaning: "A tc filter, an action or the network card directed the packet to a filter chain that does not \
                  exist.",
        functions: &["__netif_receive_skb_core", "__dev_queue_xmit", "__tcf_kfree_skb_list"],
        file: "net/core/dev.c",
        since: "6.8",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "List the chains and filters with `tc chain show dev DEV ingress` and `tc -s filter show dev DEV \
                 ingress` (or `egress`). Create the chain that a `goto chain` names, or correct the filter.",
    },
    DropReason {
        name: "TC_COOKIE_ERROR",
        meaning: "The network card ran some tc actions of the packet and left the rest to the kernel. By then the \
                  filter had been changed or removed.",
        functions: &["__netif_receive_skb_core"],
        file: "net/core/dev.c",
        since: "6.8",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "A few drops while filters change need no action. If they continue, list the filters with `tc -s \
                 filter show dev DEV ingress`. Install them again, or with `skip_hw`.",
    },
    DropReason {
        name: "TC_EGRESS",
        meaning: "A tc filter or a BPF program on the egress hook of a device (clsact, tcx) dropped the packet.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["bpf-program-drop"],
        counters: &[],
        advice: "List the programs with `bpftool net show dev DEV` and the filters with `tc -s filter show dev DEV \
                 egress`. Ask the owner of the program whether the drop is intended.",
    },
    DropReason {
        name: "TC_INGRESS",
        meaning: "A tc filter or a BPF program on the ingress hook of a device (clsact, ingress, tcx) dropped the \
                  packet.",
        functions: &["__netif_receive_skb_core"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["bpf-program-drop"],
        counters: &[],
        advice: "List the programs with `bpftool net show dev DEV` and the filters with `tc -s filter show dev DEV \
                 ingress`. Ask the owner of the program whether the drop is intended.",
    },
    DropReason {
        name: "TC_RECLASSIFY_LOOP",
        meaning: "The tc filters of a device sent the packet back to the start or to another chain more than 16 times. \
                  Some kernels give the same reason if a qdisc redirects a packet into itself.",
        functions: &["__netif_receive_skb_core", "__dev_queue_xmit", "__tcf_kfree_skb_list"],
        file: "net/core/dev.c",
        since: "6.8",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the loop: `dmesg` names the block and the priority (\"reclassify loop\"). List the filters with \
                 `tc filter show dev DEV ingress` (or `egress`), and correct those with `reclassify` or `goto chain`.",
    },
    DropReason {
        name: "XDP",
        meaning: "A generic-mode XDP program redirected the packet, and the redirect failed, for example because the \
                  target device is down. The kernel gives no reason if the program itself drops the packet \
                  (`XDP_DROP`).",
        functions: &["do_xdp_generic"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program with `bpftool net show`, and the error with `perf trace -e xdp:xdp_redirect_err`. \
                 Set the target device up, or correct the map that the program redirects with.",
    },
];
