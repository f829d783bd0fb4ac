//! Reads rulesets: which rule would have accepted a packet. Names their parts.

use crate::model::{Chain, Netfilter, Proto, Rule, Step, Tuple, Verdict, Where};

/// Finds the rule that lets tracked replies through: it accepts `established`, and precedes the rule or policy that
/// dropped.
pub fn accept_rule<'a>(chains: &[&'a Chain], by: &Netfilter) -> Option<(&'a Chain, &'a Rule)> {
    chains.iter().find_map(|chain| {
        let deciding = Some(&chain.chain) == by.chain.as_ref() && !by.policy;
        let end = chain.rules.iter().position(|rule| deciding && Some(rule.rule) == by.rule);
        let accepts = |rule: &&Rule| {
            rule.verdict == Some(Verdict::Accept)
                && !rule.ct_state_negated
                && rule.ct_state.iter().any(|state| state == "established")
        };
        let before = &chain.rules[..end.unwrap_or(chain.rules.len())];
        before.iter().find(accepts).map(|rule| (*chain, rule))
    })
}

/// Whether a rule matches INVALID packets by their conntrack state.
pub fn matches_invalid(rule: &Rule) -> bool {
    let invalid = rule.ct_state.iter().any(|state| state == "invalid");
    !rule.ct_state.is_empty() && invalid != rule.ct_state_negated
}

/// The place of a netfilter step: device, chain and rule.
pub fn place(step: &Step, netfilter: &Netfilter) -> Where {
    Where {
        hook: netfilter.hook,
        family: netfilter.family,
        table: netfilter.table.clone(),
        chain: netfilter.chain.clone(),
        rule: netfilter.rule,
        policy: netfilter.policy,
        ..on_device(step)
    }
}

/// The place of a step: netns and device.
pub fn on_device(step: &Step) -> Where {
    let ifname = Some(step.ifname.clone()).filter(|name| !name.is_empty());
    Where { netns: Some(step.netns), ifname, ..Where::default() }
}

/// Names what decided: "the policy of chain ingress (table inet talos)", "rule 7 of chain …".
pub fn name(netfilter: &Netfilter) -> String {
    let table = match (netfilter.family, netfilter.table.as_deref()) {
        (Some(family), Some(table)) => format!("table {family} {table}"),
        (None, Some(table)) => format!("table {table}"),
        (..) => "an unknown table".to_owned(),
    };
    let chain = netfilter.chain.as_deref().map_or_else(|| table.clone(), |chain| format!("chain {chain} ({table})"));
    match (netfilter.policy, netfilter.rule, netfilter.text.as_deref()) {
        (true, ..) => format!("the policy of {chain}"),
        (false, Some(rule), Some(text)) => format!("rule {rule} of {chain}: `{text}`"),
        (false, Some(rule), None) => format!("rule {rule} of {chain}"),
        (false, None, _) => format!("an unidentified rule of {chain}"),
    }
}

/// States what the rule or policy did: "rule 7 of chain input (table inet fw) dropped the packet: `tcp dport 80 drop`".
pub fn act(netfilter: &Netfilter, what: &str) -> String {
    let subject = name(&Netfilter { text: None, ..netfilter.clone() });
    match netfilter.text.as_deref().filter(|_| !netfilter.policy && netfilter.rule.is_some()) {
        Some(text) => format!("{subject} {what}: `{text}`"),
        None => format!("{subject} {what}"),
    }
}

/// Names a packet: "SYN-ACK", "UDP packet".
pub fn packet_name(step: &Step) -> String {
    match tcp_flags(step) {
        Some(names) => names,
        None => format!("{} packet", protocol(step.tuple.proto)),
    }
}

/// Names a packet with its tuple: "TCP SYN-ACK 10.0.0.5:443 → 10.0.0.1:4000", "UDP packet …".
pub fn packet_with_tuple(step: &Step) -> String {
    let kind = tcp_flags(step).unwrap_or_else(|| "packet".to_owned());
    format!("{} {kind} {}", protocol(step.tuple.proto), step.tuple)
}

/// Names a flow by its original direction: "TCP connection 10.0.0.1:4000 → 10.0.0.5:443", "UDP flow …".
pub fn flow_name(proto: Proto, orig: Tuple) -> String {
    let kind = if proto == Proto::TCP { "connection" } else { "flow" };
    format!("{} {kind} {orig}", protocol(proto))
}

/// States that the packet was dropped, with the kernel's reason if there is one.
pub fn dropped(step: &Step) -> String {
    match step.drop.as_ref().map_or("", |drop| drop.reason.as_str()) {
        "" => "dropped".to_owned(),
        reason => format!("dropped, reason {reason}"),
    }
}

fn tcp_flags(step: &Step) -> Option<String> {
    step.tcp_flags.map(|flags| flags.names()).filter(|names| !names.is_empty())
}

fn protocol(proto: Proto) -> String {
    let name = proto.to_string();
    match proto {
        Proto(41) => "IPv6-in-IP".to_owned(),
        Proto(58) => "ICMPv6".to_owned(),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("protocol {name}"),
        _ => name.to_uppercase(),
    }
}
