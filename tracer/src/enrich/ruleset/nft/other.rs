//! Decodes expressions that matter only as text.

use super::{super::attrs::Attrs, field::Field, value::Kind, walk::RuleDecoder};

/// Decodes an expression that loads a register and is not `meta`, `ct` or `payload`. Returns the register and the
/// field, which is named if it has a simple name.
pub(super) fn load(name: &str, attrs: Attrs<'_>) -> Option<(u32, Field)> {
    let (dreg, field) = match name {
        "fib" => (attrs.u32(1)?, fib(attrs)),
        "socket" => {
            let key = ["transparent", "mark", "wildcard", "cgroupv2"].get(attrs.u32(1)? as usize)?;
            let kind = if *key == "mark" { Kind::HostHex } else { Kind::Host };
            (attrs.u32(2)?, Field::new(format!("socket {key}"), kind, 0))
        }
        "rt" => {
            let key = ["classid", "ip nexthop", "ip6 nexthop", "mtu", "ipsec"].get(attrs.u32(2)? as usize)?;
            let kind = [Kind::Host, Kind::Ipv4, Kind::Ipv6, Kind::Host, Kind::Host][attrs.u32(2)? as usize];
            (attrs.u32(1)?, Field::new(format!("rt {key}"), kind, 0))
        }
        "exthdr" => (attrs.u32(1)?, exthdr(attrs)),
        "numgen" | "osf" | "xfrm" | "tunnel" => (attrs.u32(1)?, Field::new(format!("[{name}]"), Kind::Hex, 0)),
        "hash" => (attrs.u32(2)?, Field::new("[hash]", Kind::Hex, 0)),
        _ => return None,
    };
    Some((dreg, field))
}

/// Describes a FIB look-up: `fib saddr . iif oif`.
fn fib(attrs: Attrs<'_>) -> Field {
    let names = [(1, "saddr"), (2, "daddr"), (4, "mark"), (8, "iif"), (16, "oif")];
    let flags = attrs.u32(3).unwrap_or(0);
    let key: Vec<_> = names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
    let (result, kind) = match attrs.u32(2).unwrap_or(0) {
        1 if flags & 32 != 0 => ("oif", Kind::Present),
        1 => ("oif", Kind::Host),
        2 => ("oifname", Kind::Name),
        3 => ("type", Kind::RouteType),
        _ => ("[result]", Kind::Hex),
    };
    Field::new(format!("fib {} {result}", key.join(" . ")), kind, 0)
}

/// Describes the one header option that is widely used, for clamping TCP's segment size.
pub(super) fn exthdr(attrs: Attrs<'_>) -> Field {
    let (kind, offset, len, op) = (attrs.u8(2), attrs.u32(3), attrs.u32(4), attrs.u32(6));
    if (kind, offset, len, op) == (Some(2), Some(2), Some(2), Some(NFT_EXTHDR_OP_TCPOPT)) {
        return Field::new("tcp option maxseg size", Kind::Net, 2);
    }
    Field::new("[exthdr]", Kind::Hex, 0)
}

const NFT_EXTHDR_OP_TCPOPT: u32 = 1;

/// Spells `reject with …` (`NFT_REJECT_*`) in a rule for packets of `family`.
pub(super) fn reject(attrs: Attrs<'_>, family: Option<u8>) -> String {
    const ICMP: &[(u8, &str)] = &[
        (0, "net-unreachable"),
        (1, "host-unreachable"),
        (2, "prot-unreachable"),
        (3, "port-unreachable"),
        (9, "net-prohibited"),
        (10, "host-prohibited"),
        (13, "admin-prohibited"),
    ];
    const ICMP6: &[(u8, &str)] = &[
        (0, "no-route"),
        (1, "admin-prohibited"),
        (3, "addr-unreachable"),
        (4, "port-unreachable"),
        (5, "policy-fail"),
        (6, "reject-route"),
    ];
    const ICMPX: [&str; 4] = ["no-route", "port-unreachable", "host-unreachable", "admin-prohibited"];
    let code = attrs.u8(2).unwrap_or(0);
    match attrs.u32(1) {
        Some(1) => "reject with tcp reset".to_owned(),
        Some(2) => match ICMPX.get(usize::from(code)) {
            Some(name) => format!("reject with icmpx {name}"),
            None => format!("reject with icmpx {code}"),
        },
        _ => {
            let (protocol, names) = if family == Some(10) { ("icmpv6", ICMP6) } else { ("icmp", ICMP) };
            let name = names.iter().find(|(known, _)| *known == code);
            format!("reject with {protocol} {}", name.map_or_else(|| code.to_string(), |(_, name)| (*name).to_owned()))
        }
    }
}

