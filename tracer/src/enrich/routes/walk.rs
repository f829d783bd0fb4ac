//! Follows the rules as the kernel does (`fib_rules_lookup`, net/core/fib_rules.c).

use netlink_packet_route::rule::{RuleAction, RulePortRange};

use super::{Asked, rule::Rule};

/// The packet, with the names of its devices, because rules refer to devices by name.
pub(super) struct RuleInput<'a> {
    pub(super) asked: &'a Asked,
    /// `lo` for a packet that this host sends.
    pub(super) iif: Option<&'a str>,
    pub(super) oif: Option<&'a str>,
}

/// Returns the rule that leads to a route of this prefix length in `table`; `None` if that is not certain.
pub(super) fn leads_to<'a>(
    rules: &'a [Rule],
    place: &RuleInput<'_>,
    table: u32,
    prefix_len: Option<u8>,
) -> Option<&'a Rule> {
    let mut at = 0;
    while let Some(rule) = rules.get(at) {
        at += 1;
        // A rule that might have matched might have led elsewhere, so nothing after it is certain.
        let Some(matches) = matches(rule, place) else {
            tracing::debug!("whether `ip rule` {rule} matches {:?} is not known", place.asked);
            return None;
        };
        if !matches {
            continue;
        }
        match rule.action {
            RuleAction::ToTable if rule.table == table && counts(rule, prefix_len)? => return Some(rule),
            // Look only forward, because the kernel refuses a goto to an earlier rule (fib_nl_newrule).
            RuleAction::Goto => {
                let target = rules[at..].iter().position(|later| Some(later.priority) == rule.goto);
                at += target.unwrap_or(0);
            }
            _ => {}
        }
    }
    None
}

/// Returns the rule with this action that decides for a packet for which no table had a route; `None` if that is not
/// certain.
pub(super) fn refused_by<'a>(rules: &'a [Rule], place: &RuleInput<'_>, action: RuleAction) -> Option<&'a Rule> {
    let mut at = 0;
    while let Some(rule) = rules.get(at) {
        at += 1;
        if !matches(rule, place)? {
            continue;
        }
        match rule.action {
            RuleAction::Blackhole | RuleAction::Unreachable | RuleAction::Prohibit => {
                return (rule.action == action).then_some(rule);
            }
            RuleAction::Goto => {
                let target = rules[at..].iter().position(|later| Some(later.priority) == rule.goto);
                at += target.unwrap_or(0);
            }
            _ => {}
        }
    }
    None
}

/// Returns whether a route with this prefix length counts for the rule; `None` if that is not known.
fn counts(rule: &Rule, prefix_len: Option<u8>) -> Option<bool> {
    if rule.suppress_ifgroup.is_some() {
        return None;
    }
    match rule.suppress_prefix_len {
        Some(suppressed) => prefix_len.map(|len| u32::from(len) > suppressed),
        None => Some(true),
    }
}

/// Returns whether the rule's selectors match (`fib_rule_match`, `fib4_rule_match`, `fib6_rule_match`); `None` if that
/// depends on something not known about the packet.
fn matches(rule: &Rule, place: &RuleInput<'_>) -> Option<bool> {
    let Asked { dst, src, mark, proto, sport, dport, .. } = *place.asked;
    // A port without a value counts as 0, which no range contains.
    let within = |range: RulePortRange, port: Option<u16>| {
        Some(port.is_some_and(|port| (range.start..=range.end).contains(&port)))
    };
    let verdicts = [
        rule.to.map(|net| Some(net.contains(&dst))),
        rule.from.map(|net| src.map(|src| net.contains(&src))),
        rule.fwmark.map(|(value, mask)| Some((value ^ mark) & mask == 0)),
        rule.iif.as_deref().map(|name| Some(place.iif == Some(name))),
        rule.oif.as_deref().map(|name| Some(place.oif == Some(name))),
        // Without a protocol in the question, IPv4 assumes UDP, and IPv6 none.
        rule.proto.map(|wanted| proto.map(|proto| proto == wanted)),
        rule.sports.map(|range| within(range, sport)),
        rule.dports.map(|range| within(range, dport)),
    ];
    let unknown = rule.tos != 0
        || rule.l3mdev
        || rule.uids.is_some_and(|uids| (uids.start, uids.end) != (0, u32::MAX))
        || rule.tun_id.is_some_and(|id| id != 0)
        || !rule.unknown.is_empty();
    let verdicts: Vec<_> = verdicts.into_iter().flatten().chain(unknown.then_some(None)).collect();
    // One selector that does not match is enough, whatever the others are.
    let all = match verdicts.contains(&Some(false)) {
        true => Some(false),
        false => (!verdicts.contains(&None)).then_some(true),
    };
    all.map(|matches| matches != rule.not)
}
