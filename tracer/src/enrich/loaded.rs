//! Whether a part of the kernel is there at all. Asking it over netlink would load its module
//! (`netlink_create`, net/netlink/af_netlink.c; `nfnetlink_rcv_msg`, net/netfilter/nfnetlink.c).

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    sync::OnceLock,
};

/// A part of the kernel: its module, and the end of a line of `/proc/kallsyms` that names one of its functions.
pub(super) struct Part(&'static str, &'static [u8]);

/// nftables.
pub(super) const NF_TABLES: Part = Part("nf_tables", b" nft_do_chain");
/// Conntrack over netlink.
pub(super) const CTNETLINK: Part = Part("nf_conntrack_netlink", b" ctnetlink_get_conntrack");
/// IPsec over netlink.
pub(super) const XFRM_USER: Part = Part("xfrm_user", b" xfrm_dump_policy");

/// Whether it is loaded or built in.
pub(super) fn is_loaded(part: &Part) -> bool {
    let Part(module, _) = part;
    Path::new("/sys/module").join(module).exists() || is_built_in(part)
}

/// Built in, a part need not have a directory in `/sys/module`; its function is a symbol of the kernel
/// itself then, without a module's name behind it. False where symbols cannot be read.
fn is_built_in(Part(module, _): &Part) -> bool {
    // What is built in stays: one look is enough.
    static BUILT_IN: OnceLock<Vec<&'static str>> = OnceLock::new();
    BUILT_IN.get_or_init(|| built_in().unwrap_or_default()).contains(module)
}

fn built_in() -> Option<Vec<&'static str>> {
    let symbols = BufReader::new(File::open("/proc/kallsyms").ok()?);
    let lines = symbols.split(b'\n').map_while(Result::ok);
    let named =
        lines.filter_map(|line| PARTS.iter().find(|Part(_, end)| line.ends_with(end)).map(|Part(name, _)| *name));
    Some(named.collect())
}

const PARTS: [Part; 3] = [NF_TABLES, CTNETLINK, XFRM_USER];
