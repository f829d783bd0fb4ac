//! Words for the kernel's hooks.

use super::style::clean;

/// Returns the words for a hook. An unknown hook is shown by its name.
pub(super) fn usual(hook: &str) -> String {
    let words = WORDS.iter().find(|(name, _)| *name == hook);
    words.map_or_else(|| clean(hook).into_owned(), |(_, words)| (*words).to_owned())
}

/// Words for each hook if nothing special happens to the packet. The table also has the hooks that only captures of
/// older versions contain.
const WORDS: &[(&str, &str)] = &[
    ("netif_receive_skb", "received"),
    ("ip_protocol_deliver_rcu", "delivered locally"),
    ("ip6_protocol_deliver_rcu", "delivered locally"),
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
    ("vxlan_xmit", "enters the VXLAN tunnel"),
    ("geneve_xmit", "enters the Geneve tunnel"),
    ("vxlan_rcv", "enters VXLAN to be unwrapped"),
    ("geneve_udp_encap_recv", "enters Geneve to be unwrapped"),
    ("xfrm_output", "enters IPsec"),
    ("xfrm_input", "enters IPsec to be decrypted"),
    ("nf_nat_manip_pkt", "passes NAT"),
    ("ip_route_me_harder", "routed again"),
    ("ip6_route_me_harder", "routed again"),
    ("wg_allowedips_lookup_src", "decrypted by WireGuard, its source is checked"),
    ("wg_packet_consume_data_done", "decrypted by WireGuard"),
    ("tcp_v4_rcv", "reaches TCP"),
    ("tcp_v6_rcv", "reaches TCP"),
    ("udp_rcv", "reaches UDP"),
    ("udpv6_rcv", "reaches UDP"),
    ("tcp_v4_conn_request", "asks a listener for a connection"),
    ("tcp_v6_conn_request", "asks a listener for a connection"),
    ("tcp_v4_send_reset", "answered with a TCP reset"),
    ("tcp_v6_send_reset", "answered with a TCP reset"),
    ("consume_skb", "freed"),
    ("skb_release_head_state", "freed"),
    ("kfree_skb", "freed"),
    ("kfree_skb_reason", "freed"),
    ("sk_skb_reason_drop", "freed"),
    ("napi_skb_free_stolen_head", "freed"),
    ("__consume_stateless_skb", "freed"),
    ("__copy_skb_header", "copied"),
    ("ip_copy_metadata", "fragmented"),
    ("ip6_copy_metadata", "fragmented"),
    ("__icmp_send", "an ICMP error about it is sent"),
    ("icmp6_send", "an ICMP error about it is sent"),
    ("bpf_program", "passes a BPF program"),
    ("nft_immediate_eval", "gets a verdict of nftables"),
    ("nft_lookup_eval", "looked up in a set of nftables"),
    ("nft_target_eval_xt", "meets an xt target"),
    ("nft_reject_ipv4_eval", "rejected by nftables"),
    ("nft_reject_ipv6_eval", "rejected by nftables"),
    ("nft_reject_inet_eval", "rejected by nftables"),
    ("nft_reject_bridge_eval", "rejected by nftables"),
    ("nft_reject_netdev_eval", "rejected by nftables"),
    ("nft_queue_eval", "queued for a program"),
    ("nft_queue_sreg_eval", "queued for a program"),
];

/// Hooks that show where a packet is, regardless of what happens to it there.
pub(super) const STATIONS: &[&str] = &[
    "netif_receive_skb",
    "ip_protocol_deliver_rcu",
    "ip6_protocol_deliver_rcu",
    "ip_rcv",
    "ipv6_rcv",
    "ip_local_deliver",
    "ip6_input",
    "ip_forward",
    "ip6_forward",
    "__ip_local_out",
    "__ip6_local_out",
    "ip_output",
    "ip6_output",
    "net_dev_queue",
    "net_dev_start_xmit",
    "nf_hook_slow",
    "tcp_v4_rcv",
    "tcp_v6_rcv",
    "udp_rcv",
    "udpv6_rcv",
];

#[cfg(test)]
mod tests {
    use tracer_common::HOOKS;

    use super::{WORDS, usual};

    #[test]
    fn every_hook_has_words() {
        let without = HOOKS.iter().map(|hook| hook.name).filter(|name| !WORDS.iter().any(|(known, _)| known == name));
        assert_eq!(without.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_hook_without_words_stands_for_itself() {
        assert_eq!(usual("ip_rcv"), "enters IPv4");
        assert_eq!(usual("tipc_rcv"), "tipc_rcv");
    }
}
