//! Looks up the route of a packet: the table, device, gateway and `ip rule` that the kernel would choose now.

mod answer;
mod asked;
mod rule;
mod spell;
#[cfg(test)]
mod tests;
mod walk;

use std::{io, net::IpAddr};

use netlink_packet_core::Parseable as _;
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteVia},
    rule::{RuleHeader, RuleMessage},
};

use super::{
    netlink::ask_route,
    netns::{Netns, interfaces_here},
};
pub(super) use answer::answer;
pub use asked::Asked;
use rule::Rule;
pub use spell::table;

/// The kernel's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SelectedRoute {
    /// Number of the table that holds the route; [`table`] names it. If a netns has no rules of its own, IPv4 keeps
    /// `local` and `main` in one table, and the kernel reports `main` for both. 0 if no table has a route and the
    /// packet leaves by the device that it is bound to.
    pub table: u32,
    /// ifindex of the device that the packet leaves by.
    pub oif: u32,
    /// Name of that device.
    pub device: String,
    /// The next hop; `None` if the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Length of the route's destination prefix, if the kernel reports it.
    pub prefix_len: Option<u8>,
    /// The `ip rule` that leads to the table, e.g. `32500: fwmark 0x40/0x60 lookup 180`. `None` if an earlier rule
    /// selects by something that is not known here (a TOS, a user, a VRF).
    pub rule: Option<String>,
}

/// Asks the kernel for a route (`RTM_GETROUTE`; `inet_rtm_getroute`, net/ipv4/route.c, and `inet6_rtm_getroute`,
/// net/ipv6/route.c) and for the rules (`RTM_GETRULE`, net/core/fib_rules.c) of a netns. The answer describes this
/// moment, not the moment when the packet passed.
///
/// # Errors
/// Returns one sentence if the netns cannot be entered or there is no such route.
pub fn route(netns: &Netns, asked: &Asked) -> Result<SelectedRoute, String> {
    let problem = |error: &dyn std::fmt::Display| {
        format!("the route to {}{} in netns {} is unknown: {error}", asked.dst, asked.by_mark(), netns.name())
    };
    let found = netns.run_in(|| look_up(asked)).map_err(|error| problem(&format_args!("cannot enter it: {error}")))?;
    found.map_err(|error| problem(&why(&error)))
}

/// Explains the errors by which `fib_props` (net/ipv4/fib_semantics.c) and `ip6_null_entry` and its like
/// (net/ipv6/route.c) report that there is no route.
fn why(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENETUNREACH) => "there is no route".to_owned(),
        Some(libc::EHOSTUNREACH) => "the kernel says that the host cannot be reached".to_owned(),
        Some(libc::EACCES) => "a route or rule of type prohibit forbids it".to_owned(),
        Some(libc::EINVAL) => "a route or rule of type blackhole swallows it, or the question was refused".to_owned(),
        _ => error.to_string(),
    }
}

fn look_up(asked: &Asked) -> io::Result<SelectedRoute> {
    let route = get_route(asked, RouteFlags::LookupTable)?;
    // The first answer describes a host route. The length of the prefix takes a second question.
    let matched = get_route(asked, RouteFlags::LookupTable | RouteFlags::FibMatch).ok();
    let prefix_len = matched.map(|route| route.header.destination_prefix_length);
    let devices = interfaces_here()?;
    let rules = get_rules(asked.family())?;

    let oif = first(&route, |attribute| match attribute {
        RouteAttribute::Oif(oif) => Some(*oif),
        _ => None,
    });
    let oif = oif.ok_or_else(|| io::Error::other("the kernel names no device"))?;
    let table = first(&route, |attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    let table = table.unwrap_or(route.header.table.into());
    let name = |ifindex| devices.iter().find(|(index, _)| *index == ifindex).map(|(_, name)| name.as_str());
    let place = walk::RuleInput { asked, iif: name(asked.iif.unwrap_or(LOOPBACK)), oif: asked.oif.and_then(name) };
    Ok(SelectedRoute {
        table,
        oif,
        device: name(oif).unwrap_or_default().to_owned(),
        gateway: first(&route, gateway),
        prefix_len,
        rule: walk::leads_to(&rules, &place, table, prefix_len).map(ToString::to_string),
    })
}

/// `LOOPBACK_IFINDEX` (include/net/flow.h): the receiving device of a packet that this host sends.
const LOOPBACK: u32 = 1;

fn get_route(asked: &Asked, flags: RouteFlags) -> io::Result<RouteMessage> {
    let message = RouteNetlinkMessage::GetRoute(asked.message(flags));
    let answers = ask_route(&message, false, RouteMessage::parse)?;
    let answer = answers.into_iter().next().ok_or(io::ErrorKind::UnexpectedEof)?;
    answer.map_err(io::Error::other)
}

/// Returns all rules of a family, in the order in which the kernel tries them.
fn get_rules(family: netlink_packet_route::AddressFamily) -> io::Result<Vec<Rule>> {
    let mut message = RuleMessage::default();
    message.header = RuleHeader { family, ..RuleHeader::default() };
    let answers = ask_route(&RouteNetlinkMessage::GetRule(message), true, RuleMessage::parse)?;
    let mut rules = Vec::new();
    for answer in answers {
        rules.push(Rule::from(answer.map_err(io::Error::other)?));
    }
    Ok(rules)
}

fn gateway(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(addr)) => Some((*addr).into()),
        RouteAttribute::Gateway(RouteAddress::Inet6(addr)) => Some((*addr).into()),
        // An IPv4 route over an IPv6 next hop.
        RouteAttribute::Via(RouteVia::Inet6(addr)) => Some((*addr).into()),
        RouteAttribute::Via(RouteVia::Inet(addr)) => Some((*addr).into()),
        _ => None,
    }
}

fn first<T>(route: &RouteMessage, pick: impl Fn(&RouteAttribute) -> Option<T>) -> Option<T> {
    route.attributes.iter().find_map(pick)
}
