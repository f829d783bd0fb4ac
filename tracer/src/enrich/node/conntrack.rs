//! Looks up how full conntrack's table is, and which of its entries know a tuple (`IPCTNL_MSG_CT_GET`;
//! `ctnetlink_get_conntrack` and `ctnetlink_dump_table`, net/netfilter/nf_conntrack_netlink.c).

mod entry;
mod procfs;

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::{
    super::{
        loaded::{CTNETLINK, is_loaded},
        netlink::{Question, ask},
    },
    sysctl,
};
use crate::model::{NodeFact, Tuple};
use entry::{Entry, IPCTNL_MSG_CT_GET, NFNL_SUBSYS_CTNETLINK, request, request_filtered};

/// Reports the number of entries of the netns, and the limit, which is the same for all; `None` without conntrack.
pub(super) fn table() -> Option<NodeFact> {
    let [count, max] = ["nf_conntrack_count", "nf_conntrack_max"].map(|name| sysctl::number(&["netfilter", name]));
    Some(NodeFact::ConntrackTable { count: count?, max: max? })
}

/// Reports the entries that know such a packet: it opened them, it is what their reply looks like, or it would be
/// their reply if nothing translated it. Reports that there is none if the whole table was asked. Reports nothing if the
/// table is too large or cannot be read without loading a module.
pub(super) fn entries(tuple: Tuple) -> Vec<NodeFact> {
    let Some(NodeFact::ConntrackTable { count, .. }) = table() else { return Vec::new() };
    if count == 0 {
        return vec![NodeFact::NoConntrackEntry];
    }
    // The kernel walks the whole table to answer.
    if count > ENTRIES_AT_MOST {
        return Vec::new();
    }
    let answer = if is_loaded(&CTNETLINK) { by_netlink(tuple) } else { procfs::entries(tuple).map(|all| (all, true)) };
    let Ok((mut entries, whole)) = answer else { return Vec::new() };
    entries.retain(|entry| entry.knows(tuple));
    entries.sort_unstable_by_key(|entry| (entry.zone, entry.orig));
    entries.dedup_by_key(|entry| (entry.zone, entry.orig));
    if entries.is_empty() && whole { vec![NodeFact::NoConntrackEntry] } else { facts(entries, tuple) }
}

/// Returns entries that may know the tuple, and whether these are all.
fn by_netlink(tuple: Tuple) -> io::Result<(Vec<Entry>, bool)> {
    let mut entries = Vec::new();
    for orig in [tuple, tuple.reversed()] {
        entries.extend(ask_for(&request_filtered(orig), true)?);
    }
    // A look-up by hash finds an entry by either of its tuples, but only in the default zone. Of protocols without
    // ports it wants more than the tuple holds, such as the type of an ICMP message.
    let by_hash = if tuple.proto.has_ports() { ask_for(&request(tuple), false).ok() } else { None };
    let whole = by_hash.is_some();
    entries.extend(by_hash.into_iter().flatten());
    Ok((entries, whole))
}

/// Maximum number of entries of a table that is asked.
const ENTRIES_AT_MOST: u64 = 262_144;
/// Maximum number of entries that are reported about one drop.
const REPORTED_AT_MOST: usize = 8;

fn facts(entries: Vec<Entry>, tuple: Tuple) -> Vec<NodeFact> {
    let mut zones: Vec<u16> =
        entries.iter().filter(|entry| entry.was_opened_by(tuple)).map(|entry| entry.zone).collect();
    zones.dedup();
    let zones = Some(zones).filter(|zones| !zones.is_empty()).map(|zones| NodeFact::ConntrackZones { zones });
    zones.into_iter().chain(entries.into_iter().take(REPORTED_AT_MOST).map(NodeFact::from)).collect()
}

/// Asks for one entry, or for all. That there is no such entry is an answer, too.
fn ask_for(body: &[u8], dump: bool) -> io::Result<Vec<Entry>> {
    let kind = u16::from_be_bytes([NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET]);
    match ask(&Question { protocol: NETLINK_NETFILTER, kind, dump, body }, Entry::decode) {
        Ok(entries) => Ok(entries.into_iter().flatten().collect()),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