/// Spells `snat to …`, `dnat to …`, `masquerade`, `redirect to …`.
pub(super) fn nat(walk: &RuleDecoder<'_>, name: &str, attrs: Attrs<'_>) -> Option<String> {
    let port = |kind| attrs.u32(kind).map(|register| walk.operand(register, Kind::Net, 2));
    match name {
        "masq" | "redir" => {
            let (verb, first) = if name == "masq" { ("masquerade", 2) } else { ("redirect", 1) };
            let ports = range(port(first), port(first + 1));
            Some(if ports.is_empty() { verb.to_owned() } else { format!("{verb} to :{ports}") })
        }
        _ => {
            let verb = if attrs.u32(1)? == 0 { "snat" } else { "dnat" };
            let (family, kind, len) =
                if attrs.u32(2) == Some(10) { ("ip6", Kind::Ipv6, 16) } else { ("ip", Kind::Ipv4, 4) };
            let family = if u32::from(walk.family) == attrs.u32(2)? { String::new() } else { format!("{family} ") };
            let address = |at| attrs.u32(at).map(|register| walk.operand(register, kind, len));
            let mut text = format!("{verb} {family}to {}", range(address(3), address(4)));
            if attrs.u32(5).is_some() {
                text += &format!(":{}", range(port(5), port(6)));
            }
            Some(text)
        }
    }
}

fn range(low: Option<String>, high: Option<String>) -> String {
    match (low, high) {
        (Some(low), Some(high)) if low != high => format!("{low}-{high}"),
        (low, _) => low.unwrap_or_default(),
    }
}

/// Spells `queue to 0-3`.
pub(super) fn queue(attrs: Attrs<'_>) -> String {
    let first = attrs.u16(1).unwrap_or(0);
    match attrs.u16(2) {
        Some(total) if total > 1 => format!("queue to {first}-{}", first.saturating_add(total - 1)),
        _ => format!("queue to {first}"),
    }
}

/// Spells any other statement.
pub(super) fn text(walk: &RuleDecoder<'_>, name: &str, attrs: Attrs<'_>) -> Option<String> {
    Some(match name {
        "log" => log(attrs),
        "quota" => {
            let over = if attrs.u32(2).unwrap_or(0) & 1 != 0 { "over " } else { "" };
            format!("quota {over}{} bytes", attrs.u64(1)?)
        }
        "connlimit" => {
            let over = if attrs.u32(2).unwrap_or(0) & 1 != 0 { "over " } else { "" };
            format!("ct count {over}{}", attrs.u32(1)?)
        }
        "objref" => {
            let kind = match attrs.u32(1) {
                Some(1) => "counter",
                Some(2) => "quota",
                Some(3) => "ct helper",
                Some(4) => "limit",
                Some(6) => "tunnel",
                Some(7) => "ct timeout",
                Some(8) => "meta secmark",
                Some(9) => "ct expectation",
                Some(10) => "synproxy",
                _ => return Some(format!("[objref {}]", attrs.text(4).unwrap_or_default())),
            };
            format!("{kind} name \"{}\"", attrs.text(2)?)
        }
        "dynset" => {
            let verb = ["add", "update", "delete"].get(attrs.u32(3)? as usize)?;
            format!("{verb} @{} {{ … }}", attrs.text(1)?)
        }
        "dup" | "fwd" => {
            let (device, verb) = if name == "dup" { (attrs.u32(2), "dup to") } else { (attrs.u32(1), "fwd to") };
            format!("{verb} {}", device.map_or("…".to_owned(), |register| walk.operand(register, Kind::Host, 4)))
        }
        "flow_offload" => format!("flow add @{}", attrs.text(1)?),
        _ => return None,
    })
}

/// Spells `log prefix "…" group … level …`.
fn log(attrs: Attrs<'_>) -> String {
    const LEVELS: [&str; 9] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"];
    let mut text = "log".to_owned();
    if let Some(prefix) = attrs.text(2) {
        text += &format!(" prefix \"{prefix}\"");
    }
    if let Some(group) = attrs.u16(1) {
        text += &format!(" group {group}");
    }
    // `nft` omits the default level, `warn`.
    if let Some(level) = attrs.u32(5).filter(|level| *level != 4) {
        text += &format!(" level {}", LEVELS.get(level as usize).unwrap_or(&"[level]"));
    }
    text
}
