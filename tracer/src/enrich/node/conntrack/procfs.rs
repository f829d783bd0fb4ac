//! Reads entries from `/proc/net/nf_conntrack` (`ct_seq_show`, net/netfilter/nf_conntrack_standalone.c, 5.10 to 7.3).
//! It exists if the kernel was built with CONFIG_NF_CONNTRACK_PROCFS, and needs no module of its own.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
};

use super::entry::{Entry, TCP_STATES};
use crate::model::{Proto, Tuple};

/// Returns the entries that know the tuple.
///
/// # Errors
/// Also fails if the table is longer than one that is asked.
pub(super) fn entries(tuple: Tuple) -> io::Result<Vec<Entry>> {
    let mut lines = BufReader::new(File::open("/proc/thread-self/net/nf_conntrack")?.take(BYTES_AT_MOST));
    let (mut found, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return if lines.get_ref().limit() == 0 { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(found) };
        }
        found.extend(std::str::from_utf8(&line).ok().and_then(entry).filter(|entry| entry.knows(tuple)));
    }
}

/// Maximum number of bytes to read: about 25,000 entries. Meanwhile the ring buffer is not read.
const BYTES_AT_MOST: u64 = 4 << 20;

/// Reads a line; `None` if a part of its tuples is missing.
fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split_ascii_whitespace();
    let proto = Proto(words.nth(3)?.parse().ok()?);
    let (mut ports, mut addrs, mut direction) = ([[None; 2]; 2], [[None; 2]; 2], 0);
    let (mut zone, mut timeout, mut tcp_state) = (0, None, None);
    let mut status = IPS_CONFIRMED | IPS_SEEN_REPLY;
    for word in words {
        // The tuple of the original direction comes first, then that of replies.
        let at = usize::saturating_sub(direction, 1);
        match word.split_once('=') {
            Some(("src", _)) if direction == ports.len() => return None,
            Some(("src", addr)) => {
                direction += 1;
                addrs[direction - 1][0] = Some(addr.parse().ok()?);
            }
            Some(("dst", addr)) => addrs[at][1] = Some(addr.parse().ok()?),
            Some(("sport", port)) => ports[at][0] = port.parse().ok(),
            Some(("dport", port)) => ports[at][1] = port.parse().ok(),
            Some(("id", id)) => ports[at] = [id.parse().ok(); 2],
            Some(("zone" | "zone-orig", number)) => zone = number.parse().ok()?,
            Some(_) => {}
            None if word == "[UNREPLIED]" => status &= !IPS_SEEN_REPLY,
            None if word == "[ASSURED]" => status |= IPS_ASSURED,
            None if direction == 0 && timeout.is_none() => timeout = word.parse().ok(),
            None if direction == 0 => {
                tcp_state = TCP_STATES.iter().position(|state| *state == word).and_then(|state| state.try_into().ok());
            }
            None => {}
        }
    }
    let tuple = |of: usize| {
        let [sport, dport] = ports[of].map(|port: Option<u16>| port.unwrap_or(0));
        Some(Tuple { src: addrs[of][0]?, dst: addrs[of][1]?, sport, dport, proto })
    };
    Some(Entry { orig: tuple(0)?, reply: tuple(1)?, zone, status, timeout, tcp_state })
}

/// `IPS_*` (include/uapi/linux/netfilter/nf_conntrack_common.h).
const IPS_SEEN_REPLY: u32 = 1 << 1;
const IPS_ASSURED: u32 = 1 << 2;
const IPS_CONFIRMED: u32 = 1 << 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::NodeFact;

    fn between(src: &str, dst: &str, sport: u16, dport: u16, proto: Proto) -> Tuple {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Tuple { src, dst, sport, dport, proto }
    }

    #[test]
    fn a_line_of_each_kind() {
        let tcp = entry(
            "ipv4     2 tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.96.0.1 sport=4000 dport=443 [UNREPLIED] \
             src=10.244.0.7 dst=10.0.0.1 sport=8443 dport=4000 mark=0 zone=7 use=2\n",
        );
        let fact = NodeFact::ConntrackEntry {
            orig: between("10.0.0.1", "10.96.0.1", 4000, 443, Proto::TCP),
            reply: between("10.244.0.7", "10.0.0.1", 8443, 4000, Proto::TCP),
            zone: 7,
            status: IPS_CONFIRMED,
            timeout: Some(119),
            state: Some("SYN_SENT".to_owned()),
        };
        assert_eq!(tcp.map(NodeFact::from), Some(fact));
        let echo = entry(
            "ipv6     10 icmpv6   58 29 src=fd00::1 dst=fd00::2 type=128 code=0 id=77 src=fd00::2 dst=fd00::1 type=129 \
             code=0 id=77 mark=0 use=1",
        );
        assert!(echo.is_some_and(|echo| echo.knows(between("fd00::2", "fd00::1", 77, 77, Proto(58)))));
        let offloaded = entry(
            "ipv4     2 udp      17 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 packets=1 bytes=2 src=10.0.0.2 \
             dst=10.0.0.1 sport=2 dport=1 packets=0 bytes=0 [OFFLOAD] mark=0 use=3",
        );
        assert!(offloaded.is_some_and(|entry| entry.knows(between("10.0.0.1", "10.0.0.2", 1, 2, Proto::UDP))));
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        for line in ["", "ipv4 2 tcp x", "ipv4 2 tcp 6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2"] {
            assert_eq!(entry(line), None, "{line}");
        }
        assert_eq!(entry("ipv4 2 tcp 6 1 src=1.1.1.1 src=1.1.1.1 src=1.1.1.1"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "(ipv4 2 tcp 6 )?((src|dst|sport|id|zone)=[0-9a-f:.]{0,9} ?|[^ ]{0,6} ){0,20}") {
            let _ = entry(&line);
        }
    }
}
