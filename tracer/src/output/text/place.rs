//! Names places in words.

use std::num::NonZeroU32;

use super::style::clean;
use crate::model::{Netfilter, NfFamily, Trace, Where};

/// Names a chain, rule or policy: `policy of chain inet talos ingress`, `ip raw PREROUTING→CILIUM_PRE_raw rule 7`.
/// Returns `None` if no chain is known.
pub(super) fn ruleset(netfilter: &Netfilter) -> Option<String> {
    let chain = clean(netfilter.chain.as_deref()?);
    let chain = match &netfilter.base_chain {
        Some(base) if base.as_str() != chain => format!("{}→{chain}", clean(base)),
        _ => chain.into_owned(),
    };
    let tool = match netfilter.family {
        Some(NfFamily::Ip) if netfilter.legacy => Some("iptables".to_owned()),
        Some(NfFamily::Ip6) if netfilter.legacy => Some("ip6tables".to_owned()),
        family => family.map(|family| family.to_string()),
    };
    Some(in_ruleset(tool, netfilter.table.as_deref(), &chain, netfilter.rule, netfilter.policy))
}

/// Names a place: `netns node-a, device cilium_host, netfilter input, policy of chain inet talos ingress`.
pub(super) fn words(place: &Where, trace: &Trace) -> String {
    let device = |name: &str| format!("device {}", clean(name));
    parts(place, trace, device)
}

/// Names a place like [`words`], with the device's kind and MTU: `device wg0 (WireGuard, MTU 1420)`.
pub(super) fn in_full(place: &Where, trace: &Trace) -> String {
    let known =
        |name: &str| trace.devices.values().find(|device| Some(device.netns) == place.netns && device.ifname == name);
    parts(place, trace, |name| match known(name) {
        Some(device) if !device.kind.is_empty() => {
            format!("device {} ({}, MTU {})", clean(name), kind(&device.kind), device.mtu)
        }
        _ => format!("device {}", clean(name)),
    })
}

fn parts(place: &Where, trace: &Trace, device: impl Fn(&str) -> String) -> String {
    let rule = place.chain.as_deref().map(|chain| {
        let family = place.family.map(|family| family.to_string());
        in_ruleset(family, place.table.as_deref(), &clean(chain), place.rule, place.policy)
    });
    let parts = [
        place.netns.map(|inum| netns(inum, trace)),
        place.ifname.as_deref().filter(|name| !name.is_empty()).map(device),
        place.hook.map(|hook| format!("netfilter {hook}")),
        rule,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Names a netns: `netns web`, or `netns 4026531840` if it has no name. The names of pods and containers already say
/// what they are.
pub(super) fn netns(inum: u32, trace: &Trace) -> String {
    match trace.netns_names.get(&inum) {
        Some(name) if name.starts_with("pod ") || name.starts_with("container ") => clean(name).into_owned(),
        Some(name) => format!("netns {}", clean(name)),
        None => format!("netns {inum}"),
    }
}

/// Names a device: `WireGuard device cilium_wg0`, `cilium_host`. Only tunnels are named with their kind, because it
/// shows what happens to the packet next.
pub(super) fn device(name: &str, netns: u32, ifindex: Option<NonZeroU32>, trace: &Trace) -> String {
    match trace.device(netns, ifindex).map(|device| device.kind.as_str()) {
        Some(tunnel @ ("wireguard" | "vxlan" | "geneve")) => format!("{} device {}", kind(tunnel), clean(name)),
        _ => clean(name).into_owned(),
    }
}

/// Spells the kind of a device as people write it.
pub(super) fn kind(kind: &str) -> String {
    match kind {
        "wireguard" => "WireGuard".to_owned(),
        "geneve" => "Geneve".to_owned(),
        "vxlan" | "ipip" | "sit" | "gre" | "gretap" => kind.to_uppercase(),
        _ => clean(kind).into_owned(),
    }
}

fn in_ruleset(family: Option<String>, table: Option<&str>, chain: &str, rule: Option<u64>, policy: bool) -> String {
    let table = table.map(|table| clean(table).into_owned());
    let path = [family, table, Some(chain.to_owned())].into_iter().flatten().collect::<Vec<_>>().join(" ");
    match rule {
        _ if policy => format!("policy of chain {path}"),
        Some(rule) => format!("{path} rule {rule}"),
        None => format!("chain {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{netns, ruleset};
    use crate::model::{Netfilter, NfFamily, Trace};

    #[test]
    fn rules_and_policies() {
        let mut netfilter = Netfilter {
            family: Some(NfFamily::Ip),
            table: Some("raw".into()),
            chain: Some("CILIUM_PRE_raw".into()),
            base_chain: Some("PREROUTING".into()),
            rule: Some(7),
            ..Netfilter::default()
        };
        assert_eq!(ruleset(&netfilter).as_deref(), Some("ip raw PREROUTING→CILIUM_PRE_raw rule 7"));
        netfilter.legacy = true;
        assert_eq!(ruleset(&netfilter).as_deref(), Some("iptables raw PREROUTING→CILIUM_PRE_raw rule 7"));
        netfilter = Netfilter { chain: Some("input".into()), policy: true, ..Netfilter::default() };
        assert_eq!(ruleset(&netfilter).as_deref(), Some("policy of chain input"));
        assert_eq!(ruleset(&Netfilter::default()), None);
    }

    #[test]
    fn namespaces_by_name_where_they_have_one() {
        let mut trace = Trace::default();
        assert_eq!(netns(7, &trace), "netns 7");
        trace.netns_names.insert(7, "web\x1b".into());
        assert_eq!(netns(7, &trace), r"netns web\u{1b}");
        trace.netns_names.insert(7, "pod web-7f9c (nginx[1234])\x1b".into());
        assert_eq!(netns(7, &trace), r"pod web-7f9c (nginx[1234])\u{1b}");
    }
}
