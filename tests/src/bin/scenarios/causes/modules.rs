//! Kernel modules that stories use.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};

/// Modules to load before the first play. Tracer hooks what is there when it starts, and plays that run at the same
/// time need not wait for each other's modules. The list has no module that acts on packets merely because it is
/// loaded: no `br_netfilter`, and no module of a legacy table, which 5.10 puts into every network namespace.
const MODULES: &[&str] = &[
    "veth",
    "tun",
    "bridge",
    "8021q",
    "dummy",
    "ifb",
    "macvlan",
    "ipvlan",
    "vrf",
    "vxlan",
    "geneve",
    "wireguard",
    "macsec",
    "nf_conntrack",
    "nf_nat",
    "nf_tables",
    "nft_ct",
    "nft_chain_nat",
    "nft_nat",
    "nft_masq",
    "nft_redir",
    "nft_reject_inet",
    "nft_reject_bridge",
    "nft_reject_netdev",
    "nft_limit",
    "nft_fib_inet",
    "nft_log",
    "nft_connlimit",
    "nft_queue",
    "nft_synproxy",
    "nft_tproxy",
    "nft_compat",
    "nfnetlink_queue",
    "ip_tables",
    "ip6_tables",
    "xt_conntrack",
    "xt_mark",
    "xt_comment",
    "xt_CT",
    "xt_tcpudp",
    "xt_limit",
    "xt_multiport",
    "ipt_REJECT",
    "ip6t_REJECT",
    "sch_netem",
    "sch_tbf",
    "sch_htb",
    "sch_fq",
    "sch_fq_codel",
    "sch_red",
    "sch_prio",
    "sch_ingress",
    "cls_u32",
    "cls_flower",
    "cls_matchall",
    "cls_bpf",
    "act_gact",
    "act_mirred",
    "act_police",
    "act_bpf",
    "esp4",
    "esp6",
    "xfrm_user",
    "xfrm_interface",
];

/// Loads the modules that the kernel has.
pub fn load() -> Result<()> {
    // Otherwise each tunnel module adds a device to every network namespace.
    fs::write("/proc/sys/net/core/fb_tunnels_only_for_init_net", "1")
        .context("setting fb_tunnels_only_for_init_net")?;
    // modprobe fails if a module is missing. The plays show whether that matters.
    let _ = Command::new("modprobe").args(["-a", "-q"]).args(MODULES).status().context("running modprobe")?;
    Ok(())
}
