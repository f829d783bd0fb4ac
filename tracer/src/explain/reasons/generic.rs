//! Drop reasons that any layer can give.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "HDR_TRUNC",
        meaning: "The kernel cannot get at a header because the packet ends before it, or because memory is short. \
                  A program that writes to a tap device causes this with a frame that is shorter than an Ethernet \
                  header.",
        functions: &["tun_get_user"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the program behind the device: `ip -d tuntap` shows the attached processes. \
                 Correct the frames that it writes, or its mode (tun without, tap with Ethernet header).",
    },
    DropReason {
        name: "NOMEM",
        meaning: "The kernel gets no memory to process the packet.",
        functions: &["tun_net_xmit", "vxlan_rcv", "ip_local_deliver_finish", "ovs_vport_output"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Run `free -m`, and search the kernel log for `page allocation failure`. \
                 Free memory, or raise `vm.min_free_kbytes` so that more is kept for network devices.",
    },
    DropReason {
        name: "NOT_SPECIFIED",
        meaning: "The code that frees the packet gives no reason. \
                  Both real drops and ordinary clean-up end like this; only the drop's location distinguishes them.",
        functions: &[],
        file: "",
        since: "5.17",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Read the function in the drop's location, and compare `nstat -az` before and after. \
                 `tracer` explains many of these drops by their location and the state of the host.",
    },
    DropReason {
        name: "PFMEMALLOC",
        meaning: "Memory is so short that the packet was received into the kernel's emergency reserve. \
                  Only sockets that help to free memory (swap over the network) may use such a packet. \
                  Before 6.17 the kernel reports this as `SOCKET_FILTER` or another reason.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "__netif_receive_skb_core"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.17",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtPFMemallocDrop"],
        advice: "Find what uses up the memory: `free -m`, `cat /proc/meminfo`, `slabtop`. \
                 Raise `vm.min_free_kbytes` so that the kernel frees memory earlier.",
    },
    DropReason {
        name: "RECURSION_LIMIT",
        meaning: "The packet passes from one virtual device to the next too often: the devices or tunnels form a loop. \
                  A device without a queue that refuses a packet, and too many nested VLAN headers, have this reason \
                  too.",
        functions: &["__dev_queue_xmit", "iptunnel_xmit", "ip6_tnl_xmit", "udp_tunnel6_xmit_skb"],
        file: "net/core/dev.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Search the kernel log for `Dead loop on virtual device`, which names the device. \
                 Run `ip route get REMOTE` for the tunnel's remote address: its route must not lead into the tunnel \
                 itself.",
    },
    DropReason {
        name: "SKB_BAD_GSO",
        meaning: "A large packet that is to be split into segments has headers that contradict its length. \
                  Such packets come from guests or programs that write to virtual devices, not from the host's own \
                  TCP.",
        functions: &["__dev_queue_xmit"],
        file: "net/core/dev.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the guest or program by the input device (tap, packet socket with a `virtio_net` header), and \
                 update it. \
                 Or turn off its segmentation offload: `ethtool -K DEV tso off gso off` in the guest.",
    },
    DropReason {
        name: "SKB_CONSUMED",
        meaning: "This is no drop: the packet was processed, and the kernel frees it. \
                  The kernel reports such a free by the tracepoint `consume_skb`.",
        functions: &["icmpv6_rcv", "packet_rcv", "tpacket_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.2",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &[],
        advice: "Do nothing.",
    },
    DropReason {
        name: "SKB_CSUM",
        meaning: "The checksum of a packet for a raw IPv6 socket is wrong. \
                  Or the kernel cannot compute a checksum that it has to fill in for a macvtap device.",
        functions: &["tap_handle_frame", "rawv6_rcv", "rawv6_rcv_skb"],
        file: "drivers/net/tap.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "For a raw IPv6 socket, capture the packet to find what damages it, or correct the program's \
                 `IPV6_CHECKSUM` offset. \
                 For macvtap, let the guest handle partial checksums (`ethtool -K DEV rx on` in the guest).",
    },
    DropReason {
        name: "SKB_GSO_SEG",
        meaning: "The kernel cannot split a large packet into segments for a macvtap device.",
        functions: &["tap_handle_frame"],
        file: "drivers/net/tap.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Run `ethtool -K DEV gro off lro off` on the device below the macvtap, so that no large packets \
                 arrive. \
                 Check that the host is not short of memory.",
    },
    DropReason {
        name: "SKB_UCOPY_FAULT",
        meaning: "Copying the packet's data between a program's memory and the kernel fails for a tun, tap or macvtap \
                  device. The program passed an invalid address, or memory is short.",
        functions: &["tun_get_user", "tap_get_user", "tun_net_xmit"],
        file: "drivers/net/tun.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "If the program's write fails with EFAULT, correct the program. \
                 Otherwise run `free -m`, and search the kernel log for `page allocation failure`.",
    },
];
