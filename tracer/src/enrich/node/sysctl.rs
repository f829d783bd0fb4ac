//! Reads settings below `/proc/sys/net` of the calling thread's netns.

use std::fs;

use crate::model::NodeFact;

/// The subject of a group of settings.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Topic {
    /// Reverse-path filters, forwarding, and which addresses count as local.
    Routing,
    /// Queue of packets that wait for a neighbour, and size of the neighbour table.
    Neighbours,
    /// Queues of sockets, and what happens when they are full.
    Sockets,
    /// Reassembly.
    Fragments,
    /// Queues of received packets on each CPU.
    Backlog,
    /// Whether echo requests are answered.
    Echo,
    /// Whether bridges pass packets to netfilter.
    Bridges,
}

/// Reports the settings of a topic that exist, for all devices and for `ifname`.
pub(super) fn facts(topic: Topic, ipv4: bool, ifname: &str) -> Vec<NodeFact> {
    names(topic, ipv4, ifname).iter().filter_map(|parts| fact(parts)).collect()
}

/// Reads one setting as a number; `None` if it does not exist.
pub(super) fn number(parts: &[&str]) -> Option<u64> {
    value(parts)?.parse().ok()
}

fn names(topic: Topic, ipv4: bool, ifname: &str) -> Vec<Vec<String>> {
    let family = if ipv4 { "ipv4" } else { "ipv6" };
    let of_devices = |names: &[&str]| {
        let devices = ["all", ifname].into_iter().filter(|device| !device.is_empty());
        devices.flat_map(|device| names.iter().map(move |name| path(&[family, "conf", device, name]))).collect()
    };
    match (topic, ipv4) {
        (Topic::Routing, true) => {
            let mut names: Vec<_> =
                of_devices(&["rp_filter", "forwarding", "accept_local", "route_localnet", "src_valid_mark"]);
            names.push(path(&[family, "ip_forward"]));
            names
        }
        (Topic::Routing, false) => of_devices(&["forwarding", "disable_ipv6", "force_forwarding"]),
        (Topic::Neighbours, _) if ifname.is_empty() => Vec::new(),
        (Topic::Neighbours, _) => vec![
            path(&[family, "neigh", ifname, "unres_qlen_bytes"]),
            path(&[family, "neigh", "default", "gc_thresh3"]),
        ],
        (Topic::Sockets, _) => vec![
            path(&["core", "somaxconn"]),
            path(&["core", "rmem_max"]),
            path(&["ipv4", "tcp_max_syn_backlog"]),
            path(&["ipv4", "tcp_syncookies"]),
            path(&["ipv4", "tcp_abort_on_overflow"]),
        ],
        (Topic::Fragments, true) => vec![path(&[family, "ipfrag_time"]), path(&[family, "ipfrag_high_thresh"])],
        (Topic::Fragments, false) => vec![path(&[family, "ip6frag_time"]), path(&[family, "ip6frag_high_thresh"])],
        (Topic::Backlog, _) => vec![path(&["core", "netdev_max_backlog"])],
        (Topic::Echo, true) => vec![path(&[family, "icmp_echo_ignore_all"])],
        (Topic::Echo, false) => vec![path(&[family, "icmp", "echo_ignore_all"])],
        (Topic::Bridges, true) => vec![path(&["bridge", "bridge-nf-call-iptables"])],
        (Topic::Bridges, false) => vec![path(&["bridge", "bridge-nf-call-ip6tables"])],
    }
}

fn path(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn fact(parts: &[String]) -> Option<NodeFact> {
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    Some(NodeFact::Sysctl { name: name(&parts), value: value(&parts)? })
}

/// Spells a name as sysctl(8) does: the dot of `eth0.100` becomes a slash.
fn name(parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| part.replace('.', "/")).collect();
    format!("net.{}", parts.join("."))
}

fn value(parts: &[&str]) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/sys/net/{}", parts.join("/"))).ok()?.trim().replace('\t', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_sysctl() {
        assert_eq!(name(&["ipv4", "conf", "eth0", "rp_filter"]), "net.ipv4.conf.eth0.rp_filter");
        assert_eq!(name(&["ipv4", "conf", "eth0.100", "rp_filter"]), "net.ipv4.conf.eth0/100.rp_filter");
    }

    #[test]
    fn what_does_not_exist_is_left_out() {
        let found = facts(Topic::Routing, true, "no-such-device");
        assert!(found.iter().all(|fact| match fact {
            NodeFact::Sysctl { name, value } => !name.contains("no-such-device") && !value.is_empty(),
            _ => false,
        }));
        assert_eq!(number(&["ipv4", "no-such-setting"]), None);
        assert_eq!(facts(Topic::Neighbours, true, ""), []);
    }

    #[test]
    fn a_drop_without_a_device_asks_for_the_common_ones() {
        let all = names(Topic::Routing, false, "");
        assert!(!all.is_empty() && all.iter().all(|parts| parts.iter().any(|part| part == "all")), "{all:?}");
    }
}
