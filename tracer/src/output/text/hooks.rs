//! Words for the kernel's hooks.

use tracer_common::{
    HookId, hook,
    way::{DELIVERED, RECEIVED, SENT},
};

use super::style::clean;
use crate::model::Step;

/// Returns the words for a hook. An unknown hook is shown by its name.
pub(super) fn usual(hook: &str) -> String {
    let words = WORDS.iter().map(|(id, words)| (id.name(), *words)).chain(OLDER.iter().copied());
    let known = words.into_iter().find(|(name, _)| *name == hook);
    known.map_or_else(|| clean(hook).into_owned(), |(_, words)| words.to_owned())
}

/// Whether the step's hook shows where the packet is, regardless of what happens to it there.
pub(super) fn shows_position(step: &Step) -> bool {
    [RECEIVED, DELIVERED, SENT, POSITIONS].iter().any(|hooks| step.is_at(hooks))
        || OLDER_POSITIONS.contains(&step.hook.as_str())
}

/// Words for each hook if nothing special happens to the packet.
const WORDS: &[(HookId, &str)] = &[
    (hook::NETIF_RECEIVE_SKB, "received"),
    (hook::IP_RCV_CORE, "enters IPv4"),
    (hook::IP6_RCV_CORE, "enters IPv6"),
    (hook::IP_RCV, "enters IPv4"),
    (hook::IPV6_RCV, "enters IPv6"),
    (hook::IP_PROTOCOL_DELIVER_RCU, "delivered locally"),
    (hook::IP6_PROTOCOL_DELIVER_RCU, "delivered locally"),
    (hook::IP_FORWARD, "forwarded"),
    (hook::IP6_FORWARD, "forwarded"),
    (hook::IP_LOCAL_OUT, "sent by this host"),
    (hook::IP6_LOCAL_OUT, "sent by this host"),
    (hook::IP6_OUTPUT, "leaves IPv6"),
    (hook::NET_DEV_QUEUE, "queued"),
    (hook::NET_DEV_START_XMIT, "transmitted"),
    (hook::NF_HOOK_SLOW, "netfilter"),
    (hook::NFT_DO_CHAIN, "nftables"),
    (hook::IPT_DO_TABLE, "iptables"),
    (hook::IP6T_DO_TABLE, "ip6tables"),
    (hook::NF_CONNTRACK_IN, "seen by conntrack"),
    (hook::NFT_NOTRACK_EVAL, "notrack"),
    (hook::XT_CT_TARGET_V0, "notrack"),
    (hook::XT_CT_TARGET_V1, "notrack"),
    (hook::NOTRACK_TG, "notrack"),
    (hook::SKB_DO_REDIRECT, "redirected by BPF"),
    (hook::BPF_REDIRECT, "redirected by BPF"),
    (hook::WG_XMIT, "enters the WireGuard tunnel"),
    (hook::WG_SOCKET_SEND_SKB_TO_PEER, "encrypted, sent to the WireGuard peer"),
    (hook::WG_RECEIVE, "enters WireGuard to be decrypted"),
    (hook::VXLAN_XMIT, "enters the VXLAN tunnel"),
    (hook::GENEVE_XMIT, "enters the Geneve tunnel"),
    (hook::VXLAN_RCV, "enters VXLAN to be decapsulated"),
    (hook::GENEVE_UDP_ENCAP_RECV, "enters Geneve to be decapsulated"),
    (hook::XFRM_OUTPUT, "enters IPsec"),
    (hook::XFRM_INPUT, "enters IPsec to be decrypted"),
    (hook::NF_NAT_MANIP_PKT, "passes NAT"),
    (hook::IP_ROUTE_ME_HARDER, "routed again"),
    (hook::IP6_ROUTE_ME_HARDER, "routed again"),
    (hook::WG_ALLOWEDIPS_LOOKUP_SRC, "decrypted by WireGuard, source address checked"),
    (hook::TCP_V4_CONN_REQUEST, "connection request to a listener"),
    (hook::TCP_V6_CONN_REQUEST, "connection request to a listener"),
    (hook::TCP_V4_SEND_RESET, "answered with a TCP reset"),
    (hook::TCP_V6_SEND_RESET, "answered with a TCP reset"),
    (hook::CONSUME_SKB, "freed"),
    (hook::SKB_RELEASE_HEAD_STATE, "freed"),
    (hook::KFREE_SKB, "freed"),
    (hook::KFREE_SKB_REASON, "freed"),
    (hook::SK_SKB_REASON_DROP, "freed"),
    (hook::NAPI_SKB_FREE_STOLEN_HEAD, "freed"),
    (hook::CONSUME_STATELESS_SKB, "freed"),
    (hook::COPY_SKB_HEADER, "copied"),
    (hook::IP_COPY_METADATA, "fragmented"),
    (hook::IP6_COPY_METADATA, "fragmented"),
    (hook::ICMP_SEND, "an ICMP error about it is sent"),
    (hook::ICMP6_SEND, "an ICMP error about it is sent"),
    (hook::BPF_PROGRAM, "passes a BPF program"),
    (hook::NFT_IMMEDIATE_EVAL, "gets a verdict from nftables"),
    (hook::NFT_LOOKUP_EVAL, "looked up in an nftables set"),
    (hook::NFT_TARGET_EVAL_XT, "passes an xt target"),
    (hook::NFT_REJECT_IPV4_EVAL, "rejected by nftables"),
    (hook::NFT_REJECT_IPV6_EVAL, "rejected by nftables"),
    (hook::NFT_REJECT_INET_EVAL, "rejected by nftables"),
    (hook::NFT_REJECT_BRIDGE_EVAL, "rejected by nftables"),
    (hook::NFT_REJECT_NETDEV_EVAL, "rejected by nftables"),
    (hook::NFT_QUEUE_EVAL, "queued to user space"),
    (hook::NFT_QUEUE_SREG_EVAL, "queued to user space"),
];

/// Words for hooks that only captures of older versions contain.
const OLDER: &[(&str, &str)] = &[
    ("ip_local_deliver", "delivered locally"),
    ("ip6_input", "delivered locally"),
    ("ip_output", "leaves IPv4"),
    ("wg_packet_consume_data_done", "decrypted by WireGuard"),
    ("tcp_v4_rcv", "reaches TCP"),
    ("tcp_v6_rcv", "reaches TCP"),
    ("udp_rcv", "reaches UDP"),
    ("udpv6_rcv", "reaches UDP"),
];

/// Hooks that show where a packet is, regardless of what happens to it there, besides those of its way in and out.
const POSITIONS: &[HookId] = &[hook::IP6_OUTPUT, hook::NET_DEV_QUEUE, hook::NET_DEV_START_XMIT, hook::NF_HOOK_SLOW];

/// Positions that only captures of older versions contain.
const OLDER_POSITIONS: &[&str] =
    &["ip_local_deliver", "ip6_input", "ip_output", "tcp_v4_rcv", "tcp_v6_rcv", "udp_rcv", "udpv6_rcv"];

#[cfg(test)]
mod tests {
    use tracer_common::HOOKS;

    use super::{WORDS, usual};

    #[test]
    fn every_hook_has_words() {
        let without =
            HOOKS.iter().map(|hook| hook.name).filter(|name| !WORDS.iter().any(|(known, _)| known.name() == *name));
        assert_eq!(without.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_hook_without_words_stands_for_itself() {
        assert_eq!(usual("ip_rcv"), "enters IPv4");
        assert_eq!(usual("tipc_rcv"), "tipc_rcv");
    }
}
