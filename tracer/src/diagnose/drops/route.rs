//! `no-route`, `blackhole-route`, `unreachable-route`, `prohibit-route`: routing refuses the packet.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Name, RouteAnswer};

/// Explains drops because of a route, or because there is none.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let unspecific = dropped.unspecified() || dropped.because(&["IP_INNOROUTES", "IP_OUTNOROUTES"]);
    if !unspecific || !dropped.within(PLACES) || dropped.tuple().dst.is_multicast() {
        return None;
    }
    refused(dropped).or_else(|| nowhere(dropped))
}

/// `dst_entry.input` and `.output` of routes that lead nowhere, 5.10 to 7.3: for IPv4 `ip_error`
/// (net/ipv4/route.c), for IPv6 those of `ip6_rt_init_dst_reject` (net/ipv6/route.c), whose blackhole ends in
/// `dst_discard_out` (net/core/dst.c).
const PLACES: &[&str] = &[
    "ip_error",
    "ip6_pkt_drop",
    "ip6_pkt_discard",
    "ip6_pkt_discard_out",
    "ip6_pkt_prohibit",
    "ip6_pkt_prohibit_out",
    "dst_discard",
    "dst_discard_out",
];

/// Explains drops by a route or rule that refuses.
fn refused(dropped: &Dropped<'_>) -> Option<Explained> {
    let dst = dropped.tuple().dst;
    let (answer, kind) = answers(dropped).find_map(|answer| Some((answer, Kind::of(answer)?)))?;
    let by = match (&answer.route, &answer.rule) {
        (Some(route), _) => format!("route `{route}`"),
        (None, Some(rule)) => format!("rule `{rule}`"),
        (None, None) => return None,
    };
    let netns = dropped.netns();
    Some(Explained {
        id: kind.id(),
        why: format!("{by} in netns {netns} {}", kind.act("it")),
        cause: Cause {
            place: on_device(dropped.step),
            text: answer.route.as_deref().or(answer.rule.as_deref()).map(Name::from),
            did: format!("{by} in netns {netns} {}", kind.act(&format!("packets to {dst}"))),
            ..Cause::default()
        },
        evidence: [
            Some(format!("the kernel's route lookup for {dst} returns {}", said(answer))),
            dropped.counted(COUNTERS),
        ]
        .into_iter()
        .flatten()
        .collect(),
        advice: format!(
            "Remove the {}, if it is not meant for {dst} (`ip route show type {}` in netns {netns}).\nOr add a more \
             specific route to {dst}.",
            kind.noun(),
            kind.name(),
        ),
        ..Explained::default()
    })
}

/// Explains drops because no table has a route.
fn nowhere(dropped: &Dropped<'_>) -> Option<Explained> {
    let dst = dropped.tuple().dst;
    let answer = answers(dropped).find(|answer| answer.error.as_deref() == Some("ENETUNREACH"))?;
    let netns = dropped.netns();
    Some(Explained {
        id: "no-route",
        why: format!("netns {netns} has no route to {dst}"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("netns {netns} has no route to {dst}, not even a default one"),
            ..Cause::default()
        },
        evidence: [
            Some(format!("the kernel's route lookup for {dst} returns {}", said(answer))),
            dropped.counted(COUNTERS),
        ]
        .into_iter()
        .flatten()
        .collect(),
        advice: format!("Add a route to {dst} in netns {netns}, or a default route."),
        ..Explained::default()
    })
}

const COUNTERS: &[&str] = &["IpExt.InNoRoutes", "Ip.OutNoRoutes", "Ip6InNoRoutes", "Ip6OutNoRoutes", "Ip.InAddrErrors"];

/// The answers about the packet's destination. The one for the destination alone comes last, and gives the most
/// detail.
fn answers<'a>(dropped: &Dropped<'a>) -> impl Iterator<Item = &'a RouteAnswer> + use<'a> {
    let dst = dropped.tuple().dst;
    dropped.routes().filter(move |answer| answer.to == Some(dst))
}

fn said(answer: &RouteAnswer) -> String {
    let error = answer.error.as_deref().unwrap_or("no error");
    match (&answer.route, &answer.rule) {
        (Some(route), Some(rule)) => format!("{error}: `{route}`, by rule `{rule}`"),
        (Some(text), None) | (None, Some(text)) => format!("{error}: `{text}`"),
        (None, None) => error.to_owned(),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Blackhole,
    Unreachable,
    Prohibit,
}

impl Kind {
    /// Reads the kind from the route, or from the last word of the rule if there is no route.
    fn of(answer: &RouteAnswer) -> Option<Self> {
        let rule = answer.rule.as_deref().filter(|_| answer.route.is_none());
        match answer.kind.as_deref().or_else(|| rule?.rsplit(' ').next())? {
            "blackhole" => Some(Self::Blackhole),
            "unreachable" => Some(Self::Unreachable),
            "prohibit" => Some(Self::Prohibit),
            _ => None,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Blackhole => "blackhole-route",
            Self::Unreachable => "unreachable-route",
            Self::Prohibit => "prohibit-route",
        }
    }

    fn name(self) -> &'static str {
        self.id().trim_end_matches("-route")
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Blackhole => "blackhole route",
            Self::Unreachable => "route of type unreachable",
            Self::Prohibit => "route of type prohibit",
        }
    }

    /// States what the route does to `what`.
    fn act(self, what: &str) -> String {
        match self {
            Self::Blackhole => format!("silently discards {what}"),
            Self::Unreachable => format!("rejects {what} with an ICMP error (unreachable)"),
            Self::Prohibit => format!("rejects {what} with an ICMP error (administratively prohibited)"),
        }
    }
}
