//! Decodes options of match extensions. Layouts: include/uapi/linux/netfilter/xt_*.h, 6.18.

use super::{
    super::{bytes, names::CT_STATES},
    Extension,
    ranges::{masked, quoted},
};

/// Returns the options as `iptables-save` writes them; `None` if the extension or its layout is not known.
pub(super) fn options(extension: &Extension) -> Option<String> {
    let info = extension.info.as_slice();
    let u32_at = |at| bytes::u32_at(info, at);
    Some(match (extension.name.as_str(), extension.revision) {
        // struct xt_mark_mtinfo1, struct xt_connmark_mtinfo1
        ("mark" | "connmark", 1) => format!("{}--mark {}", not(*info.get(8)? != 0), masked(u32_at(0)?, u32_at(4)?)),
        ("comment", _) => format!("--comment {}", quoted(&bytes::text(info))),
        ("conntrack", 1..=3) => conntrack(extension)?,
        ("state", _) => format!("--state {}", states(u64::from(u32_at(0)?))),
        ("tcp", _) => tcp(info)?,
        // struct xt_udp
        ("udp" | "udplite", _) => ports(info, *info.get(8)?)?,
        ("multiport", 1) => multiport(info)?,
        ("addrtype", 0 | 1) => addrtype(info, extension.revision)?,
        // struct xt_rateinfo
        ("limit", _) => limit(u32_at(0)?, u32_at(4)?),
        // struct ipt_icmp, struct ip6t_icmp: type, codes from and to, inversion
        ("icmp" | "icmp6", _) => icmp(extension)?,
        ("socket", 0) => String::new(),
        _ => return None,
    })
}

/// Returns the options of `-m state`, which iptables stores as a conntrack match with a flag that marks it.
pub(super) fn state_alias(extension: &Extension) -> Option<String> {
    if extension.name != "conntrack" || extension.revision < 2 {
        return None;
    }
    let (flags, invert) =
        (bytes::u16_at(&extension.info, MATCH_FLAGS)?, bytes::u16_at(&extension.info, MATCH_FLAGS + 2)?);
    let alias = flags & XT_CONNTRACK_STATE_ALIAS != 0 && flags & XT_CONNTRACK_STATE != 0;
    let states = conntrack_states(state_mask(extension)?);
    alias.then(|| format!("{}--state {states}", not(invert & XT_CONNTRACK_STATE != 0)))
}

/// Implements [`Extension::ct_state`].
pub(super) fn ct_state(extension: &Extension) -> Option<(u64, bool)> {
    let info = extension.info.as_slice();
    match (extension.name.as_str(), extension.revision) {
        ("state", _) => Some((u64::from(bytes::u32_at(info, 0)?), false)),
        ("conntrack", 1..=3) => {
            let (flags, invert) = (bytes::u16_at(info, MATCH_FLAGS)?, bytes::u16_at(info, MATCH_FLAGS + 2)?);
            if flags & XT_CONNTRACK_STATE == 0 {
                return None;
            }
            let mask = state_mask(extension)?;
            // SNAT and DNAT belong to conntrack's status. UNTRACKED has a separate bit here.
            let untracked = if mask & (1 << 8) != 0 { 0x40 } else { 0 };
            Some((mask & 0xf | untracked, invert & XT_CONNTRACK_STATE != 0))
        }
        _ => None,
    }
}

/// Offset of the flags in `struct xt_conntrack_mtinfo*`, after 8 addresses of 16 bytes, 2 × u32 and 5 × u16.
const MATCH_FLAGS: usize = 146;
const XT_CONNTRACK_STATE: u16 = 1;

fn state_mask(extension: &Extension) -> Option<u64> {
    match extension.revision {
        1 => extension.info.get(MATCH_FLAGS + 4).map(|mask| u64::from(*mask)),
        _ => bytes::u16_at(&extension.info, MATCH_FLAGS + 4).map(u64::from),
    }
}

