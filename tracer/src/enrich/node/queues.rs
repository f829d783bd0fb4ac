//! Looks up queues to user space (`seq_show`, net/netfilter/nfnetlink_queue.c) and the programs that read them
//! (`netlink_native_seq_show`, net/netlink/af_netlink.c).

use std::fs;

use super::owners::Owners;
use crate::model::NodeFact;

/// Reports the queues of the calling thread's netns in which packets wait.
pub(super) fn facts(owners: &Owners) -> Vec<NodeFact> {
    let read = |file: &str| fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default();
    let (queues, sockets) = (read("netfilter/nfnetlink_queue"), read("netlink"));
    let waiting = queues.lines().filter_map(queue).filter(|queue| queue.waiting > 0);
    let fact = |queue: Queue| NodeFact::Queue {
        number: queue.number,
        owner: sockets.lines().find_map(|line| socket(line, queue.portid)).and_then(|inode| owners.of(inode)),
        waiting: queue.waiting,
    };
    waiting.take(TOLD_AT_MOST).map(fact).collect()
}

/// Maximum number of queues to report.
const TOLD_AT_MOST: usize = 16;

#[derive(Debug, Eq, PartialEq)]
struct Queue {
    number: u16,
    /// The netlink address of its reader.
    portid: u32,
    waiting: u32,
}

/// Decodes `queue_num peer_portid queue_total copy_mode …`.
fn queue(line: &str) -> Option<Queue> {
    let mut words = line.split_whitespace();
    let mut number = || words.next()?.parse::<u64>().ok();
    let (queue, portid, waiting) = (number()?, number()?, number()?);
    Some(Queue { number: queue.try_into().ok()?, portid: portid.try_into().ok()?, waiting: waiting.try_into().ok()? })
}

/// Decodes `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`, and returns the inode number of the socket of
/// netfilter's netlink that has this address.
fn socket(line: &str, portid: u32) -> Option<u64> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_netfilter = words.get(1)?.parse() == Ok(libc::NETLINK_NETFILTER);
    let same = words.get(2)?.parse() == Ok(portid);
    (is_netfilter && same).then(|| words.get(9)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queues_and_their_readers() {
        let line = "    7  -4100     3 2 65531     0     0        3  1";
        assert_eq!(queue(line), None);
        let line = "    7   4100     3 2 65531     0     0        3  1";
        assert_eq!(queue(line), Some(Queue { number: 7, portid: 4100, waiting: 3 }));
        let line = "0000000000000000 12  4100       00000000 0        0        0     2        0        17044";
        assert_eq!(socket(line, 4100), Some(17044));
        assert_eq!(socket(line, 4101), None);
        assert_eq!(socket("sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode", 4100), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "(?s).{0,120}", words in "([0-9]{0,12} ?){0,12}") {
            let _ = (queue(&line), queue(&words), socket(&line, 1), socket(&words, 1));
        }
    }
}
