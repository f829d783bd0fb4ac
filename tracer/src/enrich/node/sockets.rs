//! Looks up the sockets that a packet may be for in `/proc/net/tcp` and its like (`get_tcp4_sock`, net/ipv4/tcp_ipv4.c;
//! `udp4_format_sock`, net/ipv4/udp.c; `__ip6_dgram_sock_seq_show`, net/ipv6/datagram.c). The kernel's socket diagnosis
//! would report more, but asking for it loads modules.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use super::owners::Owners;
use crate::model::{NodeFact, Proto, Tuple};

/// Reports the sockets for a packet's destination. If several share a port (`SO_REUSEPORT`), reports all of them.
/// `owners` says whose they are, if that is wanted.
pub(super) fn facts(tuple: Tuple, owners: Option<&Owners>) -> Vec<NodeFact> {
    let files = lists(tuple.proto, tuple.dst.is_ipv4());
    if files.is_empty() {
        return Vec::new();
    }
    let (mut found, mut whole) = (Vec::new(), true);
    for file in files {
        whole &= read(file, |entry| entry.takes(tuple), &mut found).unwrap_or(false);
    }
    judge(found, tuple.proto, whole, |inode| owners?.of(inode))
}

fn judge(found: Vec<SocketEntry>, proto: Proto, whole: bool, owner: impl Fn(u64) -> Option<String>) -> Vec<NodeFact> {
    if found.is_empty() {
        return if whole { vec![NodeFact::NoSocket] } else { Vec::new() };
    }
    // A connection takes its own packets, even if there is a listener too.
    let connected = found.iter().any(|entry| proto == Proto::TCP && entry.state != LISTEN);
    let told = found.into_iter().filter(|entry| !connected || entry.state != LISTEN).filter_map(|entry| {
        let owner = owner(entry.inode);
        entry.fact(proto, owner)
    });
    told.take(TOLD_AT_MOST).collect()
}

/// Reports the sockets that are connected, or connect, to an address, and to a port if one is given.
pub(super) fn connections(to: IpAddr, port: Option<u16>, proto: Proto, owners: &Owners) -> Vec<NodeFact> {
    let mut found = Vec::new();
    for file in lists(proto, to.is_ipv4()) {
        let _whole =
            read(file, |entry| entry.remote.0 == to && port.is_none_or(|port| entry.remote.1 == port), &mut found);
    }
    let fact = |entry: SocketEntry| NodeFact::Connection {
        local: SocketAddr::from(entry.local).to_string(),
        remote: SocketAddr::from(entry.remote).to_string(),
        proto,
        state: (proto == Proto::TCP).then(|| state(entry.state)),
        owner: owners.of(entry.inode),
    };
    found.into_iter().take(TOLD_AT_MOST).map(fact).collect()
}

/// Maximum number of sockets to report.
const TOLD_AT_MOST: usize = 16;

/// Maximum number of lines to read, because a list of many megabytes would hold up the trace.
const LINES_AT_MOST: usize = 65536;

/// Returns the files that list the sockets of a protocol, none if there are no such files.
fn lists(proto: Proto, ipv4: bool) -> &'static [&'static str] {
    match (proto, ipv4) {
        // An IPv6 socket also takes IPv4 packets unless `IPV6_V6ONLY` is set.
        (Proto::TCP, true) => &["tcp", "tcp6"],
        (Proto::TCP, false) => &["tcp6"],
        (Proto::UDP, true) => &["udp", "udp6"],
        (Proto::UDP, false) => &["udp6"],
        _ => &[],
    }
}

/// Adds the sockets that are wanted to `found`, and returns whether the whole list was read.
fn read(file: &str, wanted: impl Fn(&SocketEntry) -> bool, found: &mut Vec<SocketEntry>) -> std::io::Result<bool> {
    let mut lines = BufReader::new(File::open(format!("/proc/thread-self/net/{file}"))?);
    let mut line = String::new();
    for _ in 0..LINES_AT_MOST {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(true);
        }
        found.extend(entry(&line).filter(&wanted));
    }
    Ok(false)
}

/// One line of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
struct SocketEntry {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    state: u8,
    rx_queue: u32,
    drops: Option<u32>,
    /// Of the socket's file; 0 if it has none, like a connection that is not accepted yet.
    inode: u64,
}

impl SocketEntry {
    /// Returns whether the packet may be for this socket (`compute_score`, net/ipv4/inet_hashtables.c and
    /// net/ipv4/udp.c).
    fn takes(&self, tuple: Tuple) -> bool {
        let open = |addr: IpAddr| addr.is_unspecified();
        let (addr, port) = self.local;
        let local = port == tuple.dport && (open(addr) || addr == tuple.dst);
        let remote = (open(self.remote.0) && self.remote.1 == 0) || self.remote == (tuple.src, tuple.sport);
        local && remote
    }

    fn fact(self, proto: Proto, owner: Option<String>) -> Option<NodeFact> {
        let local = SocketAddr::from(self.local).to_string();
        match (proto, self.state) {
            (Proto::TCP, LISTEN) => Some(NodeFact::Listener { local, queue: self.rx_queue, limit: None, owner }),
            // A connection that is over takes no packets.
            (Proto::TCP, TIME_WAIT | CLOSE) => None,
            _ => Some(NodeFact::Socket { local, rmem: self.rx_queue, rcvbuf: None, drops: self.drops, owner }),
        }
    }
}

