//! The fixed hooks.

use super::{Best, Hook, HookId, Program, Site};

/// Defines each row and the constant that names its id. Fields that a row omits are those of [`FUNCTION`].
macro_rules! hooks {
    ($($id:ident = $number:literal { name: $name:literal $(, $field:ident: $value:expr)* $(,)? })+) => {
        /// Ids of the rows.
        pub mod hook {
            use super::HookId;

            $(#[doc = concat!("`", $name, "`")] pub const $id: HookId = HookId($number);)+
        }

        /// The rows, sorted by id.
        pub const HOOKS: &[Hook] = &[$(Hook { id: hook::$id, name: $name, $($field: $value,)* ..FUNCTION },)+];
    };
}

hooks! {
    NETIF_RECEIVE_SKB = 1 { name: "netif_receive_skb", arguments: &["sk_buff"], site: tracepoint("net") }
    IP_FORWARD = 2 { name: "ip_forward", arguments: &["sk_buff"], shared: Some("first_argument") }
    IP6_FORWARD = 3 { name: "ip6_forward", arguments: &["sk_buff"], shared: Some("first_argument") }
    IP_LOCAL_OUT = 4 { name: "__ip_local_out", arguments: &["net", "sock", "sk_buff"], best: Best::Kprobe }
    IP6_LOCAL_OUT = 5 { name: "__ip6_local_out", arguments: &["net", "sock", "sk_buff"] }
    IP6_OUTPUT = 6 { name: "ip6_output", arguments: &["net", "sock", "sk_buff"], best: Best::Kprobe }
    NET_DEV_QUEUE = 7 { name: "net_dev_queue", arguments: &["sk_buff"], site: tracepoint("net") }
    NET_DEV_START_XMIT = 8 { name: "net_dev_start_xmit", arguments: &["sk_buff"], site: tracepoint("net") }
    NF_HOOK_SLOW = 9 { name: "nf_hook_slow", arguments: &["sk_buff", "nf_hook_state"], best: Best::Fentry }
    NFT_DO_CHAIN = 10 {
        name: "nft_do_chain", arguments: &["nft_pktinfo", ""], site: module("nf_tables"),
        programs: ENTRY_AND_RETURN, best: Best::Fentry,
    }
    NFT_IMMEDIATE_EVAL = 11 {
        name: "nft_immediate_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"], site: module("nf_tables"),
        best: Best::Fentry,
    }
    NFT_LOOKUP_EVAL = 12 {
        name: "nft_lookup_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"], site: module("nf_tables"),
        shared: Some("verdict"),
    }
    NFT_REJECT_IPV4_EVAL = 13 {
        name: "nft_reject_ipv4_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_reject_ipv4"), shared: Some("rejected"),
    }
    NFT_REJECT_IPV6_EVAL = 14 {
        name: "nft_reject_ipv6_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_reject_ipv6"), shared: Some("rejected"),
    }
    NFT_REJECT_INET_EVAL = 15 {
        name: "nft_reject_inet_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_reject_inet"), shared: Some("rejected"),
    }
    NFT_TARGET_EVAL_XT = 16 {
        name: "nft_target_eval_xt", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_compat"), shared: Some("verdict"),
    }
    NFT_NOTRACK_EVAL = 17 {
        name: "nft_notrack_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"], site: module("nft_ct"),
    }
    XT_CT_TARGET_V0 = 18 {
        name: "xt_ct_target_v0", arguments: &["sk_buff", "xt_action_param"], site: module("xt_CT"),
        shared: Some("untracked"),
    }
    XT_CT_TARGET_V1 = 19 {
        name: "xt_ct_target_v1", arguments: &["sk_buff", "xt_action_param"], site: module("xt_CT"),
        shared: Some("untracked"),
    }
    NOTRACK_TG = 20 { name: "notrack_tg", arguments: &["sk_buff", "xt_action_param"], site: module("xt_CT") }
    IPT_DO_TABLE = 21 {
        name: "ipt_do_table", arguments: &["", "sk_buff", "nf_hook_state"], site: module("ip_tables"),
        programs: ENTRY_AND_RETURN, best: Best::Fentry,
    }
    IP6T_DO_TABLE = 22 {
        name: "ip6t_do_table", arguments: &["", "sk_buff", "nf_hook_state"], site: module("ip6_tables"),
        programs: ENTRY_AND_RETURN, best: Best::Fentry,
    }
    NF_CONNTRACK_IN = 23 {
        name: "nf_conntrack_in", arguments: &["sk_buff", "nf_hook_state"], site: module("nf_conntrack"),
        programs: ENTRY_AND_RETURN, best: Best::Fentry,
    }
    BPF_REDIRECT = 24 { name: "__bpf_redirect", arguments: &["sk_buff", "net_device", ""] }
    SKB_DO_REDIRECT = 25 { name: "skb_do_redirect", arguments: &["sk_buff"], shared: Some("first_argument") }
    WG_XMIT = 26 { name: "wg_xmit", arguments: &["sk_buff"], site: module("wireguard"), shared: Some("first_argument") }
    WG_SOCKET_SEND_SKB_TO_PEER = 27 {
        name: "wg_socket_send_skb_to_peer", arguments: &["", "sk_buff"], site: module("wireguard"),
    }
    WG_RECEIVE = 28 {
        name: "wg_receive", arguments: &["sock", "sk_buff"], site: module("wireguard"), shared: Some("second_argument"),
    }
    IP_PROTOCOL_DELIVER_RCU = 29 {
        name: "ip_protocol_deliver_rcu", arguments: &["net", "sk_buff", ""], best: Best::Kprobe,
    }
    IP6_PROTOCOL_DELIVER_RCU = 30 {
        name: "ip6_protocol_deliver_rcu", arguments: &["net", "sk_buff", ""], best: Best::Kprobe,
    }
    TCP_V4_SEND_RESET = 31 {
        name: "tcp_v4_send_reset", arguments: &["sock", "sk_buff"], shared: Some("second_argument"),
    }
    TCP_V6_SEND_RESET = 32 {
        name: "tcp_v6_send_reset", arguments: &["sock", "sk_buff"], shared: Some("second_argument"),
    }
    KFREE_SKB = 33 { name: "kfree_skb", arguments: &["sk_buff"], site: tracepoint("skb"), ends_packets: true }
    SK_SKB_REASON_DROP = 34 {
        name: "sk_skb_reason_drop", arguments: &["sock", "sk_buff"], instead_of: Some("kfree_skb"), ends_packets: true,
    }
    KFREE_SKB_REASON = 35 {
        name: "kfree_skb_reason", arguments: &["sk_buff"], instead_of: Some("kfree_skb"), ends_packets: true,
    }
    SKB_RELEASE_HEAD_STATE = 36 {
        name: "skb_release_head_state", arguments: &["sk_buff"], best: Best::Kprobe, ends_packets: true,
    }
    CONSUME_SKB = 37 { name: "consume_skb", arguments: &["sk_buff"], site: tracepoint("skb"), ends_packets: true }
    KFREE_SKB_FUNCTION = 38 {
        name: "kfree_skb", arguments: &["sk_buff"], instead_of: Some("kfree_skb"), ends_packets: true,
    }
    BPF_PROGRAM = 39 { name: "bpf_program", site: Site::Program, programs: ENTRY_AND_RETURN }
    NF_NAT_MANIP_PKT = 40 { name: "nf_nat_manip_pkt", arguments: &["sk_buff", "nf_conn"], site: module("nf_nat") }
    COPY_SKB_HEADER = 41 { name: "__copy_skb_header", arguments: &["sk_buff", "sk_buff"], best: Best::Kprobe }
    IP_COPY_METADATA = 42 { name: "ip_copy_metadata", arguments: &["sk_buff", "sk_buff"], shared: Some("copied") }
    IP6_COPY_METADATA = 43 { name: "ip6_copy_metadata", arguments: &["sk_buff", "sk_buff"], shared: Some("copied") }
    NAPI_SKB_FREE_STOLEN_HEAD = 44 { name: "napi_skb_free_stolen_head", arguments: &["sk_buff"], ends_packets: true }
    CONSUME_STATELESS_SKB = 45 { name: "__consume_stateless_skb", arguments: &["sk_buff"], ends_packets: true }
    IP_ROUTE_ME_HARDER = 46 {
        name: "ip_route_me_harder", arguments: &["net", "sock", "sk_buff"], shared: Some("routed_again"),
    }
    IP6_ROUTE_ME_HARDER = 47 {
        name: "ip6_route_me_harder", arguments: &["net", "sock", "sk_buff"], shared: Some("routed_again"),
    }
    ICMP_SEND = 48 { name: "__icmp_send", arguments: &["sk_buff"], shared: Some("icmp_error") }
    ICMP6_SEND = 49 { name: "icmp6_send", arguments: &["sk_buff"], shared: Some("icmp_error") }
    WG_ALLOWEDIPS_LOOKUP_SRC = 50 {
        name: "wg_allowedips_lookup_src", arguments: &["allowedips", "sk_buff"], site: module("wireguard"),
    }
    VXLAN_XMIT = 51 {
        name: "vxlan_xmit", arguments: &["sk_buff", "net_device"], site: module("vxlan"),
        shared: Some("first_argument"),
    }
    VXLAN_RCV = 52 {
        name: "vxlan_rcv", arguments: &["sock", "sk_buff"], site: module("vxlan"), shared: Some("second_argument"),
    }
    GENEVE_XMIT = 53 {
        name: "geneve_xmit", arguments: &["sk_buff", "net_device"], site: module("geneve"),
        shared: Some("first_argument"),
    }
    GENEVE_UDP_ENCAP_RECV = 54 {
        name: "geneve_udp_encap_recv", arguments: &["sock", "sk_buff"], site: module("geneve"),
        shared: Some("second_argument"),
    }
    XFRM_OUTPUT = 55 { name: "xfrm_output", arguments: &["sock", "sk_buff"] }
    XFRM_INPUT = 56 { name: "xfrm_input", arguments: &["sk_buff"], shared: Some("first_argument") }
    TCP_V4_CONN_REQUEST = 57 { name: "tcp_v4_conn_request", arguments: &["sock", "sk_buff"], shared: Some("requested") }
    TCP_V6_CONN_REQUEST = 58 { name: "tcp_v6_conn_request", arguments: &["sock", "sk_buff"], shared: Some("requested") }
    NFT_REJECT_BRIDGE_EVAL = 59 {
        name: "nft_reject_bridge_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_reject_bridge"), shared: Some("rejected"),
    }
    NFT_REJECT_NETDEV_EVAL = 60 {
        name: "nft_reject_netdev_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_reject_netdev"), shared: Some("rejected"),
    }
    NFT_QUEUE_EVAL = 61 {
        name: "nft_queue_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"], site: module("nft_queue"),
        shared: Some("verdict"),
    }
    NFT_QUEUE_SREG_EVAL = 62 {
        name: "nft_queue_sreg_eval", arguments: &["nft_expr", "nft_regs", "nft_pktinfo"],
        site: module("nft_queue"), shared: Some("verdict"),
    }
    // `ip_rcv` is passed by packets that are received one by one; `ip_list_rcv` takes lists of packets. Both call
    // these.
    IP_RCV_CORE = 63 { name: "ip_rcv_core", arguments: &["sk_buff", "net"], best: Best::Kprobe }
    IP6_RCV_CORE = 64 { name: "ip6_rcv_core", arguments: &["sk_buff", "net_device", "net"], best: Best::Kprobe }
    IP_RCV = 65 {
        name: "ip_rcv", arguments: &["sk_buff", "net_device"], best: Best::Kprobe, instead_of: Some("ip_rcv_core"),
    }
    IPV6_RCV = 66 {
        name: "ipv6_rcv", arguments: &["sk_buff", "net_device"], best: Best::Kprobe, instead_of: Some("ip6_rcv_core"),
    }
}

/// The default: a function of vmlinux that few packets pass, traced at its entry.
const FUNCTION: Hook = Hook {
    id: HookId(0),
    name: "",
    site: Site::Function { module: None },
    arguments: &[],
    programs: &[Program::Entry],
    best: Best::KprobeMulti,
    instead_of: None,
    shared: None,
    ends_packets: false,
};

const ENTRY_AND_RETURN: &[Program] = &[Program::Entry, Program::Return];

const fn module(module: &'static str) -> Site {
    Site::Function { module: Some(module) }
}

const fn tracepoint(category: &'static str) -> Site {
    Site::Tracepoint { category }
}

const _: () = {
    let mut row = 0;
    while row < HOOKS.len() {
        let hook = &HOOKS[row];
        assert!(hook.id.0 as usize == row + 1, "rows are numbered from 1 without gaps");
        let returns = hook.programs.len() > 1 && matches!(hook.site, Site::Function { .. });
        assert!(!returns || matches!(hook.best, Best::Fentry), "kprobe.multi does not trace returns");
        row += 1;
    }
};
