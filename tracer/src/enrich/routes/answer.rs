//! Asks how the kernel would route a packet, and describes routes and refusals in the words of `ip`.

use std::io;

use netlink_packet_core::{Emitable as _, Parseable as _};
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteType},
    rule::RuleAction,
};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::{Asked, LOOPBACK, first, gateway, get_route, get_rules, rule::Rule, table, walk};
use crate::{
    enrich::netlink::{Question, ask_strictly},
    model::RouteAnswer,
};

/// Asks in the calling thread's netns. `name` returns the name of the device with an ifindex, or an empty string if
/// there is none.
pub(in super::super) fn answer(asked: &Asked, name: impl Fn(u32) -> String) -> RouteAnswer {
    let named = |ifindex: u32| Some(name(ifindex)).filter(|name| !name.is_empty());
    let mut answer =
        RouteAnswer { to: Some(asked.dst), from: asked.src, iif: asked.iif.and_then(named), ..RouteAnswer::default() };
    let rules = get_rules(asked.family()).unwrap_or_default();
    let iif = named(asked.iif.unwrap_or(LOOPBACK));
    let oif = asked.oif.and_then(named);
    let place = walk::RuleInput { asked, iif: iif.as_deref(), oif: oif.as_deref() };
    match get_route(asked, RouteFlags::LookupTable) {
        Ok(route) => {
            answer.device = oif_of(&route).and_then(named);
            answer.gateway = first(&route, gateway);
            answer.kind = kind(route.header.kind).map(str::to_owned);
            // The first answer is about one host. The entry that it came from takes a second question.
            let Ok(entry) = get_route(asked, RouteFlags::LookupTable | RouteFlags::FibMatch) else { return answer };
            let (table, len) = (table_of(&entry), entry.header.destination_prefix_length);
            answer.rule = walk::leads_to(&rules, &place, table, Some(len)).map(ToString::to_string);
            answer.route = Some(spell(&entry, &named));
        }
        Err(error) => {
            answer.error = Some(errno(&error));
            refusal(&mut answer, asked, &error, &rules, &place, &named);
        }
    }
    answer
}

/// Finds the entry or rule that refuses, because the kernel answers such a question with the error alone. Names none
/// for an IPv4 packet that comes in, because the error may have other causes.
fn refusal(
    answer: &mut RouteAnswer,
    asked: &Asked,
    error: &io::Error,
    rules: &[Rule],
    place: &walk::RuleInput<'_>,
    named: &impl Fn(u32) -> Option<String>,
) {
    // See `fib_props` (net/ipv4/fib_semantics.c), `fib4_rule_action` and `fib6_rule_action`.
    let (route, action) = match error.raw_os_error() {
        Some(libc::EINVAL) => (Some(RouteType::BlackHole), RuleAction::Blackhole),
        Some(libc::EACCES) => (Some(RouteType::Prohibit), RuleAction::Prohibit),
        Some(libc::EHOSTUNREACH) => (Some(RouteType::Unreachable), RuleAction::Unspec),
        Some(libc::ENETUNREACH) => (None, RuleAction::Unreachable),
        _ => return,
    };
    // IPv4 also refuses incoming packets for other reasons (`ip_route_input_slow`, net/ipv4/route.c).
    if asked.iif.is_some() && asked.dst.is_ipv4() {
        return;
    }
    let entries = route.and_then(|route| refusing(asked, route).ok()).unwrap_or_default();
    // In one table the longest prefix decides. Which of several tables decides is not certain.
    let longest = entries.iter().max_by_key(|entry| entry.header.destination_prefix_length);
    let entry = longest.filter(|entry| entries.iter().all(|other| table_of(other) == table_of(entry)));
    let leads = entry
        .and_then(|entry| walk::leads_to(rules, place, table_of(entry), Some(entry.header.destination_prefix_length)));
    let refuses = walk::refused_by(rules, place, action);
    if let Some(refuses) = refuses.filter(|refuses| leads.is_none_or(|leads| leads.priority > refuses.priority)) {
        answer.rule = Some(refuses.to_string());
    } else if let Some(entry) = entry {
        answer.kind = kind(entry.header.kind).map(str::to_owned);
        answer.route = Some(spell(entry, named));
        answer.rule = leads.map(ToString::to_string);
    }
}

/// Returns the entries of a type that contain the destination. The kernel filters by type (`fib_dump_info_fnhe`'s
/// filter, since 4.20), so that large tables need not be read.
fn refusing(asked: &Asked, kind: RouteType) -> io::Result<Vec<RouteMessage>> {
    let mut message = RouteMessage::default();
    message.header = RouteHeader { address_family: asked.family(), kind, ..RouteHeader::default() };
    let message = RouteNetlinkMessage::GetRoute(message);
    let mut body = vec![0; message.buffer_len()];
    message.emit(&mut body);
    let question = Question { protocol: NETLINK_ROUTE, kind: message.message_type(), dump: true, body: &body };
    let entries = ask_strictly(&question, |answer| RouteMessage::parse(answer).ok())?;
    let holds = |entry: &RouteMessage| {
        let Some(net) = prefix(entry) else { return entry.header.destination_prefix_length == 0 };
        net.contains(&asked.dst)
    };
    Ok(entries.into_iter().flatten().filter(|entry| entry.header.kind == kind && holds(entry)).collect())
}

