//! The node's facts about a drop, one line each.

use std::borrow::Cow;

use super::style::clean;
use crate::model::{NodeFact, RouteAnswer};

/// Formats one fact, similar to the output of the tool that people would use.
pub(super) fn line(fact: &NodeFact) -> String {
    let text = match fact {
        NodeFact::Sysctl { name, value } => format!("{name} = {value}"),
        NodeFact::Route(answer) => route(answer),
        NodeFact::Neighbour { addr, ifname, state } => format!("neighbour {addr} dev {ifname}: {state}"),
        NodeFact::Counter { name, before, after } => {
            format!("{name} rose by {} to {after}", after.saturating_sub(*before))
        }
        NodeFact::Qdisc { ifname, kind, handle, drops, before, qlen } => {
            let since = before.map(|before| format!(", {} of them during the trace", drops.saturating_sub(before)));
            format!("qdisc {kind} {handle} dev {ifname}: {drops} dropped{}, {qlen} waiting", since.unwrap_or_default())
        }
        NodeFact::ConntrackTable { count, max } => format!("conntrack: {count} entries of at most {max}"),
        NodeFact::ConntrackZones { zones } => {
            let zones: Vec<_> = zones.iter().map(u16::to_string).collect();
            format!("conntrack has the tuple in zone {}", zones.join(", "))
        }
        NodeFact::ConntrackEntry { orig, reply, zone, status: _, timeout, state } => {
            let state = state.as_deref().map(|state| format!(", {state}")).unwrap_or_default();
            let timeout = timeout.map(|timeout| format!(", expires in {timeout} s")).unwrap_or_default();
            format!("conntrack entry: {} {orig}, reply {reply}{state}, zone {zone}{timeout}", orig.proto)
        }
        NodeFact::NoConntrackEntry => "no conntrack entry".to_owned(),
        NodeFact::Listener { local, queue, limit, owner } => {
            let limit = limit.map(|limit| format!(" of at most {limit}")).unwrap_or_default();
            format!("listener {local}{}: {queue}{limit} waiting to be accepted", of(owner.as_deref()))
        }
        NodeFact::Socket { local, rmem, rcvbuf, drops, owner } => {
            let limit = rcvbuf.map(|rcvbuf| format!(" of {rcvbuf}")).unwrap_or_default();
            let drops = drops.map(|drops| format!(", {drops} dropped")).unwrap_or_default();
            format!("socket {local}{}: {rmem}{limit} bytes unread{drops}", of(owner.as_deref()))
        }
        NodeFact::Connection { local, remote, proto, state, owner } => {
            let state = state.as_deref().map(|state| format!(", {state}")).unwrap_or_default();
            format!("{proto} socket{} {local} → {remote}{state}", of(owner.as_deref()))
        }
        NodeFact::Queue { number, owner, waiting } => {
            format!("NFQUEUE {number}{}: {waiting} waiting", of(owner.as_deref()))
        }
        NodeFact::WireguardDevice { ifname, port, peers } => {
            format!("WireGuard device {ifname} receives on port {port} and has {peers} peers")
        }
        NodeFact::WireguardPeer { ifname, public_key, endpoint, handshake, received, sent } => {
            let endpoint = endpoint.as_deref().unwrap_or("no endpoint");
            let handshake = match handshake {
                Some(seconds) => format!("last handshake {seconds} s ago"),
                None => "no handshake so far".to_owned(),
            };
            format!("peer {public_key} of {ifname}: {endpoint}, {handshake}, {received} bytes received, {sent} sent")
        }
        NodeFact::NoSocket => "no matching socket".to_owned(),
        NodeFact::Link { ifname, up, carrier, mtu, address, master, kind } => {
            let state = match (up, carrier) {
                (true, true) => "up",
                (true, false) => "up, no carrier",
                (false, _) => "down",
            };
            let rest = [("kind", Some(kind)), ("address", Some(address)), ("master", master.as_ref())];
            let rest =
                rest.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
            let rest: String = rest.map(|(name, value)| format!(", {name} {value}")).collect();
            format!("device {ifname}: {state}, mtu {mtu}{rest}")
        }
        NodeFact::LocalAddress { addr, ifname } => format!("{addr} is an address of {ifname}"),
        NodeFact::BridgePort { ifname, bridge, state, vlan_filtering, vlans, hairpin, isolated, mtu } => {
            let vlans = match (vlan_filtering, vlans.is_empty()) {
                (false, _) => String::new(),
                (true, true) => ", no VLANs".to_owned(),
                (true, false) => format!(", VLANs {}", vlans.join(", ")),
            };
            let flags: String = [(hairpin, ", hairpin"), (isolated, ", isolated")]
                .into_iter()
                .filter_map(|(on, name)| on.then_some(name))
                .collect();
            format!("port {ifname} of bridge {bridge}: {state}{vlans}{flags}, mtu {mtu}")
        }
        NodeFact::XfrmPolicy { direction, action, selector, template } => {
            let wants = if *template { ", requires IPsec" } else { "" };
            format!("IPsec policy {direction} {action}: {selector}{wants}")
        }
    };
    Cow::into_owned(clean(&text))
}

