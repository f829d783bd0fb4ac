//! Reads counters of a netns and of the node, as the kernel writes them below `/proc/net`.

use std::{collections::BTreeMap, fs};

use super::qdisc;
use crate::model::NodeFact;

/// The contents of the counter files at one moment, kept as text because most snapshots are never looked at again.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    files: Vec<(FileFormat, &'static str, String)>,
    /// Number of packets that each queueing discipline has dropped, by (ifindex, handle).
    pub(super) qdiscs: Vec<((u32, u32), u64)>,
    /// Whether the netns did not exist yet, so that a counter that is not in the files was zero.
    unborn: bool,
}

impl Snapshot {
    /// Takes a snapshot of the calling thread's netns.
    pub(super) fn here() -> Self {
        let read = |&(layout, group, path)| Some((layout, group, fs::read_to_string(path).ok()?));
        let qdiscs = qdisc::here().unwrap_or_default();
        Self { files: FILES.iter().filter_map(read).collect(), qdiscs: qdisc::drops(&qdiscs), unborn: false }
    }

    /// Returns the snapshot that a netns which does not exist yet would give at this moment: the node's counters, and
    /// zero for all of its own.
    #[must_use]
    pub fn unborn(&self) -> Self {
        let of_node = |(_, group, _): &&(FileFormat, &'static str, String)| OF_NODE.contains(group);
        Self { files: self.files.iter().filter(of_node).cloned().collect(), qdiscs: Vec::new(), unborn: true }
    }

    fn counters(&self) -> BTreeMap<String, u64> {
        self.files.iter().flat_map(|(layout, group, text)| layout.read(group, text)).collect()
    }
}

/// Reports the counters that rose from `before` to `after`. Reports nothing if a count fell, because `before` is then
/// of another netns that had the same inode number.
pub(super) fn risen(before: &Snapshot, after: &Snapshot) -> Vec<NodeFact> {
    let (unborn, before, after) = (before.unborn, before.counters(), after.counters());
    let zero = |name: &str| {
        let of_node = name.split_once('.').is_some_and(|(group, _)| OF_NODE.contains(&group));
        (unborn && !of_node).then_some(0)
    };
    let begun = |name: &String| before.get(name).copied().or_else(|| zero(name));
    let both = after.iter().filter_map(|(name, after)| Some((name, begun(name)?, *after)));
    let told = both.filter(|(name, ..)| !is_traffic(name));
    let mut facts = Vec::new();
    for (name, before, after) in told {
        if after < before && !is_gauge(name) {
            return Vec::new();
        }
        if after > before && !is_gauge(name) {
            facts.push(NodeFact::Counter { name: name.clone(), before, after });
        }
    }
    facts
}

/// Groups that the kernel counts for the whole node, whichever netns asks.
const OF_NODE: &[&str] = &["softnet", "arp_cache", "ndisc_cache"];

/// The layout of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum FileFormat {
    /// Pairs of lines, names and values, each after `Group:` (`snmp_seq_show`, net/ipv4/proc.c).
    Pairs,
    /// One name and value a line (`snmp6_seq_show`, net/ipv6/proc.c).
    Lines,
    /// A line of names, then a line of hexadecimal values for each CPU (`ct_cpu_seq_show`,
    /// net/netfilter/nf_conntrack_standalone.c; `neigh_stat_seq_show`, net/core/neighbour.c).
    Columns,
    /// Like `Columns`, but without names (`softnet_seq_show`, net/core/net-procfs.c).
    Softnet,
}

/// Format, group and path of each file. Neighbour counters cover all netns together and are shown in the first one
/// only.
const FILES: &[(FileFormat, &str, &str)] = &[
    (FileFormat::Pairs, "", "/proc/thread-self/net/snmp"),
    (FileFormat::Pairs, "", "/proc/thread-self/net/netstat"),
    (FileFormat::Lines, "", "/proc/thread-self/net/snmp6"),
    (FileFormat::Lines, "", "/proc/thread-self/net/xfrm_stat"),
    (FileFormat::Columns, "nf_conntrack", "/proc/thread-self/net/stat/nf_conntrack"),
    (FileFormat::Softnet, "softnet", "/proc/thread-self/net/softnet_stat"),
    (FileFormat::Columns, "arp_cache", "/proc/1/net/stat/arp_cache"),
    (FileFormat::Columns, "ndisc_cache", "/proc/1/net/stat/ndisc_cache"),
];

impl FileFormat {
    fn read(self, group: &str, text: &str) -> Vec<(String, u64)> {
        match self {
            Self::Pairs => pairs(text),
            Self::Lines => lines(text),
            Self::Columns => columns(group, text),
            Self::Softnet => softnet(group, text),
        }
    }
}