/// Spells an entry: `blackhole 10.9.0.0/16 table main`, `default via 10.0.0.1 dev eth0 table main metric 100`.
fn spell(entry: &RouteMessage, named: &impl Fn(u32) -> Option<String>) -> String {
    let kind = kind(entry.header.kind).filter(|kind| *kind != "unicast");
    let to = prefix(entry).map_or_else(|| "default".to_owned(), super::spell::host_or_net);
    let hops = entry.attributes.iter().any(|attribute| matches!(attribute, RouteAttribute::MultiPath(_)));
    let metric = first(entry, |attribute| match attribute {
        RouteAttribute::Priority(metric) if *metric > 0 => Some(*metric),
        _ => None,
    });
    // IPv6 gives the device `lo` to entries that refuse.
    let device = oif_of(entry).and_then(named).filter(|_| !refuses(entry.header.kind));
    let parts = [
        kind.map(str::to_owned),
        Some(to),
        first(entry, gateway).map(|addr| format!("via {addr}")),
        device.map(|device| format!("dev {device}")),
        hops.then(|| "nexthop …".to_owned()),
        Some(format!("table {}", table(table_of(entry)))),
        metric.map(|metric| format!("metric {metric}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn prefix(entry: &RouteMessage) -> Option<ipnet::IpNet> {
    let len = entry.header.destination_prefix_length;
    first(entry, |attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(addr)) => ipnet::IpNet::new((*addr).into(), len).ok(),
        RouteAttribute::Destination(RouteAddress::Inet6(addr)) => ipnet::IpNet::new((*addr).into(), len).ok(),
        _ => None,
    })
}

fn oif_of(route: &RouteMessage) -> Option<u32> {
    first(route, |attribute| match attribute {
        RouteAttribute::Oif(oif) => Some(*oif),
        _ => None,
    })
}

fn table_of(route: &RouteMessage) -> u32 {
    let table = first(route, |attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    table.unwrap_or(route.header.table.into())
}

fn refuses(kind: RouteType) -> bool {
    matches!(kind, RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit)
}

/// Spells `RTN_*` as `ip route` does.
fn kind(kind: RouteType) -> Option<&'static str> {
    Some(match kind {
        RouteType::Unicast => "unicast",
        RouteType::Local => "local",
        RouteType::Broadcast => "broadcast",
        RouteType::Anycast => "anycast",
        RouteType::Multicast => "multicast",
        RouteType::BlackHole => "blackhole",
        RouteType::Unreachable => "unreachable",
        RouteType::Prohibit => "prohibit",
        RouteType::Throw => "throw",
        _ => return None,
    })
}

/// Returns the name of an error.
fn errno(error: &io::Error) -> String {
    let name = error.raw_os_error().map(nix::errno::Errno::from_raw).filter(|e| *e != nix::errno::Errno::UnknownErrno);
    name.map_or_else(|| error.to_string(), |errno| format!("{errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: RouteType, to: Option<(&str, u8)>, attributes: &[RouteAttribute]) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.kind = kind;
        message.header.table = 254;
        message.attributes = attributes.to_vec();
        if let Some((addr, len)) = to {
            let addr: std::net::IpAddr = addr.parse().expect(addr);
            message.header.destination_prefix_length = len;
            message.attributes.push(RouteAttribute::Destination(RouteAddress::from(addr)));
        }
        message
    }

    fn spelled(entry: &RouteMessage) -> String {
        spell(entry, &|ifindex| (ifindex == 2).then(|| "eth0".to_owned()))
    }

    #[test]
    fn entries_are_spelled_as_ip_route_does() {
        let via = RouteAttribute::Gateway(RouteAddress::Inet([10, 0, 0, 1].into()));
        let default = entry(RouteType::Unicast, None, &[via, RouteAttribute::Oif(2), RouteAttribute::Priority(100)]);
        assert_eq!(spelled(&default), "default via 10.0.0.1 dev eth0 table main metric 100");
        let hole = entry(RouteType::BlackHole, Some(("10.9.0.0", 16)), &[RouteAttribute::Table(180)]);
        assert_eq!(spelled(&hole), "blackhole 10.9.0.0/16 table 180");
        let nowhere = entry(RouteType::Unreachable, Some(("fd00::1", 128)), &[RouteAttribute::Oif(2)]);
        assert_eq!(spelled(&nowhere), "unreachable fd00::1 table main");
    }

    #[test]
    fn errors_have_the_names_of_the_kernel() {
        for (number, name) in [(libc::EXDEV, "EXDEV"), (libc::ENETUNREACH, "ENETUNREACH"), (libc::EACCES, "EACCES")] {
            assert_eq!(errno(&io::Error::from_raw_os_error(number)), name);
        }
    }

    #[test]
    fn this_machine_routes_to_itself() {
        let found = answer(&Asked::to([127, 0, 0, 1].into()), |ifindex| format!("if{ifindex}"));
        assert_eq!((found.kind.as_deref(), found.error), (Some("local"), None));
        assert_eq!(found.device.as_deref(), Some("if1"));
    }
}
