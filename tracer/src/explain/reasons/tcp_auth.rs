//! Drop reasons of TCP's protection against forged segments: MD5 signatures, TCP-AO and the minimum TTL.

use super::{DropReason, Loss};

pub(super) const ROWS: &[DropReason] = &[
    DropReason {
        name: "TCP_AOFAILURE",
        meaning: "A segment carries a wrong TCP-AO signature. \
                  The keys differ, something on the path changed the segment, or only one end signs the handshake.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.7",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPAOBad"],
        advice: "Compare the key, the algorithm and the MAC length of this key id on both ends. \
                 Make sure that no NAT is on the path, because the signature covers addresses and ports.",
    },
    DropReason {
        name: "TCP_AOKEYNOTFOUND",
        meaning: "A segment is signed with a TCP-AO key id that the socket does not have for this peer.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.7",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPAOKeyNotFound"],
        advice: "Compare the key ids of both ends: the sender's SendID must be a RecvID here. \
                 During a key rotation, add the new key on both ends before either end uses it.",
    },
    DropReason {
        name: "TCP_AONOTFOUND",
        meaning: "A segment carries no TCP-AO signature, but the socket requires one from this peer.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.7",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPAORequired"],
        advice: "Configure TCP-AO on the peer, or remove the key for this peer from the local program. \
                 If both ends sign, find the proxy or firewall that removes TCP options: capture with `tcpdump -nnv`.",
    },
    DropReason {
        name: "TCP_AOUNEXPECTED",
        meaning: "A segment carries a TCP-AO signature, but the socket has no TCP-AO keys.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.7",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPAOKeyNotFound"],
        advice: "Configure TCP-AO in the local program, or turn it off on the peer.",
    },
    DropReason {
        name: "TCP_AUTH_HDR",
        meaning: "The TCP options of a segment are malformed, \
                  or they contain more than one signature (MD5 or TCP-AO).",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.7",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &[],
        advice: "Capture the segment with `tcpdump -nnvX` and read its options. \
                 Find the sender, or the device on the path, that writes them.",
    },
    DropReason {
        name: "TCP_MD5FAILURE",
        meaning: "A segment carries a wrong MD5 signature. \
                  The passwords of the two ends differ, or something on the path changed the segment.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPMD5Failure"],
        advice: "Compare the password on both ends, typically in the configuration of the BGP session. \
                 Make sure that no NAT is on the path, because the signature covers addresses and ports.",
    },
    DropReason {
        name: "TCP_MD5NOTFOUND",
        meaning: "A segment carries no MD5 signature, but the socket requires one from this peer.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPMD5NotFound"],
        advice: "Set the password on the peer, or remove it here. \
                 If both ends sign, find the proxy or firewall that removes TCP options: capture with `tcpdump -nnv`.",
    },
    DropReason {
        name: "TCP_MD5UNEXPECTED",
        meaning: "A segment carries an MD5 signature, but the socket has no password for this peer.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "5.18",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPMD5Unexpected"],
        advice: "Set the password for this peer's address in the local program, or remove it on the peer. \
                 Check that the peer connects from the address that the password is set for.",
    },
    DropReason {
        name: "TCP_MINTTL",
        meaning: "The TTL or hop limit of a segment is lower than the minimum that the program set on its socket. \
                  Programs such as BGP daemons set it to accept only peers that are few hops away.",
        functions: &["tcp_v4_rcv", "tcp_v6_rcv"],
        file: "net/ipv4/tcp_ipv4.c",
        since: "6.3",
        until: None,
        loss: Loss::Always,
        findings: &[],
        counters: &["TcpExtTCPMinTTLDrop"],
        advice: "Read the segment's TTL or hop limit with `tcpdump -nnv`, and make the peer send 255. \
                 Or lower the program's minimum (IP_MINTTL, IPV6_MINHOPCOUNT, often called ttl-security).",
    },
];