fn pairs(text: &str) -> Vec<(String, u64)> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for pair in lines.chunks_exact(2) {
        let (Some((group, names)), Some((same, values))) = (pair[0].split_once(':'), pair[1].split_once(':')) else {
            continue;
        };
        if group != same {
            continue;
        }
        let both = names.split_whitespace().zip(values.split_whitespace());
        // A limit may be negative, and is not a count.
        found.extend(both.filter_map(|(name, value)| Some((format!("{group}.{name}"), value.parse().ok()?))));
    }
    found
}

fn lines(text: &str) -> Vec<(String, u64)> {
    let split = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    };
    text.lines().filter_map(split).collect()
}

fn columns(group: &str, text: &str) -> Vec<(String, u64)> {
    let mut lines = text.lines();
    let names: Vec<_> = lines.next().unwrap_or_default().split_whitespace().collect();
    let sums = sums(lines);
    // The first column is the number of entries, which is the same for each CPU.
    let named = names.into_iter().zip(sums).skip(1);
    named.map(|(name, sum)| (format!("{group}.{name}"), sum)).collect()
}

fn softnet(group: &str, text: &str) -> Vec<(String, u64)> {
    let sums = sums(text.lines());
    let named = SOFTNET.iter().filter_map(|(at, name)| Some((format!("{group}.{name}"), *sums.get(*at)?)));
    named.collect()
}

/// Columns of interest, by position.
const SOFTNET: &[(usize, &str)] = &[(1, "dropped"), (2, "time_squeeze"), (10, "flow_limit_count")];

/// Returns the sum of each column over all CPUs.
fn sums<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<u64> {
    let mut sums: Vec<u64> = Vec::new();
    for line in lines {
        for (at, word) in line.split_whitespace().enumerate() {
            let value = u64::from_str_radix(word, 16).unwrap_or(0);
            match sums.get_mut(at) {
                Some(sum) => *sum = sum.wrapping_add(value),
                None => sums.push(value),
            }
        }
    }
    sums
}

/// Returns whether a counter counts all traffic: such a counter rises with each packet and explains no drop.
fn is_traffic(name: &str) -> bool {
    const ANYWHERE: &[&str] = &["Octets", "ECTPkts", "ECT0Pkts", "ECT1Pkts", "CEPkts", "OutTransmits", "McastPkts"];
    // ICMP messages that are not errors. Counts by type are traffic too, because they repeat the counts by name.
    const ICMP: &[&str] =
        &["Msgs", "Echos", "EchoReps", "Echoes", "EchoReplies", "Solicits", "Advertisements", "Reports"];
    const EXACTLY: &[&str] = &[
        "Ip.InReceives",
        "Ip.InDelivers",
        "Ip.OutRequests",
        "Ip6InReceives",
        "Ip6InDelivers",
        "Ip6OutRequests",
        "Tcp.InSegs",
        "Tcp.OutSegs",
        "TcpExt.TCPHPHits",
        "TcpExt.TCPPureAcks",
        "TcpExt.TCPHPAcks",
        "TcpExt.TCPOrigDataSent",
        "TcpExt.TCPDelivered",
        "TcpExt.DelayedACKs",
        "TcpExt.TCPAutoCorking",
        "Udp.InDatagrams",
        "Udp.OutDatagrams",
        "Udp6InDatagrams",
        "Udp6OutDatagrams",
    ];
    const NEIGHBOURS: &[&str] = &["res_failed", "unresolved_discards", "table_fulls"];
    const CONNTRACK: &[&str] = &["found", "new", "insert", "delete", "delete_list", "search_restart", "searched"];
    let of_group = match name.split_once('.') {
        Some(("arp_cache" | "ndisc_cache", name)) => !NEIGHBOURS.contains(&name),
        Some(("nf_conntrack", name)) => CONNTRACK.contains(&name),
        _ => false,
    };
    let icmp = name.starts_with("Icmp")
        && (name.starts_with("IcmpMsg.") || name.contains("Type") || ICMP.iter().any(|end| name.ends_with(end)));
    icmp || ANYWHERE.iter().any(|part| name.contains(part))
        || EXACTLY.contains(&name)
        || of_group
        || name == "softnet.time_squeeze"
}

