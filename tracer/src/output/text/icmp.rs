//! Names of ICMP and ICMPv6 errors.

use tracer_common::hook;

use crate::model::{IcmpError, Step};

/// Type, code and name of ICMP errors: RFC 792, RFC 1122, RFC 1812.
const V4: &[(u8, u8, &str)] = &[
    (3, 0, "network unreachable"),
    (3, 1, "host unreachable"),
    (3, 2, "protocol unreachable"),
    (3, 3, "port unreachable"),
    (3, 4, "fragmentation needed"),
    (3, 5, "source route failed"),
    (3, 6, "network unknown"),
    (3, 7, "host unknown"),
    (3, 9, "network prohibited"),
    (3, 10, "host prohibited"),
    (3, 13, "administratively prohibited"),
    (11, 0, "TTL exceeded"),
    (11, 1, "reassembly time exceeded"),
    (12, 0, "parameter problem"),
];

/// Type, code and name of ICMPv6 errors: RFC 4443.
const V6: &[(u8, u8, &str)] = &[
    (1, 0, "no route to destination"),
    (1, 1, "administratively prohibited"),
    (1, 2, "beyond scope of source address"),
    (1, 3, "address unreachable"),
    (1, 4, "port unreachable"),
    (1, 5, "source address prohibited"),
    (1, 6, "reject route"),
    (2, 0, "packet too big"),
    (3, 0, "hop limit exceeded"),
    (3, 1, "reassembly time exceeded"),
    (4, 0, "erroneous header field"),
    (4, 1, "unrecognized next header"),
    (4, 2, "unrecognized option"),
];

/// Describes an error: `answered with ICMP fragmentation needed, MTU 1370`.
pub(super) fn words(error: &IcmpError, step: &Step) -> String {
    let v6 = is_v6(step);
    let (name, names) = if v6 { ("ICMPv6", V6) } else { ("ICMP", V4) };
    let known = names.iter().find(|(kind, code, _)| (*kind, *code) == (error.kind, error.code));
    let what =
        known.map_or_else(|| format!("type {} code {}", error.kind, error.code), |(.., what)| (*what).to_owned());
    let mtu = error.mtu.map(|mtu| format!(", MTU {mtu}")).unwrap_or_default();
    format!("answered with {name} {what}{mtu}")
}

/// Whether the error is ICMPv6. The sending function decides first, because a packet in a tunnel may be of another
/// family than the tunnel.
fn is_v6(step: &Step) -> bool {
    let unknown = !step.is_at(&[hook::ICMP_SEND, hook::ICMP6_SEND]);
    step.is_at(&[hook::ICMP6_SEND]) || unknown && step.outer.unwrap_or(step.tuple).src.is_ipv6()
}