fn conntrack(extension: &Extension) -> Option<String> {
    let info = extension.info.as_slice();
    let (flags, invert) = (bytes::u16_at(info, MATCH_FLAGS)?, bytes::u16_at(info, MATCH_FLAGS + 2)?);
    let mut parts = Vec::new();
    if flags & XT_CONNTRACK_STATE != 0 {
        let mask = state_mask(extension)?;
        let mut names = if mask & 0x10f == 0 { Vec::new() } else { vec![conntrack_states(mask)] };
        names.extend((mask & (1 << 6) != 0).then(|| "SNAT".to_owned()));
        names.extend((mask & (1 << 7) != 0).then(|| "DNAT".to_owned()));
        parts.push(format!("{}--ctstate {}", not(invert & XT_CONNTRACK_STATE != 0), names.join(",")));
    }
    if flags & XT_CONNTRACK_STATUS != 0 {
        let mask = if extension.revision == 1 {
            info.get(MATCH_FLAGS + 5).copied().map(u16::from)?
        } else {
            bytes::u16_at(info, MATCH_FLAGS + 6)?
        };
        let names = [(1, "EXPECTED"), (2, "SEEN_REPLY"), (4, "ASSURED"), (8, "CONFIRMED")];
        let names: Vec<_> = names.iter().filter(|(bit, _)| mask & bit != 0).map(|(_, name)| *name).collect();
        let names = if names.is_empty() { "NONE".to_owned() } else { names.join(",") };
        parts.push(format!("{}--ctstatus {names}", not(invert & XT_CONNTRACK_STATUS != 0)));
    }
    if flags & XT_CONNTRACK_DIRECTION != 0 {
        // Inverted means the reply direction.
        let direction = if invert & XT_CONNTRACK_DIRECTION != 0 { "REPLY" } else { "ORIGINAL" };
        parts.push(format!("--ctdir {direction}"));
    }
    if flags & !(XT_CONNTRACK_STATE | XT_CONNTRACK_STATUS | XT_CONNTRACK_DIRECTION | XT_CONNTRACK_STATE_ALIAS) != 0 {
        parts.push("…".to_owned());
    }
    Some(parts.join(" "))
}

const XT_CONNTRACK_STATUS: u16 = 1 << 6;
const XT_CONNTRACK_DIRECTION: u16 = 1 << 12;
const XT_CONNTRACK_STATE_ALIAS: u16 = 1 << 13;

fn conntrack_states(mask: u64) -> String {
    states(mask & 0xf | if mask & (1 << 8) != 0 { 0x40 } else { 0 })
}

/// Returns the names of states in the order in which iptables writes them.
fn states(mask: u64) -> String {
    let order = [0x1, 0x8, 0x4, 0x2, 0x40];
    let name = |bit| CT_STATES.iter().find(|(known, _)| *known == bit).map(|(_, name)| name.to_uppercase());
    order.into_iter().filter(|bit| mask & bit != 0).filter_map(name).collect::<Vec<_>>().join(",")
}

/// Decodes `struct xt_tcp`: ports, option, mask and value of the flags, inversions.
fn tcp(info: &[u8]) -> Option<String> {
    let (option, mask, flags, invert) = (*info.get(8)?, *info.get(9)?, *info.get(10)?, *info.get(11)?);
    let mut text = ports(info, invert)?;
    let mut add = |part: String| text = format!("{text} {part}").trim_start().to_owned();
    if option != 0 {
        add(format!("{}--tcp-option {option}", not(invert & 0x08 != 0)));
    }
    if mask != 0 || invert & 0x04 != 0 {
        add(format!("{}--tcp-flags {} {}", not(invert & 0x04 != 0), flag_names(mask), flag_names(flags)));
    }
    Some(text)
}

pub(in super::super) fn flag_names(flags: u8) -> String {
    const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set: Vec<_> =
        NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "NONE".to_owned() } else { set.join(",") }
}

