//! Drop reasons of neighbour entries and IPv6 neighbour discovery.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "IPV6_NDISC_BAD_CODE",
        meaning: "A neighbour discovery message has an ICMPv6 code other than 0. No valid message does, and the kernel \
                  ignores it.",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Capture the message (`tcpdump -e -vv icmp6`) and find the sender by its MAC address. Correct or \
                  update that device.",
    },
    DropReason {
        name: "IPV6_NDISC_BAD_OPTIONS",
        meaning: "An option of a neighbour discovery message has length 0 or extends past the end of the message. The \
                  kernel ignores the whole message.",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Capture the message (`tcpdump -e -vv icmp6`) and find the sender by its MAC address. Correct or \
                  update the router or host that sends it.",
    },
    DropReason {
        name: "IPV6_NDISC_FRAG",
        meaning: "A neighbour discovery message arrived in fragments. By default, the kernel ignores such messages \
                  because they can evade filters (RFC 6980).",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the sender (`tcpdump -e -vv icmp6`) and make its messages fit the MTU, for example with fewer \
                  options. Set `net.ipv6.conf.DEV.suppress_frag_ndisc=0` only if you trust the link.",
    },
    DropReason {
        name: "IPV6_NDISC_HOP_LIMIT",
        meaning: "A neighbour discovery message has a hop limit other than 255. It may come from outside the link, so \
                  the kernel ignores it.",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Capture the message (`tcpdump -e -vv icmp6`) and find its sender. Suspect a forged message, a tunnel \
                  or router that decrements the hop limit, or a sender with a wrong setting.",
    },
    DropReason {
        name: "IPV6_NDISC_NS_OTHERHOST",
        meaning: "A neighbour solicitation asks for an IPv6 address that this host neither has nor proxies. Nothing is \
                  lost if another host has the address, because hosts share multicast groups. Otherwise the asking \
                  host cannot reach the address.",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "If this host is meant to answer, add the address (`ip -6 addr add`) or a proxy entry (`ip -6 neigh \
                  add proxy`). A proxy also needs `forwarding` and `proxy_ndp` set to 1 under `net.ipv6.conf.DEV`.",
    },
    DropReason {
        name: "NEIGH_CREATEFAIL",
        meaning: "The kernel cannot create a neighbour entry for the next hop, mostly because the ARP or neighbour \
                  discovery table is full.",
        functions: &["ip_finish_output2", "ip6_finish_output2"],
        file: "net/ipv4/ip_output.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["Ip6OutNoRoutes"],
        advice: "Look for `neighbor table overflow` in `dmesg` and for `table_fulls` in `lnstat -f arp_cache` or \
                  `ndisc_cache`. Raise `net.ipv4.neigh.default.gc_thresh3` (or `ipv6`), or find out why there are so \
                  many neighbours (`ip neigh`).",
    },
    DropReason {
        name: "NEIGH_DEAD",
        meaning: "The next hop's neighbour entry was deleted while the packet was on its path to the device. The next \
                  packet creates a new entry.",
        functions: &["__neigh_event_send"],
        file: "net/core/neighbour.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Do nothing if this happens once, when a device or an address changes. Otherwise run `ip monitor neigh \
                  link address` to see what deletes the entry.",
    },
    DropReason {
        name: "NEIGH_FAILED",
        meaning: "The next hop does not answer ARP requests, and the kernel drops the packets that wait for its \
                  hardware address. For IPv6 the kernel gives this reason only if it sends no solicitations at all \
                  (`mcast_solicit` and `app_solicit` are 0).",
        functions: &["neigh_invalidate", "arp_error_report", "__neigh_event_send"],
        file: "net/core/neighbour.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["neighbour-failed", "link-down"],
        counters: &[],
        advice: "Inspect the entry with `ip neigh show dev DEV`, and watch the requests with `tcpdump -e -i DEV arp or \
                  icmp6`. Check that the next hop is up and in this network, or correct the address or the route.",
    },
    DropReason {
        name: "NEIGH_HH_FILLFAIL",
        meaning: "The device cannot build a link-layer header for the packet. Ethernet always can: only a few other \
                  device types fail.",
        functions: &["neigh_resolve_output", "neigh_connected_output"],
        file: "net/core/neighbour.c",
        since: "6.16",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Inspect the device with `ip -d link show dev DEV`, and the next hop's hardware address with `ip neigh \
                  show dev DEV`. Report the failure to the driver's maintainers if both are right.",
    },
    DropReason {
        name: "NEIGH_QUEUEFULL",
        meaning: "Packets wait for a next hop's hardware address, and their queue is full. Each new packet evicts the \
                  oldest one.",
        functions: &["__neigh_event_send"],
        file: "net/core/neighbour.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["neighbour-queue-full"],
        counters: &[],
        advice: "Find out why the neighbour answers late or not at all (`ip neigh show dev DEV`). Or raise \
                  `net.ipv4.neigh.DEV.unres_qlen_bytes` (or `ipv6`). `lnstat -f arp_cache` counts these packets as \
                  `unresolved_discards`.",
    },
];
