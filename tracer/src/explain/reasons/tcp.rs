//! Drop reasons of TCP.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "TCP_ABORT_ON_DATA",
        meaning: "Data arrives after the local program closed the connection, and the kernel answers with a reset. \
                  If TCP_LINGER2 is negative, the ACK of the FIN ends like this too, and no data is lost.",
        functions: &["tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.9",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtTCPAbortOnData", "TcpOutRsts"],
        advice: "Find out why the program closes while its peer still sends: `strace -f -e trace=%network,close`. \
                 Make the program call shutdown(2) with SHUT_WR and read until the peer closes.",
    },
    DropReason {
        name: "TCP_ACK_UNSENT_DATA",
        meaning: "A segment acknowledges data that this host has not sent. \
                  The kernel discards the segment and answers with an ACK, or with a reset during the handshake.",
        functions: &["tcp_rcv_established", "tcp_rcv_state_process", "tcp_v4_do_rcv", "tcp_v6_do_rcv"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPChallengeACK"],
        advice: "Capture the connection on both ends with `tcpdump -nnS` and compare the sequence numbers. \
                 Look for a proxy or firewall that rewrites them, or for another host that uses the same addresses and \
                 ports.",
    },
    DropReason {
        name: "TCP_CLOSE",
        meaning: "A segment reaches a socket whose connection has just ended. \
                  A late ACK or FIN loses nothing, but data in the segment is lost.",
        functions: &["tcp_rcv_state_process", "tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Do nothing if the connection ended as intended. \
                 Otherwise find out what ended it: a reset, a timeout or the program itself.",
    },
    DropReason {
        name: "TCP_CSUM",
        meaning: "The TCP checksum is wrong. \
                  The segment was damaged in transit, or the sender's device never filled in the checksum.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv", "tcp_rcv_established"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.17",
        until: None,
        loss: Loss::Always,
        findings: &["bad-checksum"],
        counters: &["TcpInCsumErrors", "TcpInErrs"],
        advice: "Capture with `tcpdump -nnvv` on each hop to find the first one with a wrong checksum. \
                 If the sender is a virtual device, turn its checksum offload off: `ethtool -K DEV tx off`.",
    },
    DropReason {
        name: "TCP_FASTOPEN",
        meaning: "A segment does not complete the handshake of a connection that began with TCP Fast Open. \
                  A repeated SYN loses nothing; any other segment is lost.",
        functions: &["tcp_rcv_state_process"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Do nothing about repeated SYNs if the connection works. \
                 Otherwise turn Fast Open off for servers and compare: clear bit 0x2 of `net.ipv4.tcp_fastopen`.",
    },
    DropReason {
        name: "TCP_FLAGS",
        meaning: "The flags of a segment do not fit the socket's state, such as an ACK at a listener, or SYN with FIN. \
                  A late ACK of an ended connection loses nothing.",
        functions: &["tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_rcv_state_process", "tcp_rcv_established"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Ignore segments of connections that have ended, and port scans. \
                 Otherwise check whether a load balancer or a route change moved the connection to this host.",
    },
    DropReason {
        name: "TCP_INVALID_ACK_SEQUENCE",
        meaning: "The answer to a SYN acknowledges something else than that SYN, and the kernel resets it. \
                  Often an old connection with the same ports answers, and the next SYN succeeds without loss.",
        functions: &["tcp_v4_do_rcv", "tcp_v6_do_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.9",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpOutRsts"],
        advice: "If connections are slow to open, check on the server that it closes old connections: `ss -tano`. \
                 Look for a NAT that reuses ports too soon, or a firewall that rewrites sequence numbers.",
    },
    DropReason {
        name: "TCP_INVALID_END_SEQUENCE",
        meaning: "A segment ends beyond the receive window while unread data waits in the socket. \
                  The kernel discards the whole segment, and the sender has to repeat it.",
        functions: &["tcp_validate_incoming"],
        file: "net/ipv4/tcp_input.c",
        since: "6.17",
        until: None,
        loss: Loss::Always,
        findings: &["receive-buffer-full"],
        counters: &["TcpExtBeyondWindow"],
        advice: "Find out what blocks the program: `ss -tnm` shows its unread data. \
                 Or allow a larger buffer: SO_RCVBUF with `net.core.rmem_max`, or `net.ipv4.tcp_rmem`.",
    },
    DropReason {
        name: "TCP_INVALID_SEQUENCE",
        meaning: "A segment starts beyond the receive window. \
                  Before 6.6, a segment from before the window, which loses nothing, has this reason too.",
        functions: &["tcp_validate_incoming"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtBeyondWindow"],
        advice: "Capture the connection on both ends with `tcpdump -nnS` and compare the sequence numbers. \
                 Look for a proxy or firewall that rewrites them. \
                 Forged resets also end like this: the connection is unharmed.",
    },
    DropReason {
        name: "TCP_INVALID_SYN",
        meaning: "A SYN or SYN-ACK arrives on a connection that is already established, and the kernel answers with an \
                  ACK. A repeated segment of the handshake loses nothing, but a new connection with the same ports is \
                  delayed.",
        functions: &["tcp_validate_incoming"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtTCPSYNChallenge", "TcpExtTCPChallengeACK"],
        advice: "If the peer opens a new connection, find out why it reuses the port, such as a NAT with few ports. \
                 If handshakes are repeated, find out where the last ACK of the handshake is lost.",
    },
    DropReason {
        name: "TCP_LISTEN_OVERFLOW",
        meaning: "The last segment of a handshake arrives, but the listener's accept queue is full. \
                  Rarely, lack of memory or of a route back is the cause.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.15",
        until: None,
        loss: Loss::Always,
        findings: &["accept-queue-full"],
        counters: &["TcpExtListenOverflows", "TcpExtListenDrops"],
        advice: "Run `ss -lnt`: if Recv-Q exceeds Send-Q, find out what blocks the program's accept(2). \
                 Or allow a longer queue: raise the backlog in listen(2) and `net.core.somaxconn`.",
    },
    DropReason {
        name: "TCP_OFOMERGE",
        meaning: "A segment that arrived out of order contains only data that other segments in the out-of-order queue \
                  contain too. Nothing is lost.",
        functions: &["tcp_data_queue", "tcp_data_queue_ofo"],
        file: "net/ipv4/tcp_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &["TcpExtTCPOFOMerge"],
        advice: "Do nothing. \
                 If there are many, look for loss or reordering on the path: see `retrans` in `ss -tni` on the sender.",
    },
    DropReason {
        name: "TCP_OFO_DROP",
        meaning: "A segment leaves the out-of-order queue after all its data has arrived in other segments. \
                  Nothing is lost.",
        functions: &["tcp_data_queue", "tcp_ofo_queue"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &[],
        advice: "Do nothing. If there are many, look for loss or reordering on the path.",
    },
    DropReason {
        name: "TCP_OFO_QUEUE_PRUNE",
        meaning: "The receive buffer is full, so the kernel discards segments that had arrived out of order. \
                  The sender has to repeat them.",
        functions: &["tcp_prune_ofo_queue"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtOfoPruned", "TcpExtPruneCalled"],
        advice: "Find out what blocks the program, and where earlier segments are lost: `ss -tnm` shows unread data. \
                 Or allow a larger buffer: SO_RCVBUF with `net.core.rmem_max`, or `net.ipv4.tcp_rmem`.",
    },
    DropReason {
        name: "TCP_OLD_ACK",
        meaning: "During a handshake, an ACK acknowledges nothing new, and the kernel resets the connection. \
                  In older kernels, a segment of a closing connection with an old ACK ends like this too. \
                  Only a segment without data or FIN loses nothing.",
        functions: &["tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_rcv_state_process"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &[],
        advice: "Do nothing if the connection is closing. \
                 If connections fail to open, capture their handshakes with `tcpdump -nnS`.",
    },
    DropReason {
        name: "TCP_OLD_DATA",
        meaning: "A segment contains only bytes that arrived before. \
                  The sender repeated them because the ACK was lost or late, so nothing is lost.",
        functions: &["tcp_data_queue"],
        file: "net/ipv4/tcp_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &["TcpExtDelayedACKLost"],
        advice: "Do nothing. \
                 If there are many, find out where ACKs are lost or delayed on the path back to the sender.",
    },
    DropReason {
        name: "TCP_OLD_SEQUENCE",
        meaning: "A segment belongs to a part of the stream that this host has already acknowledged. \
                  The segment is a duplicate, a late ACK or a keepalive, and nothing is lost.",
        functions: &["tcp_validate_incoming"],
        file: "net/ipv4/tcp_input.c",
        since: "6.6",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &[],
        advice: "Do nothing. If there are many with data, find out where ACKs are lost or delayed.",
    },
    DropReason {
        name: "TCP_OVERWINDOW",
        meaning: "A segment lies outside the receive window, typically because the program does not read its data. \
                  A sender that only probes a closed window repeats the data and loses nothing.",
        functions: &["tcp_data_queue", "tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtBeyondWindow"],
        advice: "Find out what blocks the program: `ss -tnm` shows its unread data. \
                 If no data is unread, capture with `tcpdump -nnS` and compare sequence numbers and window.",
    },
    DropReason {
        name: "TCP_RESET",
        meaning: "A reset does not match the connection exactly, so the kernel ignores it as possibly forged. \
                  Nothing is lost if the reset is forged or late, and a genuine sender repeats it.",
        functions: &["tcp_validate_incoming", "tcp_rcv_state_process"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtTCPChallengeACK"],
        advice: "Do nothing if the connection ends soon after. \
                 Otherwise capture with `tcpdump -nnS` to find who sends the reset, such as a firewall.",
    },
    DropReason {
        name: "TCP_RFC7323_PAWS",
        meaning: "A segment's timestamp is older than the last one, so the kernel takes the segment for a duplicate. \
                  A duplicate or, before 6.14, a late ACK loses nothing, but new data is lost.",
        functions: &["tcp_validate_incoming", "tcp_rcv_state_process", "tcp_v4_do_rcv", "tcp_v6_do_rcv"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtPAWSEstab", "TcpExtPAWSActive"],
        advice: "If connections stall, look for a NAT or load balancer that hides several hosts behind one address. \
                 To confirm, set `net.ipv4.tcp_timestamps=0` on one end and open a new connection.",
    },
    DropReason {
        name: "TCP_RFC7323_PAWS_ACK",
        meaning: "An ACK without data arrives after a newer segment of its connection. Nothing is lost.",
        functions: &["tcp_validate_incoming"],
        file: "net/ipv4/tcp_input.c",
        since: "6.14",
        until: None,
        loss: Loss::Never,
        findings: &[],
        counters: &["TcpExtPAWSOldAck"],
        advice: "Do nothing.",
    },
    DropReason {
        name: "TCP_RFC7323_TSECR",
        meaning: "The last segment of a handshake returns a timestamp that this host did not send. \
                  The segment is forged, or something on the path rewrites timestamps.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.15",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTSEcrRejected"],
        advice: "Compare the timestamps on both ends with `tcpdump -nnv`, and find the device that rewrites them. \
                 To confirm, set `net.ipv4.tcp_timestamps=0` on this host.",
    },
    DropReason {
        name: "TCP_RFC7323_TW_PAWS",
        meaning: "A segment for a connection in TIME-WAIT has an older timestamp than that connection. \
                  A late duplicate loses nothing, but the SYN of a new connection with the same ports is refused.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.16",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtPAWSTimewait"],
        advice: "If SYNs are refused, look for a NAT that hides many clients behind one address. \
                 Or let the clients close connections first, because TIME-WAIT stays with the end that closes first.",
    },
    DropReason {
        name: "TCP_TOO_OLD_ACK",
        meaning: "A segment acknowledges data from before the last window, so the kernel treats it as forged. \
                  A segment that was delayed and has been repeated since loses nothing.",
        functions: &["tcp_rcv_established", "tcp_rcv_state_process", "tcp_v4_do_rcv", "tcp_v6_do_rcv"],
        file: "net/ipv4/tcp_input.c",
        since: "5.19",
        until: None,
        loss: Loss::Depends,
        findings: &[],
        counters: &["TcpExtTCPChallengeACK"],
        advice: "Capture the connection on both ends with `tcpdump -nnS` and compare the ACK numbers. \
                 Look for a device that delays or rewrites segments, or for a forged sender.",
    },
    DropReason {
        name: "TCP_ZEROWINDOW",
        meaning: "Data arrives while the receive window is closed, because the program does not read its socket. \
                  A sender that waits for the window to open repeats the data and loses nothing.",
        functions: &["tcp_data_queue"],
        file: "net/ipv4/tcp_input.c",
        since: "5.18",
        until: None,
        loss: Loss::Depends,
        findings: &["receive-buffer-full"],
        counters: &["TcpExtTCPZeroWindowDrop"],
        advice: "Find out what blocks the program: `ss -tnm` shows its unread data. \
                 Or allow a larger buffer: SO_RCVBUF with `net.core.rmem_max`, or `net.ipv4.tcp_rmem`.",
    },
];