/// Returns whether a value is a gauge or a setting, which may also fall.
fn is_gauge(name: &str) -> bool {
    matches!(name, "Ip.Forwarding" | "Ip.DefaultTTL" | "Tcp.CurrEstab" | "Tcp.RtoAlgorithm" | "Tcp.RtoMin")
        || matches!(name, "Tcp.RtoMax" | "Tcp.MaxConn")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SNMP: &str = "Ip: Forwarding DefaultTTL InReceives InAddrErrors\nIp: 1 64 70 3\n\
                        Tcp: MaxConn CurrEstab InSegs\nTcp: -1 5 9\n";
    const NETSTAT: &str = "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 0 7\n";
    const CONNTRACK: &str = "entries  clashres found new invalid ignore drop early_drop\n\
        0000000a  00000000 00000001 00000000 00000002 00000000 00000010 00000000\n\
        0000000a  00000000 00000000 00000000 00000003 00000000 00000001 00000000\n";

    fn snapshot(files: &[(FileFormat, &'static str, &str)]) -> Snapshot {
        let files = files.iter().map(|(layout, group, text)| (*layout, *group, (*text).to_owned())).collect();
        Snapshot { files, ..Snapshot::default() }
    }

    fn counter(name: &str, before: u64, after: u64) -> NodeFact {
        NodeFact::Counter { name: name.to_owned(), before, after }
    }

    #[test]
    fn each_layout_by_its_names() {
        let all = snapshot(&[
            (FileFormat::Pairs, "", SNMP),
            (FileFormat::Pairs, "", NETSTAT),
            (FileFormat::Lines, "", "Ip6InReceives                   \t12\nIp6InNoRoutes\t4\n"),
            (FileFormat::Columns, "nf_conntrack", CONNTRACK),
            (FileFormat::Softnet, "softnet", "00000100 00000002 00000000 0 0 0 0 0 0 00000000 00000001\n"),
        ]);
        let counters = all.counters();
        for (name, value) in [
            ("Ip.InAddrErrors", 3),
            ("TcpExt.ListenOverflows", 7),
            ("Ip6InNoRoutes", 4),
            ("nf_conntrack.invalid", 5),
            ("nf_conntrack.drop", 0x11),
            ("softnet.dropped", 2),
            ("softnet.flow_limit_count", 1),
        ] {
            assert_eq!(counters.get(name), Some(&value), "{name}");
        }
        assert!(!counters.contains_key("Tcp.MaxConn") && !counters.contains_key("nf_conntrack.entries"));
    }

    #[test]
    fn only_what_rose_is_told_and_traffic_is_not() {
        let before = snapshot(&[(FileFormat::Pairs, "", SNMP)]);
        let after = SNMP.replace("1 64 70 3", "1 64 80 5").replace("-1 5 9", "-1 4 12");
        let after = snapshot(&[(FileFormat::Pairs, "", &after), (FileFormat::Pairs, "", NETSTAT)]);
        assert_eq!(risen(&before, &after), [counter("Ip.InAddrErrors", 3, 5)]);
    }

    #[test]
    fn icmp_errors_are_told_and_its_ordinary_messages_are_not() {
        for name in
            ["Icmp.OutMsgs", "IcmpMsg.OutType8", "Icmp6OutType135", "Icmp6OutNeighborSolicits", "Icmp.InEchoReps"]
        {
            assert!(is_traffic(name), "{name}");
        }
        for name in
            ["Icmp.OutDestUnreachs", "Icmp6InErrors", "Icmp6OutPktTooBigs", "Icmp.InCsumErrors", "Icmp.OutErrors"]
        {
            assert!(!is_traffic(name), "{name}");
        }
    }

    #[test]
    fn counts_of_another_netns_are_not_compared() {
        let before = snapshot(&[(FileFormat::Pairs, "", SNMP), (FileFormat::Pairs, "", NETSTAT)]);
        let younger = snapshot(&[
            (FileFormat::Pairs, "", &SNMP.replace("70 3", "1 9")),
            (FileFormat::Pairs, "", "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 0 1\n"),
        ]);
        assert_eq!(risen(&before, &younger), []);
    }

    #[test]
    fn a_netns_that_was_not_there_had_counted_nothing() {
        let softnet = |dropped| format!("00000100 {dropped:08} 00000000 0 0 0 0 0 0 00000000 00000000\n");
        let of = |softnet: &str, netstat| {
            snapshot(&[(FileFormat::Softnet, "softnet", softnet), (FileFormat::Pairs, "", netstat)])
        };
        let before = of(&softnet(2), "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 0 9\n").unborn();
        let after = of(&softnet(3), NETSTAT);
        assert_eq!(risen(&before, &after), [counter("TcpExt.ListenOverflows", 0, 7), counter("softnet.dropped", 2, 3)]);
        assert_eq!(risen(&Snapshot::default().unborn(), &of(&softnet(3), "")), []);
    }

    #[test]
    fn this_machine_has_counters() {
        assert!(Snapshot::here().counters().contains_key("Ip.InReceives"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,200}", lines in "([A-Za-z]{0,4}:? ?[0-9a-f -]{0,20}\n){0,6}") {
            for text in [&text, &lines] {
                for layout in [FileFormat::Pairs, FileFormat::Lines, FileFormat::Columns, FileFormat::Softnet] {
                    let _ = layout.read("group", text);
                }
            }
        }
    }
}
