//! The one table of hooks, shared by both sides.

/// A place in the kernel where packets are seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hook {
    /// Row number, as records carry it.
    pub id: u16,
    /// Kernel function or tracepoint.
    pub name: &'static str,
    /// What kind of place it is.
    pub site: Site,
    /// Structures that the leading arguments point to; an empty name accepts any. A kernel with other arguments
    /// does not get the hook.
    pub arguments: &'static [&'static str],
    /// When its programs run.
    pub programs: &'static [Program],
    /// The method to attach it by if the kernel supports several.
    pub best: Best,
    /// Name of the hook that this one stands in for if that cannot be attached; empty for a hook that is always
    /// attached.
    pub instead_of: &'static str,
    /// Within one `kprobe.multi`, hooks of the same body share the program `shared_…` of this name; empty for a
    /// program of its own. The kernel takes 0.05 s to verify each program in an emulated guest.
    pub shared: &'static str,
}

impl Hook {
    /// Whether packets end at this hook.
    #[must_use]
    pub const fn ends_packets(&self) -> bool {
        matches!(
            self.id,
            hook::KFREE_SKB
                | hook::SK_SKB_REASON_DROP
                | hook::KFREE_SKB_REASON
                | hook::SKB_RELEASE_HEAD_STATE
                | hook::CONSUME_SKB
                | hook::KFREE_SKB_FUNCTION
                | hook::NAPI_SKB_FREE_STOLEN_HEAD
                | hook::CONSUME_STATELESS_SKB
        )
    }
}

/// What kind of place a hook is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Site {
    /// A function of vmlinux, or of a module.
    Function {
        /// Module name, empty for vmlinux.
        module: &'static str,
    },
    /// A tracepoint.
    Tracepoint {
        /// Category: a directory of `events/`.
        category: &'static str,
    },
    /// Every BPF program that packets pass, including those that are loaded later.
    Program,
}

impl Site {
    /// Returns the module that a function is in; empty for vmlinux and for anything but a function.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Self::Function { module } => module,
            Self::Tracepoint { .. } | Self::Program => "",
        }
    }
}

/// The best method to attach a function by. Each hit costs the packet instructions, and detaching takes time. The
/// figures were measured on 6.18.15.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Best {
    /// For functions that each packet passes several times, or whose return is needed. A hit takes 113
    /// instructions. Detaching takes 0.1 to 0.2 s for each function, one after the other.
    Fentry,
    /// For functions that each packet passes. A hit takes 322 instructions, detaching 0.03 s for each function.
    Kprobe,
    /// For functions that few packets pass. A hit takes 365 instructions and a tail call, detaching 0.15 s for all
    /// of them.
    KprobeMulti,
}

/// When a program of a hook runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// When the function is entered, or the tracepoint is hit.
    Entry,
    /// When the function returns.
    Return,
}

