//! The kernel fields that the programs read, in one table.
//!
//! User space resolves every row from the running kernel's BTF. There is no compiled-in offset: a
//! field that is absent switches its branch off.

/// Value of a [`Layout`] field that this kernel does not have.
pub const ABSENT: u16 = u16::MAX;

/// What a [`Layout`] field counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Offset of the member in bytes.
    Byte,
    /// Offset of a bit field in bits.
    Bit,
    /// Width of a bit field in bits.
    Width,
    /// Size of the whole structure in bytes; `path` is empty.
    Size,
}

/// Where a [`Layout`] field comes from.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name of the [`Layout`] field.
    pub name: &'static str,
    /// Kernel structure.
    pub structure: &'static str,
    /// Path of members, separated by dots. The path passes through anonymous unions.
    pub path: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// Modules whose BTF may hold the structure if vmlinux does not, separated by commas.
    pub modules: &'static str,
}

impl Field {
    /// Iterates over [`Self::modules`].
    pub fn modules(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.modules.split(',').filter(|module| !module.is_empty())
    }
}

macro_rules! layout {
    ($($field:ident: $unit:ident $structure:literal $path:literal in $module:literal;)+) => {
        /// Offsets in the running kernel; [`ABSENT`] for a field that it does not have.
        #[repr(C, align(8))]
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct Layout {
            $(#[doc = concat!("`", $structure, ".", $path, "`")] pub $field: u16,)+
        }

        /// The rows of [`Layout`], in its order.
        pub const FIELDS: &[Field] = &[
            $(Field {
                name: stringify!($field),
                structure: $structure,
                path: $path,
                unit: Unit::$unit,
                modules: $module,
            },)+
        ];

        impl Default for Layout {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl Layout {
            /// A layout in which every field is absent.
            pub const NONE: Self = Self { $($field: ABSENT,)+ };

            /// Builds a layout from one value for each of [`FIELDS`].
            #[must_use]
            pub fn from_values(values: &[u16; LAYOUT_FIELDS]) -> Self {
                let [$($field,)+] = *values;
                Self { $($field,)+ }
            }
        }
    };
}

/// Number of rows.
pub const LAYOUT_FIELDS: usize = FIELDS.len();

layout! {
    skb_head: Byte "sk_buff" "head" in "";
    skb_data: Byte "sk_buff" "data" in "";
    skb_len: Byte "sk_buff" "len" in "";
    skb_data_len: Byte "sk_buff" "data_len" in "";
    skb_mark: Byte "sk_buff" "mark" in "";
    skb_nfct: Byte "sk_buff" "_nfct" in "";
    skb_dev: Byte "sk_buff" "dev" in "";
    skb_sk: Byte "sk_buff" "sk" in "";
    skb_network_header: Byte "sk_buff" "network_header" in "";
    skb_protocol: Byte "sk_buff" "protocol" in "";
    skb_dst: Byte "sk_buff" "_skb_refdst" in "";
    skb_cb: Byte "sk_buff" "cb" in "";
    dst_dev: Byte "dst_entry" "dev" in "";
    dev_ifindex: Byte "net_device" "ifindex" in "";
    dev_name: Byte "net_device" "name" in "";
    dev_net: Byte "net_device" "nd_net.net" in "";
    dev_mtu: Byte "net_device" "mtu" in "";
    dev_flags: Byte "net_device" "flags" in "";
    dev_link_ops: Byte "net_device" "rtnl_link_ops" in "";
    link_ops_kind: Byte "rtnl_link_ops" "kind" in "";
    net_inum: Byte "net" "ns.inum" in "";
    sock_net: Byte "sock" "__sk_common.skc_net.net" in "";
    sock_ack_backlog: Byte "sock" "sk_ack_backlog" in "";
    sock_max_ack_backlog: Byte "sock" "sk_max_ack_backlog" in "";
    sock_drops: Byte "sock" "sk_drops" in "";
    csk_requests: Byte "inet_connection_sock" "icsk_accept_queue.qlen" in "";
    net_syncookies: Byte "net" "ipv4.sysctl_tcp_syncookies" in "";
    state_hook: Byte "nf_hook_state" "hook" in "";
    state_pf: Byte "nf_hook_state" "pf" in "";
    state_in: Byte "nf_hook_state" "in" in "";
    state_out: Byte "nf_hook_state" "out" in "";
    state_net: Byte "nf_hook_state" "net" in "";
    ct_status: Byte "nf_conn" "status" in "nf_conntrack";
    ct_mark: Byte "nf_conn" "mark" in "nf_conntrack";
    ct_zone: Byte "nf_conn" "zone.id" in "nf_conntrack";
    ct_tuplehash: Byte "nf_conn" "tuplehash" in "nf_conntrack";
    ct_tuplehash_size: Size "nf_conntrack_tuple_hash" "" in "nf_conntrack";
    ct_tuplehash_tuple: Byte "nf_conntrack_tuple_hash" "tuple" in "nf_conntrack";
    ct_tuple_saddr: Byte "nf_conntrack_tuple" "src.u3" in "nf_conntrack";
    ct_tuple_sport: Byte "nf_conntrack_tuple" "src.u.all" in "nf_conntrack";
    ct_tuple_l3num: Byte "nf_conntrack_tuple" "src.l3num" in "nf_conntrack";
    ct_tuple_daddr: Byte "nf_conntrack_tuple" "dst.u3" in "nf_conntrack";
    ct_tuple_dport: Byte "nf_conntrack_tuple" "dst.u.all" in "nf_conntrack";
    ct_tuple_proto: Byte "nf_conntrack_tuple" "dst.protonum" in "nf_conntrack";
    xdp_data: Byte "xdp_buff" "data" in "";
    xdp_data_hard_start: Byte "xdp_buff" "data_hard_start" in "";
    xdp_rxq: Byte "xdp_buff" "rxq" in "";
    rxq_dev: Byte "xdp_rxq_info" "dev" in "";
    peer_public_key: Byte "wg_peer" "handshake.remote_static" in "wireguard";
    peer_endpoint: Byte "wg_peer" "endpoint.addr" in "wireguard";
    packet_cb_keypair: Byte "packet_cb" "keypair" in "wireguard";
    keypair_peer: Byte "noise_keypair" "entry.peer" in "wireguard";
    pkt_skb: Byte "nft_pktinfo" "skb" in "nf_tables";
    pkt_state: Byte "nft_pktinfo" "state" in "nf_tables";
    chain_blob_gen_0: Byte "nft_chain" "blob_gen_0" in "nf_tables";
    chain_blob_gen_1: Byte "nft_chain" "blob_gen_1" in "nf_tables";
    chain_table: Byte "nft_chain" "table" in "nf_tables";
    chain_handle: Byte "nft_chain" "handle" in "nf_tables";
    chain_name: Byte "nft_chain" "name" in "nf_tables";
    table_name: Byte "nft_table" "name" in "nf_tables";
    table_handle: Byte "nft_table" "handle" in "nf_tables";
    base_chain_chain: Byte "nft_base_chain" "chain" in "nf_tables";
    base_chain_policy: Byte "nft_base_chain" "policy" in "nf_tables";
    base_chain_pf: Byte "nft_base_chain" "ops.pf" in "nf_tables";
    base_chain_hooknum: Byte "nft_base_chain" "ops.hooknum" in "nf_tables";
    base_chain_priority: Byte "nft_base_chain" "ops.priority" in "nf_tables";
    blob_data: Byte "nft_rule_blob" "data" in "nf_tables";
    rule_data: Byte "nft_rule_dp" "data" in "nf_tables";
    rule_is_last: Bit "nft_rule_dp" "is_last" in "nf_tables";
    rule_dlen: Bit "nft_rule_dp" "dlen" in "nf_tables";
    rule_dlen_width: Width "nft_rule_dp" "dlen" in "nf_tables";
    rule_handle: Bit "nft_rule_dp" "handle" in "nf_tables";
    rule_handle_width: Width "nft_rule_dp" "handle" in "nf_tables";
    expr_data: Byte "nft_expr" "data" in "nf_tables";
    immediate_dreg: Byte "nft_immediate_expr" "dreg" in "nf_tables";
    immediate_code: Byte "nft_immediate_expr" "data.verdict.code" in "nf_tables";
    immediate_chain: Byte "nft_immediate_expr" "data.verdict.chain" in "nf_tables";
    lookup_set: Byte "nft_lookup" "set" in "nf_tables";
    set_dtype: Byte "nft_set" "dtype" in "nf_tables";
    regs_code: Byte "nft_regs" "verdict.code" in "nf_tables";
    regs_chain: Byte "nft_regs" "verdict.chain" in "nf_tables";
    par_targinfo: Byte "xt_action_param" "targinfo" in "x_tables,xt_CT,nft_compat,ip_tables,ip6_tables";
    par_state: Byte "xt_action_param" "state" in "x_tables,xt_CT,nft_compat,ip_tables,ip6_tables";
    xt_table_name: Byte "xt_table" "name" in "x_tables,ip_tables,ip6_tables";
    xt_table_private: Byte "xt_table" "private" in "x_tables,ip_tables,ip6_tables";
    xt_info_size: Byte "xt_table_info" "size" in "x_tables,ip_tables,ip6_tables";
    xt_info_underflow: Byte "xt_table_info" "underflow" in "x_tables,ip_tables,ip6_tables";
    xt_info_entries: Byte "xt_table_info" "entries" in "x_tables,ip_tables,ip6_tables";
    xt_target_fn: Byte "xt_target" "target" in "x_tables,ip_tables,ip6_tables";
    xt_standard_verdict: Byte "xt_standard_target" "verdict" in "x_tables,ip_tables,ip6_tables";
    xt_entry_target_ptr: Byte "xt_entry_target" "u.kernel.target" in "x_tables,ip_tables,ip6_tables";
    ipt_target_offset: Byte "ipt_entry" "target_offset" in "ip_tables";
    ipt_next_offset: Byte "ipt_entry" "next_offset" in "ip_tables";
    ipt_counters: Byte "ipt_entry" "counters" in "ip_tables";
    ip6t_target_offset: Byte "ip6t_entry" "target_offset" in "ip6_tables";
    ip6t_next_offset: Byte "ip6t_entry" "next_offset" in "ip6_tables";
    ip6t_counters: Byte "ip6t_entry" "counters" in "ip6_tables";
}