fn of(owner: Option<&str>) -> String {
    owner.map(|owner| format!(" of {owner}")).unwrap_or_default()
}

fn route(answer: &RouteAnswer) -> String {
    let RouteAnswer { to, from, iif, device, gateway, kind, route, rule, error } = answer;
    let asked =
        [("to", to.map(|to| to.to_string())), ("from", from.map(|from| from.to_string())), ("iif", iif.clone())];
    let asked: String = asked.into_iter().filter_map(|(name, value)| Some(format!(" {name} {}", value?))).collect();
    let way = [
        error.clone(),
        kind.clone().filter(|_| route.is_none()),
        gateway.map(|gateway| format!("via {gateway}")),
        device.as_ref().map(|device| format!("dev {device}")),
        route.as_ref().map(|route| format!("by route `{route}`")),
        rule.as_ref().map(|rule| format!("by rule `{rule}`")),
    ];
    format!("route{asked}: {}", way.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Proto, Tuple};

    #[test]
    fn facts_read_like_the_tools_that_show_them() {
        let refused = RouteAnswer {
            to: Some([10, 9, 0, 1].into()),
            route: Some("blackhole 10.9.0.0/16 table main".to_owned()),
            kind: Some("blackhole".to_owned()),
            error: Some("EINVAL".to_owned()),
            ..RouteAnswer::default()
        };
        let way = RouteAnswer {
            to: Some([10, 2, 0, 1].into()),
            from: Some([10, 1, 0, 1].into()),
            iif: Some("eth0".to_owned()),
            gateway: Some([10, 0, 0, 1].into()),
            device: Some("eth1".to_owned()),
            ..RouteAnswer::default()
        };
        let [src, dst] = [1, 5].map(|host| std::net::IpAddr::from([10, 0, 0, host]));
        let way_out = Tuple { src, dst, sport: 4000, dport: 443, proto: Proto::TCP };
        let [ifname, kind, handle] = ["eth0", "tbf", "8001:"].map(str::to_owned);
        for (fact, text) in [
            (NodeFact::Route(refused), "route to 10.9.0.1: EINVAL by route `blackhole 10.9.0.0/16 table main`"),
            (NodeFact::Route(way), "route to 10.2.0.1 from 10.1.0.1 iif eth0: via 10.0.0.1 dev eth1"),
            (NodeFact::Counter { name: "Udp.NoPorts".to_owned(), before: 2, after: 5 }, "Udp.NoPorts rose by 3 to 5"),
            (
                NodeFact::Qdisc { ifname, kind, handle, drops: 7, before: Some(5), qlen: 1 },
                "qdisc tbf 8001: dev eth0: 7 dropped, 2 of them during the trace, 1 waiting",
            ),
            (
                NodeFact::ConntrackEntry {
                    orig: way_out,
                    reply: way_out.reversed(),
                    zone: 0,
                    status: 8,
                    timeout: Some(119),
                    state: Some("SYN_SENT".to_owned()),
                },
                "conntrack entry: tcp 10.0.0.1:4000 → 10.0.0.5:443, reply 10.0.0.5:443 → 10.0.0.1:4000, SYN_SENT, zone \
                 0, expires in 119 s",
            ),
            (NodeFact::Sysctl { name: "a\u{1b}[1m".to_owned(), value: "1".to_owned() }, "a\\u{1b}[1m = 1"),
        ] {
            assert_eq!(line(&fact), text);
        }
    }
}
