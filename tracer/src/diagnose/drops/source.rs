//! `reverse-path-filtered` and `martian-source`: the host does not accept the packet's source.

use std::net::IpAddr;

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence};

/// Explains drops because of the source address.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    reverse_path(dropped).or_else(|| martian(dropped))
}

/// Functions that IPv4's input route look-up (`fib_validate_source`, net/ipv4/fib_frontend.c) is inlined into, 5.10
/// to 7.3.
const INPUT: &[&str] = &[
    "ip_rcv_finish_core",
    "ip_rcv_finish",
    "ip_list_rcv_finish",
    "ip_sublist_rcv",
    "ip_route_input_noref",
    "ip_route_use_hint",
];

fn reverse_path(dropped: &Dropped<'_>) -> Option<Explained> {
    let tuple = dropped.tuple();
    let refused = dropped.routes().any(|answer| answer.iif.is_some() && answer.error.as_deref() == Some("EXDEV"));
    let counter = dropped.counted(&["TcpExt.IPReversePathFilter"]);
    let said = dropped.because(&["IP_RPFILTER"]);
    let seen = dropped.unspecified_within(INPUT) && refused && counter.is_some();
    if !(said || seen) {
        return None;
    }
    // Of `all` and the device, the larger value holds (`IN_DEV_RPFILTER`, include/linux/inetdevice.h).
    let (name, value) = dropped.sysctls(".rp_filter").max_by_key(|(name, value)| (*value, !name.contains(".all.")))?;
    let strict = value == "1";
    let ifname = &dropped.step.ifname;
    let back = dropped.routes().find(|answer| answer.to == Some(tuple.src) && answer.iif.is_none());
    let device = back.and_then(|answer| answer.device.as_deref());
    let not = device.map_or_else(String::new, |_| format!(", not {ifname},"));
    let back = match (device, back.and_then(|answer| answer.route.as_deref())) {
        (Some(device), Some(route)) => format!("the route back to {} goes out {device} (`{route}`)", tuple.src),
        (Some(device), None) => format!("the route back to {} goes out {device}", tuple.src),
        _ => format!("there is no route back to {}", tuple.src),
    };
    Some(Explained {
        id: "reverse-path-filtered",
        why: format!("{back}{not} and {name} is {value}"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!(
                "{name} is {value} ({}), and {back}",
                if strict {
                    "strict: a packet must arrive on the device of the route back"
                } else {
                    "loose: there must be a route back"
                },
            ),
            ..Cause::default()
        },
        evidence: [Some(format!("{name} is {value}")), Some(back.clone()), counter].into_iter().flatten().collect(),
        confidence: if said { Confidence::Certain } else { Confidence::Likely },
        advice: format!(
            "Route {} through {ifname}, if that is where it belongs.\nOr set {name} to 2 (any route back suffices) or 0, \
             so that packets may arrive and leave on different devices.",
            tuple.src,
        ),
        ..Explained::default()
    })
}

fn martian(dropped: &Dropped<'_>) -> Option<Explained> {
    let src = dropped.tuple().src;
    let class = class(dropped, src)?;
    let refused = dropped.routes().any(|answer| answer.iif.is_some() && answer.error.as_deref() == Some("EINVAL"));
    let said = match src {
        // `fib_validate_source_reason` and `ip_route_input_slow` give reasons since 6.14. `ip6_rcv_core` reports
        // wrong addresses as a wrong header (net/ipv6/ip6_input.c).
        IpAddr::V4(_) => {
            dropped.because(&["IP_INVALID_SOURCE", "IP_LOCAL_SOURCE", "IP_LOCALNET"])
                || (dropped.unspecified_within(INPUT) && refused)
        }
        IpAddr::V6(_) => {
            dropped.within(&["ip6_rcv_core", "ipv6_rcv", "ip6_rcv_core.isra"])
                && (dropped.unspecified() || dropped.because(&["IP_INHDR"]))
                && !matches!(class, Class::Own(_))
        }
    };
    if !said {
        return None;
    }
    let netns = dropped.netns();
    let what = class.describe(src, &netns);
    Some(Explained {
        id: "martian-source",
        why: format!("{what}, which is not valid as a source here"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the packet arrived with source {src}: {what}"),
            ..Cause::default()
        },
        evidence: [Some(what), dropped.counted(&["Ip.InHdrErrors", "Ip6InHdrErrors", "Ip6InAddrErrors"])]
            .into_iter()
            .flatten()
            .collect(),
        confidence: if dropped.unspecified() { Confidence::Likely } else { Confidence::Certain },
        advice: match class {
            Class::Own(_) => format!(
                "Find out who else uses {src}, or what sends netns {netns} its own packets back (a loop, a wrong NAT).\n\
                 If this is intended, set accept_local of the device to 1."
            ),
            _ => format!(
                "Find the sender on {} and correct its source address, or the NAT that set it.",
                dropped.step.ifname
            ),
        },
        ..Explained::default()
    })
}

enum Class<'a> {
    Own(&'a str),
    Loopback,
    Group,
    Unspecified,
}

impl Class<'_> {
    fn describe(&self, src: IpAddr, netns: &str) -> String {
        match self {
            Self::Own(ifname) => format!("{src} is an address of netns {netns} itself (on {ifname})"),
            Self::Loopback => format!("{src} is a loopback address"),
            Self::Group => format!("{src} is a multicast or broadcast address"),
            Self::Unspecified => format!("{src} is an unspecified address"),
        }
    }
}

/// Classifies a source that no packet may arrive with (`ip_route_input_slow`, net/ipv4/route.c).
fn class<'a>(dropped: &Dropped<'a>, src: IpAddr) -> Option<Class<'a>> {
    let broadcast = matches!(src, IpAddr::V4(src) if src.is_broadcast());
    let zero = matches!(src, IpAddr::V4(src) if src.octets()[0] == 0);
    if src.is_multicast() || broadcast {
        Some(Class::Group)
    } else if zero {
        Some(Class::Unspecified)
    } else if src.is_loopback() {
        Some(Class::Loopback)
    } else {
        dropped.local(src).map(Class::Own)
    }
}