macro_rules! hooks {
    ($($id:ident = $number:literal: $name:literal($($argument:literal)*) $site:tt [$($program:ident)+] $(($best:ident))? $(instead of $other:literal)? $(shared $shared:literal)?;)+) => {
        /// Row numbers.
        pub mod hook {
            $(#[doc = concat!("`", $name, "`")] pub const $id: u16 = $number;)+
        }

        /// The rows, sorted by number.
        pub const HOOKS: &[Hook] = &[
            $(Hook {
                id: $number,
                name: $name,
                site: hooks!(@site $site),
                arguments: &[$($argument),*],
                programs: &[$(Program::$program),+],
                best: hooks!(@best $($best)?),
                instead_of: concat!($($other)?),
                shared: concat!($($shared)?),
            },)+
        ];
    };
    (@best) => { Best::KprobeMulti };
    (@best fentry) => { Best::Fentry };
    (@best kprobe) => { Best::Kprobe };
    (@site (vmlinux)) => { Site::Function { module: "" } };
    (@site (module $module:literal)) => { Site::Function { module: $module } };
    (@site (program)) => { Site::Program };
    (@site (tracepoint $category:literal)) => { Site::Tracepoint { category: $category } };
}

hooks! {
    NETIF_RECEIVE_SKB = 1: "netif_receive_skb"("sk_buff") (tracepoint "net") [Entry];
    IP_FORWARD = 2: "ip_forward"("sk_buff") (vmlinux) [Entry] shared "first_argument";
    IP6_FORWARD = 3: "ip6_forward"("sk_buff") (vmlinux) [Entry] shared "first_argument";
    IP_LOCAL_OUT = 4: "__ip_local_out"("net" "sock" "sk_buff") (vmlinux) [Entry] (kprobe);
    IP6_LOCAL_OUT = 5: "__ip6_local_out"("net" "sock" "sk_buff") (vmlinux) [Entry];
    IP6_OUTPUT = 6: "ip6_output"("net" "sock" "sk_buff") (vmlinux) [Entry] (kprobe);
    NET_DEV_QUEUE = 7: "net_dev_queue"("sk_buff") (tracepoint "net") [Entry];
    NET_DEV_START_XMIT = 8: "net_dev_start_xmit"("sk_buff") (tracepoint "net") [Entry];
    NF_HOOK_SLOW = 9: "nf_hook_slow"("sk_buff" "nf_hook_state") (vmlinux) [Entry] (fentry);
    NFT_DO_CHAIN = 10: "nft_do_chain"("nft_pktinfo" "") (module "nf_tables") [Entry Return] (fentry);
    NFT_IMMEDIATE_EVAL = 11: "nft_immediate_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nf_tables") [Entry] (fentry);
    NFT_LOOKUP_EVAL = 12: "nft_lookup_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nf_tables") [Entry] shared "verdict";
    NFT_REJECT_IPV4_EVAL = 13: "nft_reject_ipv4_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_reject_ipv4") [Entry] shared "rejected";
    NFT_REJECT_IPV6_EVAL = 14: "nft_reject_ipv6_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_reject_ipv6") [Entry] shared "rejected";
    NFT_REJECT_INET_EVAL = 15: "nft_reject_inet_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_reject_inet") [Entry] shared "rejected";
    NFT_TARGET_EVAL_XT = 16: "nft_target_eval_xt"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_compat") [Entry] shared "verdict";
    NFT_NOTRACK_EVAL = 17: "nft_notrack_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_ct") [Entry];
    XT_CT_TARGET_V0 = 18: "xt_ct_target_v0"("sk_buff" "xt_action_param") (module "xt_CT") [Entry] shared "untracked";
    XT_CT_TARGET_V1 = 19: "xt_ct_target_v1"("sk_buff" "xt_action_param") (module "xt_CT") [Entry] shared "untracked";
    NOTRACK_TG = 20: "notrack_tg"("sk_buff" "xt_action_param") (module "xt_CT") [Entry];
    IPT_DO_TABLE = 21: "ipt_do_table"("" "sk_buff" "nf_hook_state") (module "ip_tables") [Entry Return] (fentry);
    IP6T_DO_TABLE = 22: "ip6t_do_table"("" "sk_buff" "nf_hook_state") (module "ip6_tables") [Entry Return] (fentry);
    NF_CONNTRACK_IN = 23: "nf_conntrack_in"("sk_buff" "nf_hook_state") (module "nf_conntrack") [Entry Return] (fentry);
    BPF_REDIRECT = 24: "__bpf_redirect"("sk_buff" "net_device" "") (vmlinux) [Entry];
    SKB_DO_REDIRECT = 25: "skb_do_redirect"("sk_buff") (vmlinux) [Entry] shared "first_argument";
    WG_XMIT = 26: "wg_xmit"("sk_buff") (module "wireguard") [Entry] shared "first_argument";
    WG_SOCKET_SEND_SKB_TO_PEER = 27: "wg_socket_send_skb_to_peer"("" "sk_buff") (module "wireguard") [Entry];
    WG_RECEIVE = 28: "wg_receive"("sock" "sk_buff") (module "wireguard") [Entry] shared "second_argument";
    IP_PROTOCOL_DELIVER_RCU = 29: "ip_protocol_deliver_rcu"("net" "sk_buff" "") (vmlinux) [Entry] (kprobe);
    IP6_PROTOCOL_DELIVER_RCU = 30: "ip6_protocol_deliver_rcu"("net" "sk_buff" "") (vmlinux) [Entry] (kprobe);
    TCP_V4_SEND_RESET = 31: "tcp_v4_send_reset"("sock" "sk_buff") (vmlinux) [Entry] shared "second_argument";
    TCP_V6_SEND_RESET = 32: "tcp_v6_send_reset"("sock" "sk_buff") (vmlinux) [Entry] shared "second_argument";
    KFREE_SKB = 33: "kfree_skb"("sk_buff") (tracepoint "skb") [Entry];
    SK_SKB_REASON_DROP = 34: "sk_skb_reason_drop"("sock" "sk_buff") (vmlinux) [Entry] instead of "kfree_skb";
    KFREE_SKB_REASON = 35: "kfree_skb_reason"("sk_buff") (vmlinux) [Entry] instead of "kfree_skb";
    SKB_RELEASE_HEAD_STATE = 36: "skb_release_head_state"("sk_buff") (vmlinux) [Entry] (kprobe);
    CONSUME_SKB = 37: "consume_skb"("sk_buff") (tracepoint "skb") [Entry];
    KFREE_SKB_FUNCTION = 38: "kfree_skb"("sk_buff") (vmlinux) [Entry] instead of "kfree_skb";
    BPF_PROGRAM = 39: "bpf_program"() (program) [Entry Return];
    NF_NAT_MANIP_PKT = 40: "nf_nat_manip_pkt"("sk_buff" "nf_conn") (module "nf_nat") [Entry];
    COPY_SKB_HEADER = 41: "__copy_skb_header"("sk_buff" "sk_buff") (vmlinux) [Entry] (kprobe);
    IP_COPY_METADATA = 42: "ip_copy_metadata"("sk_buff" "sk_buff") (vmlinux) [Entry] shared "copied";
    IP6_COPY_METADATA = 43: "ip6_copy_metadata"("sk_buff" "sk_buff") (vmlinux) [Entry] shared "copied";
    NAPI_SKB_FREE_STOLEN_HEAD = 44: "napi_skb_free_stolen_head"("sk_buff") (vmlinux) [Entry];
    CONSUME_STATELESS_SKB = 45: "__consume_stateless_skb"("sk_buff") (vmlinux) [Entry];
    IP_ROUTE_ME_HARDER = 46: "ip_route_me_harder"("net" "sock" "sk_buff") (vmlinux) [Entry] shared "routed_again";
    IP6_ROUTE_ME_HARDER = 47: "ip6_route_me_harder"("net" "sock" "sk_buff") (vmlinux) [Entry] shared "routed_again";
    ICMP_SEND = 48: "__icmp_send"("sk_buff") (vmlinux) [Entry] shared "icmp_error";
    ICMP6_SEND = 49: "icmp6_send"("sk_buff") (vmlinux) [Entry] shared "icmp_error";
    WG_ALLOWEDIPS_LOOKUP_SRC = 50: "wg_allowedips_lookup_src"("allowedips" "sk_buff") (module "wireguard") [Entry];
    VXLAN_XMIT = 51: "vxlan_xmit"("sk_buff" "net_device") (module "vxlan") [Entry] shared "first_argument";
    VXLAN_RCV = 52: "vxlan_rcv"("sock" "sk_buff") (module "vxlan") [Entry] shared "second_argument";
    GENEVE_XMIT = 53: "geneve_xmit"("sk_buff" "net_device") (module "geneve") [Entry] shared "first_argument";
    GENEVE_UDP_ENCAP_RECV = 54: "geneve_udp_encap_recv"("sock" "sk_buff") (module "geneve") [Entry] shared "second_argument";
    XFRM_OUTPUT = 55: "xfrm_output"("sock" "sk_buff") (vmlinux) [Entry];
    XFRM_INPUT = 56: "xfrm_input"("sk_buff") (vmlinux) [Entry] shared "first_argument";
    TCP_V4_CONN_REQUEST = 57: "tcp_v4_conn_request"("sock" "sk_buff") (vmlinux) [Entry] shared "requested";
    TCP_V6_CONN_REQUEST = 58: "tcp_v6_conn_request"("sock" "sk_buff") (vmlinux) [Entry] shared "requested";
    NFT_REJECT_BRIDGE_EVAL = 59: "nft_reject_bridge_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_reject_bridge") [Entry] shared "rejected";
    NFT_REJECT_NETDEV_EVAL = 60: "nft_reject_netdev_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_reject_netdev") [Entry] shared "rejected";
    NFT_QUEUE_EVAL = 61: "nft_queue_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_queue") [Entry] shared "verdict";
    NFT_QUEUE_SREG_EVAL = 62: "nft_queue_sreg_eval"("nft_expr" "nft_regs" "nft_pktinfo") (module "nft_queue") [Entry] shared "verdict";
}

const _: () = {
    let mut row = 0;
    while row < HOOKS.len() {
        let hook = &HOOKS[row];
        assert!(hook.id as usize == row + 1, "rows are numbered from 1 without gaps");
        let returns = hook.programs.len() > 1 && matches!(hook.site, Site::Function { .. });
        assert!(!returns || matches!(hook.best, Best::Fentry), "kprobe.multi tells nothing of a return");
        row += 1;
    }
};