/// Decodes a line: `sl: local remote st tx:rx tr:when retrnsmt uid timeout inode …`. A line of UDP ends with the number
/// of drops.
fn entry(line: &str) -> Option<SocketEntry> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (_, rx_queue) = words.get(4)?.split_once(':')?;
    Some(SocketEntry {
        local: end(words.get(1)?)?,
        remote: end(words.get(2)?)?,
        state: u8::from_str_radix(words.get(3)?, 16).ok()?,
        rx_queue: u32::from_str_radix(rx_queue, 16).ok()?,
        inode: words.get(9).and_then(|inode| inode.parse().ok()).unwrap_or_default(),
        drops: words.get(DROPS_AT).filter(|_| words.len() == DROPS_AT + 1).and_then(|drops| drops.parse().ok()),
    })
}

/// Decodes an address and a port: hexadecimal words in host byte order, then the port. A mapped address is an IPv4
/// address.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (addr, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(addr.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let addr = match addr.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let bytes: [u8; 16] = [word(0)?, word(1)?, word(2)?, word(3)?].concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some((addr, u16::from_str_radix(port, 16).ok()?))
}

/// Names a state of TCP.
fn state(number: u8) -> String {
    const NAMES: [&str; 12] = [
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
    ];
    let name = usize::from(number).checked_sub(1).and_then(|at| NAMES.get(at));
    name.map_or_else(|| number.to_string(), |&name| name.to_owned())
}

/// `TCP_*` (include/net/tcp_states.h).
const TIME_WAIT: u8 = 6;
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;
/// Position of UDP's number of drops, the last word of a line.
const DROPS_AT: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LISTENER: &str = "   0: 00000000:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 19044 1 000000003b0c 100 0 0 10 0";
    const CONNECTED: &str = "   1: 0100007F:1F90 0200007F:0FA0 01 00000000:00000010 00:00000000 00000000     0        0 19045 1 000000003b0d 20 4 30 10 -1";
    const LISTENER6: &str = "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 19046 1 000000003b0e 100 0 0 10 0";
    const BOUND: &str = " 2316: 0100007F:1F90 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 19047 2 000000003b0f 5";

    fn tuple(src: &str, dst: &str, dport: u16, proto: Proto) -> Tuple {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Tuple { src, dst, sport: 4000, dport, proto }
    }

    fn told(lines: &[&str], tuple: Tuple) -> Vec<NodeFact> {
        let entries = lines.iter().filter_map(|line| entry(line)).filter(|entry| entry.takes(tuple));
        judge(entries.collect(), tuple.proto, true, |_| None)
    }

    #[test]
    fn who_listens_and_how_many_wait() {
        let packet = tuple("127.0.0.3", "127.0.0.1", 8080, Proto::TCP);
        let listener = NodeFact::Listener { local: "0.0.0.0:8080".to_owned(), queue: 3, limit: None, owner: None };
        assert_eq!(told(&[LISTENER, CONNECTED], packet), [listener]);
        let listener = NodeFact::Listener { local: "[::]:8080".to_owned(), queue: 0, limit: None, owner: None };
        assert_eq!(told(&[LISTENER6], packet), [listener]);
    }

    #[test]
    fn a_connection_takes_its_own_packets() {
        let packet = tuple("127.0.0.2", "127.0.0.1", 8080, Proto::TCP);
        let socket =
            NodeFact::Socket { local: "127.0.0.1:8080".to_owned(), rmem: 16, rcvbuf: None, drops: None, owner: None };
        assert_eq!(told(&[LISTENER, CONNECTED], packet), [socket]);
    }

    #[test]
    fn udp_tells_what_waits_and_what_was_dropped() {
        let packet = tuple("127.0.0.2", "127.0.0.1", 8080, Proto::UDP);
        let socket = NodeFact::Socket {
            local: "127.0.0.1:8080".to_owned(),
            rmem: 2560,
            rcvbuf: None,
            drops: Some(5),
            owner: None,
        };
        assert_eq!(told(&[BOUND], packet), [socket]);
    }

    #[test]
    fn nobody_is_said_only_when_all_were_looked_at() {
        let elsewhere = tuple("127.0.0.2", "127.0.0.9", 8080, Proto::UDP);
        assert_eq!(told(&[BOUND], elsewhere), [NodeFact::NoSocket]);
        assert_eq!(judge(Vec::new(), Proto::UDP, false, |_| None), []);
        assert_eq!(facts(tuple("10.0.0.1", "10.0.0.2", 0, Proto(1)), None), []);
    }

    #[test]
    fn states_of_tcp_by_name() {
        assert_eq!([1, 2, 10, 12].map(state), ["ESTABLISHED", "SYN_SENT", "LISTEN", "NEW_SYN_RECV"]);
        assert_eq!([0, 13].map(state), ["0", "13"]);
    }

    #[test]
    fn a_connection_of_this_machine_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("an address");
        let _client = std::net::TcpStream::connect(to).expect("a connection");
        let found = |port| connections(to.ip(), port, Proto::TCP, &Owners::default());
        let [NodeFact::Connection { remote, state: Some(state), owner: Some(_), .. }] = &found(Some(to.port()))[..]
        else {
            panic!("{:?}", found(None))
        };
        assert_eq!((remote.as_str(), state.as_str()), (to.to_string().as_str(), "ESTABLISHED"));
    }

    #[test]
    fn a_bound_port_of_this_machine_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        let found = facts(tuple("127.0.0.1", "127.0.0.1", port, Proto::UDP), Some(&Owners::default()));
        let [NodeFact::Socket { local, owner: Some(owner), .. }] = &found[..] else { panic!("{found:?}") };
        assert_eq!(*local, format!("127.0.0.1:{port}"));
        assert!(owner.ends_with(&format!("[{}]", std::process::id())), "{owner}");
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "(?s).{0,160}", words in "([0-9A-F:]{0,40} ?){0,14}") {
            let _ = (entry(&line), entry(&words));
        }
    }
}
