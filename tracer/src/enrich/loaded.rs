//! Checks whether a part of the kernel is present, because asking for it over netlink would load its module
//! (`netlink_create`, net/netlink/af_netlink.c; `nfnetlink_rcv_msg`, net/netfilter/nfnetlink.c).

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    sync::OnceLock,
};

/// A part of the kernel: its module, and the end of the `/proc/kallsyms` line of one of its functions.
pub(super) struct Part(&'static str, &'static [u8]);

/// nftables.
pub(super) const NF_TABLES: Part = Part("nf_tables", b" nft_do_chain");
/// Conntrack over netlink.
pub(super) const CTNETLINK: Part = Part("nf_conntrack_netlink", b" ctnetlink_get_conntrack");
/// IPsec over netlink.
pub(super) const XFRM_USER: Part = Part("xfrm_user", b" xfrm_dump_policy");

/// Returns whether the part is loaded as a module or built in.
pub(super) fn is_loaded(part: &Part) -> bool {
    let Part(module, _) = part;
    Path::new("/sys/module").join(module).exists() || is_built_in(part)
}

/// Returns whether the part is built in, and false if symbols cannot be read. A built-in part need not have a directory
/// in `/sys/module`, but the line of its function then ends without a module's name.
fn is_built_in(Part(module, _): &Part) -> bool {
    // One look is enough, because the set of built-in parts never changes.
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