/// Decodes the lowest and highest source port, then those of the destination: four u16 in host byte order.
fn ports(info: &[u8], invert: u8) -> Option<String> {
    let mut parts = Vec::new();
    for (at, option, bit) in [(0, "--sport", 1), (4, "--dport", 2)] {
        let (low, high) = (bytes::u16_at(info, at)?, bytes::u16_at(info, at + 2)?);
        let inverted = invert & bit != 0;
        if low != 0 || high != u16::MAX || inverted {
            let value = if low == high { low.to_string() } else { format!("{low}:{high}") };
            parts.push(format!("{}{option} {value}", not(inverted)));
        }
    }
    Some(parts.join(" "))
}

/// Decodes `struct xt_multiport_v1`: kind, count, 15 ports, 15 flags "a range starts here", inversion.
fn multiport(info: &[u8]) -> Option<String> {
    let option = ["--sports", "--dports", "--ports"].get(usize::from(*info.first()?))?;
    let count = usize::from(*info.get(1)?).min(15);
    let mut text = String::new();
    for index in 0..count {
        let port = bytes::u16_at(info, 2 + 2 * index)?;
        let ranged = *info.get(32 + index)? != 0;
        text += &port.to_string();
        text += if index + 1 == count {
            ""
        } else if ranged {
            ":"
        } else {
            ","
        };
    }
    Some(format!("{}{option} {text}", not(*info.get(47)? != 0)))
}

/// Decodes `struct xt_addrtype_info` and `_v1`: two sets of `1 << RTN_*`, then inversions.
fn addrtype(info: &[u8], revision: u8) -> Option<String> {
    const NAMES: [&str; 12] = [
        "UNSPEC",
        "UNICAST",
        "LOCAL",
        "BROADCAST",
        "ANYCAST",
        "MULTICAST",
        "BLACKHOLE",
        "UNREACHABLE",
        "PROHIBIT",
        "THROW",
        "NAT",
        "XRESOLVE",
    ];
    let (first, second) = (bytes::u32_at(info, 4)?, if revision == 0 { bytes::u32_at(info, 8)? } else { 0 });
    let inverted = if revision == 0 { [first != 0, second != 0] } else { [first & 1 != 0, first & 2 != 0] };
    let mut parts = Vec::new();
    for (index, option) in ["--src-type", "--dst-type"].into_iter().enumerate() {
        let types = bytes::u16_at(info, index * 2)?;
        if types != 0 {
            let set = NAMES.iter().enumerate().filter(|(bit, _)| types & (1 << bit) != 0);
            let names: Vec<_> = set.map(|(_, name)| *name).collect();
            parts.push(format!("{}{option} {}", not(*inverted.get(index)?), names.join(",")));
        }
    }
    let limits = if revision == 0 { 0 } else { first & 0xc };
    parts.extend((limits & 4 != 0).then(|| "--limit-iface-in".to_owned()));
    parts.extend((limits & 8 != 0).then(|| "--limit-iface-out".to_owned()));
    Some(parts.join(" "))
}

/// Formats a limit. `avg` is the time between packets in 1/10000 s (`XT_LIMIT_SCALE`).
fn limit(avg: u32, burst: u32) -> String {
    let units = [(10_000, "sec"), (600_000, "min"), (36_000_000, "hour"), (864_000_000, "day")];
    let avg = avg.max(1);
    let (unit, name) = units.into_iter().find(|(unit, _)| avg <= *unit).unwrap_or((864_000_000, "day"));
    format!("--limit {}/{name} --limit-burst {burst}", unit / avg)
}

fn icmp(extension: &Extension) -> Option<String> {
    let [kind, low, high, invert, ..] = *extension.info.as_slice() else { return None };
    let option = if extension.name == "icmp" { "--icmp-type" } else { "--icmpv6-type" };
    let value = match (kind, low, high) {
        (0xff, ..) => "any".to_owned(),
        (kind, 0, 0xff) => kind.to_string(),
        (kind, low, high) if low == high => format!("{kind}/{low}"),
        _ => return None,
    };
    Some(format!("{}{option} {value}", not(invert & 1 != 0)))
}

fn not(inverted: bool) -> &'static str {
    if inverted { "! " } else { "" }
}
