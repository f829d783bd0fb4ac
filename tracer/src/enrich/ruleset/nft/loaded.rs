//! Whether nf_tables is there at all.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    sync::OnceLock,
};

/// Whether the kernel has nf_tables loaded or built in. Asking it over netlink would load the
/// module (`nfnetlink_rcv_msg`, net/netfilter/nfnetlink.c).
pub(super) fn is_loaded() -> bool {
    Path::new("/sys/module/nf_tables").exists() || *BUILT_IN.get_or_init(|| built_in().unwrap_or(false))
}

/// What is built in stays: one look is enough.
static BUILT_IN: OnceLock<bool> = OnceLock::new();

/// Built in, it need not have a directory in `/sys/module`; its function is a symbol of the kernel
/// itself then. `None` where symbols cannot be read.
fn built_in() -> Option<bool> {
    let symbols = BufReader::new(File::open("/proc/kallsyms").ok()?);
    let mut lines = symbols.split(b'\n').map_while(Result::ok);
    Some(lines.any(|line| line.ends_with(b" nft_do_chain")))
}
