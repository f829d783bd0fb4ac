//! What happened at a step, in plain words.

use super::{place, style::clean};
use crate::model::{CtState, Netfilter, Step, Verdict};

/// How much a step matters to somebody who looks for a lost packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    /// The usual course of things; rows of it may be merged.
    Quiet,
    /// Changed the packet's course or somebody's belief about it.
    Notable,
    /// The packet's end, or the decision to end it.
    Bad,
}

/// Words for each hook of the kernel, for a packet that nothing special happens to.
const WORDS: &[(&str, &str)] = &[
    ("netif_receive_skb", "received"),
    ("ip_rcv", "enters IPv4"),
    ("ipv6_rcv", "enters IPv6"),
    ("ip_local_deliver", "delivered locally"),
    ("ip6_input", "delivered locally"),
    ("ip_forward", "forwarded"),
    ("ip6_forward", "forwarded"),
    ("__ip_local_out", "sent by this host"),
    ("__ip6_local_out", "sent by this host"),
    ("ip_output", "leaves IPv4"),
    ("ip6_output", "leaves IPv6"),
    ("net_dev_queue", "queued"),
    ("net_dev_start_xmit", "transmitted"),
    ("nf_hook_slow", "netfilter"),
    ("nft_do_chain", "nftables"),
    ("ipt_do_table", "iptables"),
    ("ip6t_do_table", "ip6tables"),
    ("nf_conntrack_in", "seen by conntrack"),
    ("nft_notrack_eval", "notrack"),
    ("xt_ct_target_v0", "notrack"),
    ("xt_ct_target_v1", "notrack"),
    ("notrack_tg", "notrack"),
    ("skb_do_redirect", "moved by BPF"),
    ("__bpf_redirect", "moved by BPF"),
    ("wg_xmit", "enters the WireGuard tunnel"),
    ("wg_socket_send_skb_to_peer", "encrypted, sent to the WireGuard peer"),
    ("wg_receive", "enters WireGuard to be decrypted"),
    ("wg_packet_consume_data_done", "decrypted by WireGuard"),
    ("tcp_v4_rcv", "reaches TCP"),
    ("tcp_v6_rcv", "reaches TCP"),
    ("udp_rcv", "reaches UDP"),
    ("udpv6_rcv", "reaches UDP"),
    ("tcp_v4_send_reset", "answered with a TCP reset"),
    ("tcp_v6_send_reset", "answered with a TCP reset"),
    ("consume_skb", "freed"),
    ("skb_release_head_state", "freed"),
    ("kfree_skb", "freed"),
    ("kfree_skb_reason", "freed"),
    ("sk_skb_reason_drop", "freed"),
];

/// What happened at a step.
pub(super) struct Happening {
    /// In words.
    pub(super) words: String,
    /// The text of the rule behind it.
    pub(super) rule: Option<String>,
    /// How much it matters.
    pub(super) tone: Tone,
}

/// What happened at `step`. `decided` is the step before it where that was a decision to drop: the
/// two are one event.
pub(super) fn happening(step: &Step, decided: Option<&Step>, verbose: bool) -> Happening {
    let usual = usual(&step.hook);
    let netfilter = step.netfilter.as_ref().or_else(|| decided.and_then(|step| step.netfilter.as_ref()));
    let rule = netfilter.and_then(|netfilter| netfilter.text.as_deref()).map(|text| clean(text).into_owned());
    let say = |words, tone| Happening { words, rule: None, tone };
    if let Some(drop) = &step.drop {
        let by = netfilter.and_then(place::ruleset).map(|place| format!(" by {place}")).unwrap_or_default();
        return Happening { words: format!("dropped{by}: {}", clean(&drop.reason)), rule, tone: Tone::Bad };
    }
    if let Some(redirect) = &step.redirect {
        let program = step.bpf.as_ref().map(|bpf| format!(" program {}", clean(&bpf.program))).unwrap_or_default();
        let side = if redirect.ingress { ", as if received there" } else { "" };
        return say(format!("moved by BPF{program} to {}{side}", clean(&redirect.ifname)), Tone::Notable);
    }
    if let Some(netfilter) = netfilter {
        let (words, tone) = decision(netfilter, &usual, verbose);
        return Happening { words, rule: rule.filter(|_| tone != Tone::Quiet), tone };
    }
    match (step.hook.as_str(), step.ct.as_ref().map(|ct| ct.state)) {
        ("nf_conntrack_in", Some(CtState::Invalid)) => {
            say("conntrack finds nothing it can use: INVALID".to_owned(), Tone::Notable)
        }
        ("tcp_v4_send_reset" | "tcp_v6_send_reset", _) => say(usual, Tone::Notable),
        _ => say(usual, Tone::Quiet),
    }
}

/// The hook's own words; an unknown hook stands for itself.
fn usual(hook: &str) -> String {
    let words = WORDS.iter().find(|(name, _)| *name == hook);
    words.map_or_else(|| clean(hook).into_owned(), |(_, words)| (*words).to_owned())
}

fn decision(netfilter: &Netfilter, usual: &str, verbose: bool) -> (String, Tone) {
    let place = place::ruleset(netfilter);
    let subject = place.as_deref().unwrap_or(usual);
    match netfilter.verdict {
        Some(Verdict::Notrack) => (format!("made UNTRACKED by {subject}"), Tone::Notable),
        Some(Verdict::Drop) => (format!("{subject} decides to drop it"), Tone::Bad),
        Some(Verdict::Accept) if place.is_some() && (verbose || netfilter.rule.is_some() && !netfilter.policy) => {
            (format!("accepted by {subject}"), Tone::Quiet)
        }
        None | Some(Verdict::Accept) => match netfilter.hook {
            // Hook and every chain that lets it pass read the same, so that they merge into one.
            Some(hook) => (format!("netfilter {hook}"), Tone::Quiet),
            None => (usual.to_owned(), Tone::Quiet),
        },
        Some(verdict) => (format!("{subject} decides: {verdict}"), Tone::Notable),
    }
}

#[cfg(test)]
mod tests {
    use super::usual;

    #[test]
    fn a_hook_without_words_stands_for_itself() {
        assert_eq!(usual("ip_rcv"), "enters IPv4");
        assert_eq!(usual("vxlan_rcv"), "vxlan_rcv");
    }
}
