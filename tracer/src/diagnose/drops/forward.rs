//! `forwarding-off`, `ttl-exceeded`, `packet-too-big` and `path-mtu-learned`: a router does not pass the packet on.

use super::{
    super::{firewall::on_device, path_mtu::not_learned},
    Dropped, Explained,
};
use crate::model::{Cause, Confidence, IcmpError, Name, Severity, Step, Where};

/// Explains drops in forwarding.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    off(dropped).or_else(|| last_hop(dropped)).or_else(|| too_big(dropped))
}

/// Explains drops because forwarding is off. `ip_route_input_slow` gives a packet that may not be forwarded to
/// `ip_error`, whatever its route is (net/ipv4/route.c). `ip6_forward` checks this itself (net/ipv6/ip6_output.c).
/// 5.10 to 7.3.
fn off(dropped: &Dropped<'_>) -> Option<Explained> {
    let ipv4 = dropped.tuple().dst.is_ipv4();
    let unspecified = dropped.unspecified() || dropped.because(&["IP_INADDRERRORS", "IP_INNOROUTES"]);
    let place = if ipv4 { "ip_error" } else { "ip6_forward" };
    if !unspecified || !dropped.within(&[place]) || dropped.tuple().dst.is_multicast() {
        return None;
    }
    let mut settings = dropped.sysctls(".forwarding");
    // IPv4 reads the setting of the device that the packet came in on. IPv6 reads the netns's, and since 6.17 also
    // the device's.
    let (name, value) = settings.find(|(name, _)| ipv4 != name.ends_with(".conf.all.forwarding"))?;
    let forced = !ipv4 && dropped.sysctls("force_forwarding").any(|(_, value)| value != "0");
    if value != "0" || forced {
        return None;
    }
    let (dst, netns) = (dropped.tuple().dst, dropped.netns());
    Some(Explained {
        id: "forwarding-off",
        why: format!("{dst} is not a local address, and {name} is 0"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("netns {netns} does not forward packets: {name} is {value}; the sender gets no error"),
            ..Cause::default()
        },
        evidence: [
            Some(format!("{name} is {value}")),
            dropped.counted(&["Ip.InAddrErrors", "Ip6InAddrErrors", "IpExt.InNoRoutes"]),
        ]
        .into_iter()
        .flatten()
        .collect(),
        advice: format!(
            "Set {name} to 1, if netns {netns} is meant to be a router.\nOtherwise find out why {} sends packets for \
             {dst} to it: check its route and its neighbour entry for the next hop.",
            dropped.tuple().src,
        ),
        ..Explained::default()
    })
}

const FORWARD: &[&str] = &["ip_forward", "ip6_forward"];

/// Explains drops with `ICMP_TIME_EXCEEDED` and `ICMP_EXC_TTL`, or `ICMPV6_TIME_EXCEED` and `ICMPV6_EXC_HOPLIMIT`.
fn last_hop(dropped: &Dropped<'_>) -> Option<Explained> {
    let inhdr = dropped.unspecified() || dropped.because(&["IP_INHDR"]);
    let (kind, field) = if dropped.tuple().dst.is_ipv4() { (11, "TTL") } else { (3, "hop limit") };
    let (reported, _) = icmp_error(dropped).filter(|(_, icmp)| inhdr && icmp.kind == kind && icmp.code == 0)?;
    let netns = dropped.netns();
    Some(Explained {
        id: "ttl-exceeded",
        severity: Severity::Warning,
        why: format!("its {field} expired"),
        cause: Cause {
            place: on_device(dropped.step),
            did: format!("the {field} expired in netns {netns}"),
            ..Cause::default()
        },
        evidence: vec![format!(
            "{}: the stack reports to the sender that the {field} was exceeded",
            dropped.facts.cite(reported)
        )],
        advice: format!(
            "If this is traceroute, nothing is wrong.\nOtherwise look for a routing loop: follow the routes to {} hop by \
             hop, from netns {netns} on (`ip route get {}`).",
            dropped.tuple().dst,
            dropped.tuple().dst,
        ),
        ..Explained::default()
    })
}

fn too_big(dropped: &Dropped<'_>) -> Option<Explained> {
    let unspecified = dropped.unspecified() || dropped.because(&["PKT_TOO_BIG"]);
    let (reported, mtu) = too_big_for(dropped).filter(|_| unspecified)?;
    let (step, facts) = (dropped.step, dropped.facts);
    let again = not_learned(facts, step, |other| {
        other.netns == step.netns && Dropped::new(facts, other).is_some_and(|other| too_big_for(&other).is_some())
    });
    // In IPv4 the packet's device is still the one that it came in on.
    let dst = dropped.tuple().dst;
    let next = dropped
        .routes()
        .filter(|answer| answer.to == Some(dst))
        .find_map(|answer| answer.device.as_deref().map(Name::from));
    let next = next.or_else(|| dst.is_ipv6().then(|| step.ifname.clone()));
    let place = Where { netns: Some(step.netns), ifname: next.clone(), ..Where::default() };
    let device = next.unwrap_or_else(|| "the next device".into());
    let (netns, src, len) = (dropped.netns(), dropped.tuple().src, reported.len);
    let mut explained = Explained {
        id: "packet-too-big",
        why: format!(
            "it has {len} bytes, but the MTU of {device} is {mtu}; {src} was notified but keeps sending this size"
        ),
        cause: Cause {
            place: place.clone(),
            did: format!("the MTU of {device} in netns {netns} is {mtu}, and the packet must not be fragmented"),
            ..Cause::default()
        },
        place: Some(place),
        evidence: vec![format!(
            "{}: {len} bytes; the stack reports to {src} that the MTU is {mtu}",
            facts.cite(reported)
        )],
        advice: format!(
            "Let ICMP \u{201c}fragmentation needed\u{201d} and ICMPv6 \u{201c}packet too big\u{201d} through to {src}, so that it can learn the MTU.\n\
             Or set the same MTU on {device} and on the devices before it; for TCP, clamp the MSS."
        ),
        ..Explained::default()
    };
    if let Some(again) = again {
        let cited = facts.cite(again);
        explained.evidence.push(format!("{cited}: another packet exceeds the MTU; the sender has not learned it"));
    } else {
        explained.id = "path-mtu-learned";
        explained.severity = Severity::Info;
        explained.why = format!(
            "it has {len} bytes, but the MTU of {device} is {mtu}; {src} was notified and sends smaller packets now"
        );
        explained.confidence = Confidence::Likely;
        explained.advice =
            "Nothing is lost if the sender sends the data again in smaller packets, as TCP does.".to_owned();
    }
    Some(explained)
}

fn too_big_for<'a>(dropped: &Dropped<'a>) -> Option<(&'a Step, u32)> {
    let (reported, icmp) = icmp_error(dropped)?;
    icmp.mtu.filter(|mtu| reported.len > *mtu).map(|mtu| (reported, mtu))
}

/// Returns the ICMP error that the stack sent about the packet before it dropped it in forwarding.
fn icmp_error<'a>(dropped: &Dropped<'a>) -> Option<(&'a Step, IcmpError)> {
    let here = dropped.step.netns;
    let reported = dropped.before().filter(|step| step.netns == here).find_map(|step| Some((step, step.icmp?)));
    reported.filter(|_| dropped.within(FORWARD))
}
