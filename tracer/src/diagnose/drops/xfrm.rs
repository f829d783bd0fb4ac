//! `xfrm-policy-refused` and `xfrm-no-state`: an IPsec policy refuses the packet, or requires encryption and there
//! is no state to encrypt with.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact};

/// Explains drops by IPsec.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let said = dropped.because(&["XFRM_POLICY"]);
    if !said && !dropped.unspecified_within(CHECKED) {
        return None;
    }
    let forwarded = dropped.within(FORWARDING);
    let discarded = dropped.within(DISCARDING);
    let cases = || CASES.iter().filter(|case| if case.out { forwarded || discarded } else { !discarded });
    let policy = |case: &Case| {
        let direction = match (case.out, forwarded) {
            (true, _) => "out",
            (false, true) => "fwd",
            (false, false) => "in",
        };
        let mut policies = dropped.node().iter().filter_map(Policy::of).filter(|policy| policy.direction == direction);
        policies.find(|policy| case.action == Some(policy.action) && (policy.action == "block" || policy.template))
    };
    // A packet that comes out of IPsec may be refused because there is no policy at all.
    let by_policy = |case: &&Case| case.action.is_none() || policy(case).is_some();
    let counted = cases().filter(by_policy).find(|case| dropped.counted(&[case.counter]).is_some());
    // If no known counter rose, the reason and the policy that selects the packet must suffice.
    let selected = || cases().filter(|_| said).find(|case| policy(case).is_some());
    let case = counted.or_else(selected)?;
    let policy = policy(case);
    let named = policy.map_or_else(|| "no policy".to_owned(), |policy| policy.name());
    Some(Explained {
        id: case.id,
        why: case.why.to_owned(),
        cause: Cause { place: on_device(dropped.step), did: format!("{named}: {}", case.why), ..Cause::default() },
        evidence: [policy.map(|policy| policy.name()), dropped.counted(&[case.counter])]
            .into_iter()
            .flatten()
            .collect(),
        confidence: if counted.is_some() { Confidence::Certain } else { Confidence::Likely },
        advice: case.advice.to_owned(),
        ..Explained::default()
    })
}

/// Functions that check policies: the callers of `xfrm4_policy_check` and `xfrm4_route_forward`, 5.10 to 7.3.
const CHECKED: &[&str] = &[
    "ip_forward",
    "ip6_forward",
    "ip_local_deliver_finish",
    "ip_protocol_deliver_rcu",
    "ip6_protocol_deliver_rcu",
    "ip6_input_finish",
    "tcp_v4_rcv",
    "tcp_v6_rcv",
    "udp_queue_rcv_one_skb",
    "udpv6_queue_rcv_one_skb",
    "__udp4_lib_rcv",
    "__udp6_lib_rcv",
    "udp_unicast_rcv_skb",
    "udp6_unicast_rcv_skb",
    "udpv6_rcv",
    "icmp_rcv",
    "icmpv6_rcv",
    "raw_rcv",
    "rawv6_rcv",
    "dst_discard_out",
    "dst_discard",
];
/// Functions of the discarding destination that replaces one that cannot encrypt yet (`make_blackhole`,
/// net/xfrm/xfrm_policy.c).
const DISCARDING: &[&str] = &["dst_discard_out", "dst_discard"];
const FORWARDING: &[&str] = &["ip_forward", "ip6_forward"];

/// The meaning of a counter of `/proc/net/xfrm_stat` (Documentation/networking/xfrm_proc.rst).
struct Case {
    counter: &'static str,
    out: bool,
    /// Action of the policy that refuses; `None` if there is no policy.
    action: Option<&'static str>,
    id: &'static str,
    why: &'static str,
    advice: &'static str,
}

const CASES: &[Case] = &[
    Case {
        counter: "XfrmInTmplMismatch",
        out: false,
        action: Some("allow"),
        id: "xfrm-policy-refused",
        why: "an IPsec policy requires it to arrive encrypted, but it does not match the policy's template",
        advice: "Make the sender encrypt it, or narrow the policy.\nBoth ends must agree on what is encrypted: \
                 `ip xfrm policy`.",
    },
    Case {
        counter: "XfrmInPolBlock",
        out: false,
        action: Some("block"),
        id: "xfrm-policy-refused",
        why: "an IPsec policy blocks it",
        advice: "Remove or narrow the policy: `ip xfrm policy`.",
    },
    Case {
        counter: "XfrmInNoPols",
        out: false,
        action: None,
        id: "xfrm-policy-refused",
        why: "it was decrypted by IPsec, but no policy allows it",
        advice: "Add the policy that belongs to the state: `ip xfrm policy`, `ip xfrm state`.",
    },
    Case {
        counter: "XfrmOutPolBlock",
        out: true,
        action: Some("block"),
        id: "xfrm-policy-refused",
        why: "an outbound IPsec policy blocks it",
        advice: "Remove or narrow the policy: `ip xfrm policy`.",
    },
    Case {
        counter: "XfrmOutNoStates",
        out: true,
        action: Some("allow"),
        id: "xfrm-no-state",
        why: "an IPsec policy requires encryption, but no state exists for it",
        advice: "Find out why the IKE daemon has not negotiated a state: is it running, and does the other end answer?\n\
                 `ip xfrm state` lists the existing states.",
    },
];

#[derive(Clone, Copy)]
struct Policy<'a> {
    direction: &'a str,
    action: &'a str,
    selector: &'a str,
    template: bool,
}

impl<'a> Policy<'a> {
    fn of(fact: &'a NodeFact) -> Option<Self> {
        match fact {
            NodeFact::XfrmPolicy { direction, action, selector, template } => {
                Some(Self { direction, action, selector, template: *template })
            }
            _ => None,
        }
    }

    /// Names the policy: "policy `src 10.0.0.1/32 dst 10.0.0.2/32 dir in`, action block".
    fn name(self) -> String {
        let template = if self.template { ", with a template" } else { "" };
        format!("policy `{} dir {}`, action {}{template}", self.selector, self.direction, self.action)
    }
}
