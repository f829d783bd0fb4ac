//! Drop reasons of IPv4 and IPv6: headers, fragments, ICMP, addresses, routes, netfilter and IPsec.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "DUP_FRAG",
        meaning: "The fragment repeats one that already arrived, or its datagram is already complete.",
        functions: &["ip_frag_queue", "ip6_frag_queue", "nf_ct_frag6_queue"],
        file: "net/ipv4/ip_fragment.c",
        since: "6.2",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &[],
        advice: "Do nothing unless there are many. Then find out what duplicates packets: a loop between switches, or \
                  a sender that repeats them.",
    },
    DropReason {
        name: "FRAG_REASM_TIMEOUT",
        meaning: "Some fragments of a datagram did not arrive in time, and the kernel drops those that did.",
        functions: &["ip_expire", "ip6_frag_expire", "nf_ct_frag6_expire", "inet_frag_rbtree_purge"],
        file: "net/ipv4/ip_fragment.c",
        since: "6.2",
        until: None,
        loss: Loss::Always,
        findings: &["fragments-incomplete"],
        counters: &["IpReasmTimeout", "IpReasmFails", "Ip6ReasmTimeout", "Ip6ReasmFails"],
        advice: "Find where the other fragments are lost: firewalls often drop them because they carry no ports. Avoid \
                  fragmentation if you can: send smaller packets or fix the path MTU.",
    },
    DropReason {
        name: "FRAG_TOO_FAR",
        meaning: "Too many fragments from the same source arrived since the last one of this IPv4 datagram. The kernel \
                  takes the missing fragments for lost and drops those that it holds.",
        functions: &["inet_frag_rbtree_purge", "inet_frag_queue_flush"],
        file: "net/ipv4/inet_fragment.c",
        since: "6.2",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["IpReasmFails"],
        advice: "Find where the missing fragments are lost. If a fast sender's fragments are only out of order, raise \
                  `net.ipv4.ipfrag_max_dist` (64 by default, 0 disables the check).",
    },
    DropReason {
        name: "ICMP_CSUM",
        meaning: "The checksum of the ICMP or ICMPv6 message is wrong.",
        functions: &["icmp_rcv", "icmpv6_rcv"],
        file: "net/ipv4/icmp.c",
        since: "5.19",
        until: None,
        loss: Loss::Always,
        findings: &["bad-checksum"],
        counters: &["IcmpInCsumErrors", "IcmpInErrors", "Icmp6InCsumErrors", "Icmp6InErrors"],
        advice: "Find out what damages packets on their path: a cable, a device, or a program that rewrites addresses. \
                  Compare captures at both ends (`tcpdump -vv icmp or icmp6`).",
    },
    DropReason {
        name: "INVALID_PROTO",
        meaning: "The message is not valid for its destination: mostly an ICMP message to a broadcast or multicast \
                  address. By default, Linux ignores a broadcast ping, and then nothing is lost.",
        functions: &["icmp_rcv", "ipv6_dest_hao"],
        file: "net/ipv4/icmp.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["IcmpInErrors"],
        advice: "Do nothing if the sender only looks for hosts. To answer broadcast pings, set \
                  `net.ipv4.icmp_echo_ignore_broadcasts=0`.",
    },
    DropReason {
        name: "IPV6DISABLED",
        meaning: "IPv6 is disabled on the device that the packet arrives on or leaves by. Multicast from other hosts, \
                  such as router advertisements, is no loss.",
        functions: &["ip6_rcv_core", "ip6_output", "ipv6_rthdr_rcv", "br_nf_pre_routing"],
        file: "net/ipv6/ip6_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["Ip6InDiscards", "Ip6OutDiscards"],
        advice: "Read the setting with `sysctl net.ipv6.conf.DEV.disable_ipv6`. Set it to 0 if the device needs IPv6, \
                  otherwise remove the IPv6 addresses and routes that lead to the device.",
    },
    DropReason {
        name: "IPV6_BAD_EXTHDR",
        meaning: "An ICMPv6 error or redirect quotes a packet whose extension headers cannot be read. The connection \
                  that the message is about does not learn of it.",
        functions: &["icmpv6_rcv"],
        file: "net/ipv6/icmp.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["Icmp6InErrors"],
        advice: "Capture the message (`tcpdump -vv icmp6`) and look at the quoted packet. Find out whether the router \
                  that sent it cuts or damages the quotation.",
    },
    DropReason {
        name: "IPV6_TOO_MANY_EXTHDRS",
        meaning: "The IPv6 packet has more than 12 extension headers. Ordinary senders use at most a few.",
        functions: &["ip6_protocol_deliver_rcu"],
        file: "net/ipv6/ip6_input.c",
        since: "7.1",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["Ip6InDiscards"],
        advice: "Find the sender and what it sends with `tcpdump -vv ip6`. The limit is fixed and protects the host \
                  from crafted packets.",
    },
    DropReason {
        name: "IP_CSUM",
        meaning: "The checksum of the IPv4 header is wrong.",
        functions: &["ip_rcv_core"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["bad-checksum"],
        counters: &["IpExtInCsumErrors", "IpInHdrErrors"],
        advice: "Find out what damages packets on their path, or which device or program rewrites the header without a \
                  new checksum. Compare captures on both sides of it (`tcpdump -vv`).",
    },
    DropReason {
        name: "IP_INADDRERRORS",
        meaning: "The destination or the source address does not permit forwarding or delivery: mostly, forwarding is \
                  off here and the packet is for another host. If the packet is multicast to a group that no program \
                  here has joined, nothing is lost.",
        functions: &["ip_error", "ip6_forward", "ip6_pkt_discard", "ip6_protocol_deliver_rcu"],
        file: "net/ipv4/route.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &["forwarding-off"],
        counters: &["IpInAddrErrors", "Ip6InAddrErrors", "Ip6InDiscards"],
        advice: "If this host is meant to route, set `net.ipv4.conf.all.forwarding=1` or \
                  `net.ipv6.conf.all.forwarding=1`. Otherwise find out why the sender uses this host as its router. \
                  IPv6 also does not forward packets with a link-local or unspecified source.",
    },
    DropReason {
        name: "IP_INHDR",
        meaning: "A field of the IP header is invalid, or the TTL or hop limit expired at this router. IPv6 also \
                  rejects loopback and multicast sources here. If traceroute sent the packet, its expiry is intended \
                  and nothing is lost.",
        functions: &["ip_rcv_core", "ip6_rcv_core", "ip_forward", "ip6_forward"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &["ttl-exceeded", "martian-source"],
        counters: &["IpInHdrErrors", "Ip6InHdrErrors"],
        advice: "If the packet is dropped in `ip_forward` or `ip6_forward`, follow the route hop by hop and look for a \
                  loop. Otherwise capture the packet (`tcpdump -vv`) and find the sender of the invalid header.",
    },
    DropReason {
        name: "IP_INNOROUTES",
        meaning: "A packet arrived, but this host has no route to its destination, or for IPv6 an unreachable or \
                  prohibit route matches. If the packet is link-local multicast that arrives while the device gets its \
                  addresses, nothing is lost.",
        functions: &["ip_error", "ip6_pkt_discard", "ip6_pkt_prohibit", "ip6_pkt_drop"],
        file: "net/ipv4/route.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &["no-route", "unreachable-route", "prohibit-route"],
        counters: &["IpExtInNoRoutes", "Ip6InNoRoutes"],
        advice: "Look the destination up with `ip route get DST from SRC iif DEV`. Add a route, or remove the one that \
                  rejects the packet.",
    },
    DropReason {
        name: "IP_INVALID_DEST",
        meaning: "The IPv4 destination address is never valid here: it is in 0.0.0.0/8, or its route is neither to a \
                  host, nor local, nor broadcast.",
        functions: &["ip_rcv_finish_core"],
        file: "net/ipv4/ip_input.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the sender by the frame's source MAC address (`tcpdump -e`) and correct its configuration. \
                  `sysctl net.ipv4.conf.DEV.log_martians=1` logs such packets. Also inspect `ip route show table \
                  local`.",
    },
    DropReason {
        name: "IP_INVALID_SOURCE",
        meaning: "The IPv4 source address is never valid: it is a multicast or broadcast address, or in 0.0.0.0/8.",
        functions: &["ip_rcv_finish_core"],
        file: "net/ipv4/ip_input.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &["martian-source"],
        counters: &[],
        advice: "Find the sender by the frame's source MAC address (`tcpdump -e`) and correct its address, netmask or \
                  NAT. `sysctl net.ipv4.conf.DEV.log_martians=1` logs such packets.",
    },
    DropReason {
        name: "IP_LOCALNET",
        meaning: "The packet arrived from outside with a loopback source or destination (127.0.0.0/8), and the device \
                  does not permit it.",
        functions: &["ip_rcv_finish_core"],
        file: "net/ipv4/ip_input.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &["martian-source"],
        counters: &[],
        advice: "Find the sender, or the DNAT rule that translates to 127.0.0.1. If it is intended, set \
                  `net.ipv4.conf.DEV.route_localnet=1` and use a firewall to restrict who can reach loopback.",
    },
    DropReason {
        name: "IP_LOCAL_SOURCE",
        meaning: "The packet arrived from outside with an IPv4 source address of this host.",
        functions: &["ip_rcv_finish_core"],
        file: "net/ipv4/ip_input.c",
        since: "6.13",
        until: None,
        loss: Loss::Always,
        findings: &["martian-source"],
        counters: &[],
        advice: "Look for a second host with the same address (`arping -D -I DEV ADDR`), a loop, or a NAT that \
                  produces this source. If two devices of this host talk over a wire, set \
                  `net.ipv4.conf.DEV.accept_local=1`.",
    },
    DropReason {
        name: "IP_NOPROTO",
        meaning: "No program or kernel module on this host accepts the packet's IP protocol (GRE, ESP or OSPF, for \
                  example). The sender normally gets an ICMP error.",
        functions: &["ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["IpInUnknownProtos", "Ip6InUnknownProtos"],
        advice: "Find the protocol number in a capture. Configure the tunnel, load the module or start the program \
                  that handles it, or stop the sender.",
    },
    DropReason {
        name: "IP_OUTNOROUTES",
        meaning: "This host sends a packet, but has no route to its destination, or for IPv6 an unreachable or \
                  prohibit route matches. A VXLAN tunnel without a route to its remote end drops packets for this \
                  reason too.",
        functions: &["__ip_queue_xmit", "ip6_pkt_discard_out", "inet6_csk_xmit", "vxlan_xmit_one"],
        file: "net/ipv4/ip_output.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["no-route", "unreachable-route", "prohibit-route"],
        counters: &["IpOutNoRoutes", "Ip6OutNoRoutes"],
        advice: "Look the destination up with `ip route get DST` in the sender's network namespace. Add a route, or \
                  remove the one that rejects the packet.",
    },
    DropReason {
        name: "IP_RPFILTER",
        meaning: "The IPv4 route back to the packet's source does not pass the reverse-path filter (`rp_filter`) of \
                  the device that it arrived on.",
        functions: &["ip_rcv_finish_core"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["reverse-path-filtered"],
        counters: &["TcpExtIPReversePathFilter"],
        advice: "Look the route back up with `ip route get SRC`. Route the source through the device that leads to it, \
                  or relax the filter: `net.ipv4.conf.DEV.rp_filter=2` accepts any route back. The larger value of \
                  `all` and the device applies.",
    },
    DropReason {
        name: "IP_TUNNEL_ECN",
        meaning: "A router marked the outer packet of a VXLAN tunnel as having met congestion, but the inner packet \
                  does not support ECN. RFC 6040 requires the drop, so that the inner sender slows down.",
        functions: &["vxlan_rcv"],
        file: "drivers/net/vxlan/vxlan_core.c",
        since: "6.12",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Find the congested link between the tunnel's ends. `ip -s -s link show dev VXLAN` counts these \
                  packets as frame errors. Also check that the other end does not set ECN for packets without it.",
    },
    DropReason {
        name: "NETFILTER_DROP",
        meaning: "A firewall rule, a chain's policy, conntrack, or another netfilter hook (of nftables, iptables or \
                  IPVS, for example) drops the packet.",
        functions: &["nf_hook_slow", "nft_do_chain", "nf_reinject"],
        file: "net/netfilter/core.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[
            "firewall-drop",
            "firewall-reject",
            "ct-invalid-dropped",
            "conntrack-table-full",
            "conntrack-zone-mismatch",
            "untracked-reply-dropped",
            "asymmetric-reply-invalid",
            "nat-reply-not-reversed",
            "dnat-reply-not-reversed",
        ],
        counters: &[],
        advice: "Look for the rule in `tracer`'s finding, or with `nft list ruleset`, `iptables-save -c` and \
                  `ip6tables-save -c`. If the packet is meant to pass, accept it before that rule.",
    },
    DropReason {
        name: "OTHERHOST",
        meaning: "The frame's destination MAC address is not that of the device, or the frame has a VLAN tag without a \
                  VLAN device here. If the destination IP address is on this host, the packet is lost. Otherwise the \
                  frame is for another host, which normally receives it as well, and nothing is lost.",
        functions: &["ip_rcv_core", "ip6_rcv_core"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &["packet-for-other-host"],
        counters: &[],
        advice: "Check the sender's neighbour entry for its next hop (`ip neigh`). For tagged frames, add the VLAN \
                  device (`ip link add link DEV type vlan id ID`). `ip -s -s link` counts these frames as `otherhost`.",
    },
    DropReason {
        name: "PKT_TOO_BIG",
        meaning: "The packet exceeds the next link's MTU and must not be fragmented. The sender gets an ICMP error \
                  with the MTU: if it sends smaller packets from then on, nothing is lost.",
        functions: &["ip_forward", "ip6_forward", "do_output", "ip6_xmit"],
        file: "net/ipv4/ip_forward.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &["packet-too-big", "path-mtu-learned", "tunnel-mtu-exceeded"],
        counters: &["IpFragFails", "Ip6FragFails", "Ip6InTooBigErrors"],
        advice: "Let the ICMP errors through (IPv4 type 3 code 4, ICMPv6 type 2), or give all links of the path the \
                  same MTU. If that cannot be done, limit TCP's segment size with `tcp option maxseg size set rt mtu`.",
    },
    DropReason {
        name: "PKT_TOO_SMALL",
        meaning: "The packet is shorter than its headers say, or too short for a header of its protocol.",
        functions: &["ip_rcv_core", "ip6_rcv_core", "tcp_v4_rcv", "__udp4_lib_rcv"],
        file: "net/ipv4/ip_input.c",
        since: "5.17",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["IpExtInTruncatedPkts", "Ip6InTruncatedPkts", "TcpInErrs", "UdpInErrors", "Udp6InErrors"],
        advice: "Compare captures at both ends to find where the packet is cut. Suspect a device with a wrong MTU or \
                  broken offloads (`ethtool -K DEV gro off lro off` to test).",
    },
    DropReason {
        name: "UNHANDLED_PROTO",
        meaning: "Nothing on this host handles the frame's protocol, the ICMP type or the IPv6 option. If the frame is \
                  LLDP, spanning tree or similar, it is not meant for this host and nothing is lost. Frames on an \
                  inactive port of a bond are dropped too.",
        functions: &["__netif_receive_skb_core", "ip6_rcv_core", "icmp_rcv", "ip6_tlvopt_unknown"],
        file: "net/core/dev.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["Ip6InHdrErrors", "IcmpInErrors"],
        advice: "Find the protocol with `tcpdump -e -nn -i DEV`. If this host needs it, load its module. For a bond or \
                  team, check that the frame arrives on the active port (`ip -d link`). Otherwise do nothing.",
    },
    DropReason {
        name: "UNICAST_IN_L2_MULTICAST",
        meaning: "The frame is a link-layer broadcast or multicast, but its IP destination is a single host. The \
                  setting `drop_unicast_in_l2_multicast` forbids this on the device.",
        functions: &["ip_rcv_finish_core", "ip6_rcv_core"],
        file: "net/ipv4/ip_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["Ip6InHdrErrors"],
        advice: "Find the sender: on Wi-Fi this can be an attack. If it is legitimate, a load balancer for example, \
                  set `net.ipv4.conf.DEV.drop_unicast_in_l2_multicast=0` (or `ipv6`). For IPv4, `all` must be 0 too.",
    },
    DropReason {
        name: "XFRM_POLICY",
        meaning: "An IPsec policy check drops the packet: a policy blocks it, or it arrived in the clear although a \
                  policy requires IPsec. A router also drops it if a policy requires encryption and no state exists.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "ip_forward"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["xfrm-policy-refused", "xfrm-no-state"],
        counters: &["XfrmInTmplMismatch", "XfrmInPolBlock", "XfrmInNoPols", "XfrmOutPolBlock", "XfrmOutNoStates"],
        advice: "Compare `ip xfrm policy` and `ip xfrm state` on both ends, and see which counter rises in \
                  `/proc/net/xfrm_stat`. Make both ends agree on what is encrypted, or narrow the policy.",
    },
];
