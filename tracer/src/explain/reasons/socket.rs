//! Drop reasons of sockets.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "BPF_CGROUP_EGRESS",
        meaning: "A BPF program that is attached to the sender's cgroup refuses the outgoing packet. \
                  The program that sends gets the error EPERM.",
        functions: &["ip_finish_output", "ip6_finish_output", "ip_mc_finish_output"],
        file: "net/ipv4/ip_output.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["bpf-program-drop"],
        counters: &[],
        advice: "Run `bpftool cgroup tree` to find the egress program and its cgroup. \
                 Change the rule of its owner (often systemd's `IPAddressDeny=` or a container runtime), or detach it.",
    },
    DropReason {
        name: "NO_SOCKET",
        meaning: "No socket takes the packet: nothing listens on the port, or a handshake's last segment matches no \
                  connection request. The sender gets a TCP reset or an ICMP error. \
                  For an ICMP echo reply nothing is lost if a raw socket (ping) already has its own copy.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "__udp4_lib_rcv", "__udp6_lib_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.17",
        until: None,
        loss: Loss::Depends,
        findings: &["no-socket", "nat-reply-not-reversed", "dnat-reply-not-reversed"],
        counters: &["UdpNoPorts", "Udp6NoPorts", "TcpOutRsts"],
        advice: "Run `ss -lntup` in the receiver's network namespace, and start the service or correct the port. \
                 If the packet is a reply, look for an address translation that was not reversed: `conntrack -L`.",
    },
    DropReason {
        name: "PACKET_SOCK_ERROR",
        meaning: "A packet socket (tcpdump, a DHCP client) cannot take its copy because its buffer or ring is full, or \
                  memory is short. The packet itself continues; only a program that relies on the copy loses \
                  something.",
        functions: &["packet_rcv", "tpacket_rcv"],
        file: "net/packet/af_packet.c",
        since: "6.8",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Run `ss -0 -pm` to see which packet socket drops (`d` in `skmem`). \
                 Give it a larger buffer (`tcpdump -B`) or a narrower filter.",
    },
    DropReason {
        name: "PROTO_MEM",
        meaning: "The memory limit of TCP or of UDP for the whole host leaves no room for the packet. \
                  TCP also gives this reason if the receive buffer of the socket is full; its peer sends the segment \
                  again.",
        functions: &[
            "tcp_data_queue",
            "udp_queue_rcv_one_skb",
            "udpv6_queue_rcv_one_skb",
            "__udp_enqueue_schedule_skb",
        ],
        file: "net/ipv4/tcp_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["receive-buffer-full"],
        counters: &["TcpExtTCPRcvQDrop", "TcpExtTCPOFODrop", "UdpMemErrors", "Udp6MemErrors"],
        advice: "Compare `mem` in /proc/net/sockstat with `sysctl net.ipv4.tcp_mem net.ipv4.udp_mem` (in pages), and \
                 raise the limit that is reached. \
                 Run `ss -tuanpm` to find the program that does not read its sockets.",
    },
    DropReason {
        name: "PSP_INPUT",
        meaning: "A TCP segment does not match the PSP encryption of its connection. \
                  The segment arrives in the clear although PSP is required, with another key, or encrypted for a \
                  connection without PSP.",
        functions: &["tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpInErrs"],
        advice: "Check that both programs set up PSP on the connection, and with the current device key. \
                 Run `ynl --family psp --dump dev-get` on both hosts to compare the enabled PSP versions.",
    },
    DropReason {
        name: "PSP_OUTPUT",
        meaning: "A TCP segment of a connection with PSP encryption is routed to a device that does not hold the \
                  connection's key, or the device cannot encrypt it. \
                  The kernel drops the segment instead of sending it in the clear.",
        functions: &["psp_validate_xmit", "mlx5e_psp_handle_tx_skb"],
        file: "net/psp/psp_sock.c",
        since: "6.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Run `ip route get DESTINATION` and `ynl --family psp --dump dev-get`. \
                 Route the connection out of the PSP device that it was set up on, or open a new connection.",
    },
    DropReason {
        name: "QUEUE_PURGE",
        meaning: "The kernel empties a queue and frees all packets in it. \
                  Nothing is lost if a socket closes whose program has read what it wanted. \
                  Packets are lost if the queue waits for a neighbour's hardware address (`neigh_flush_dev`, \
                  `neigh_destroy`) or belongs to a device that is reset or removed.",
        functions: &["skb_queue_purge_reason", "inet_sock_destruct", "sk_stream_kill_queues", "neigh_flush_dev"],
        file: "net/core/skbuff.c",
        since: "6.6",
        until: None,
        loss: Loss::Depends,
        findings: &["link-down"],
        counters: &[],
        advice: "Read the function in the drop's location. \
                 If it is a socket's, do nothing. \
                 If it is a neighbour's or a device's, look for a link that went down: `ip -s link`, \
                 `ip monitor link`.",
    },
    DropReason {
        name: "SECURITY_HOOK",
        meaning: "A security module (SELinux, Smack, AppArmor) does not let the socket have the packet or the \
                  connection. \
                  Before 6.17 the kernel reports most of these drops as `SOCKET_FILTER`.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "cookie_v4_check", "cookie_v6_check"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.9",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Read the denial: `ausearch -m AVC -ts recent` for SELinux, `journalctl -k --grep=DENIED` for \
                 AppArmor. \
                 Correct the policy or the label (`SECMARK`, NetLabel) of the packet.",
    },
    DropReason {
        name: "SOCKET_BACKLOG",
        meaning: "A program is working on the connection, and the queue for segments that arrive at that moment is \
                  full. The peer sends the segment again.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "__sk_receive_skb"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["receive-buffer-full"],
        counters: &["TcpExtTCPBacklogDrop"],
        advice: "Find out why the program holds the socket for so long (large reads, a busy CPU). \
                 Or raise `net.ipv4.tcp_rmem`, because the queue's limit grows with the socket's buffers.",
    },
    DropReason {
        name: "SOCKET_CLOSE",
        meaning: "A program closes a Unix or MPTCP socket in which unread data is left. \
                  The data is lost, unless the program means to discard it. \
                  For Unix sockets this includes connections that were never accepted.",
        functions: &["unix_release_sock", "skb_queue_purge_reason", "unix_gc", "mptcp_backlog_purge"],
        file: "net/unix/af_unix.c",
        since: "6.14",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Find the program that closes the socket: `ss -xp` lists Unix sockets with their programs. \
                 If the data matters, let the program read until the end of the stream before it closes.",
    },
    DropReason {
        name: "SOCKET_FILTER",
        meaning: "A filter on the socket, or a BPF program of its cgroup for incoming packets, refuses the packet. \
                  Before 6.17 the refusal of a security module has this reason too. \
                  Nothing is lost if a raw socket (ping) filters out packets of others, because it only gets copies.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &["socket-filter-drop", "bpf-program-drop"],
        counters: &[],
        advice: "Run `ss -tuaep --bpf` to list sockets with their filters, and `bpftool cgroup tree` to list the \
                 programs of cgroups. \
                 Change the filter at its owner.",
    },
    DropReason {
        name: "SOCKET_RCVBUFF",
        meaning: "The receive buffer of a UDP, raw or ping socket is full because its program does not read in time.",
        functions: &["udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb", "raw_rcv_skb", "rawv6_rcv_skb"],
        file: "net/ipv4/udp.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &["receive-buffer-full"],
        counters: &["UdpRcvbufErrors", "Udp6RcvbufErrors"],
        advice: "Run `ss -uanpm` to find the socket (`d` in `skmem` counts its drops), and find out what blocks its \
                 program. \
                 Or raise `SO_RCVBUF` and `net.core.rmem_max`.",
    },
    DropReason {
        name: "UDP_CSUM",
        meaning: "The checksum of a UDP datagram is wrong, or it is 0 over IPv6, where the socket must permit that. \
                  Before 6.15, a wrong checksum that is only found while the program reads has no reason.",
        functions: &["__udp4_lib_rcv", "__udp6_lib_rcv", "udp_recvmsg", "udpv6_recvmsg"],
        file: "net/ipv4/udp.c",
        since: "5.17",
        until: None,
        loss: Loss::Always,
        findings: &["bad-checksum"],
        counters: &["UdpInCsumErrors", "Udp6InCsumErrors"],
        advice: "Capture the datagram at both ends to find what damages it on the path. \
                 If the sender's device fails to fill in the checksum, run `ethtool -K DEV tx off` there.",
    },
    DropReason {
        name: "UNIX_DISCONNECT",
        meaning: "A Unix datagram socket connects to another peer, or notices that its peer has closed. \
                  The kernel discards the unread messages of the old peer.",
        functions: &["skb_queue_purge_reason"],
        file: "net/core/skbuff.c",
        since: "6.14",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Let the program read all messages before it connects the socket again. \
                 Run `ss -xp` to find the program.",
    },
    DropReason {
        name: "UNIX_SKIP_OOB",
        meaning: "A program reads a Unix stream past a byte of urgent data (`MSG_OOB`) without asking for it. \
                  The kernel discards that byte and delivers the rest of the stream.",
        functions: &["unix_stream_read_generic", "unix_stream_read_skb"],
        file: "net/unix/af_unix.c",
        since: "6.14",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Let the receiver read urgent data with `MSG_OOB`, or set `SO_OOBINLINE` on its socket. \
                 Or let the sender do without `MSG_OOB`.",
    },
];
