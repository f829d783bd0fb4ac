//! Other tracers, in an archive of their own: bpftrace brings LLVM, which most guests need not carry.

use std::path::PathBuf;

use anyhow::Result;

use super::{
    image, packages,
    tree::{Node, Tree},
};
use crate::{progress, workspace};

/// Their packages, which are called like the programs.
pub const PEERS: [&str; 2] = ["pwru", "bpftrace"];

/// Tells `bench` that they are there, and their versions: Debian's pwru knows its own only as "unknown".
const LIST: &str = "etc/peers";

/// Raised whenever what goes into the archive changes, so that old ones are made anew.
const RECIPE: u32 = 1;

/// The archive, from the cache or made now.
pub fn prepare() -> Result<PathBuf> {
    let archive = workspace::cache("guests")?.join(format!("peers-{RECIPE}.cpio"));
    if !archive.exists() {
        progress::timed(&format!("preparing {}", PEERS.join(" and ")), || {
            let mut tree = Tree::default();
            let packages = packages::install(&PEERS, &mut tree)?;
            let peers = packages.iter().filter(|package| PEERS.contains(&package.name.as_str()));
            let lines: String = peers.map(|peer| format!("{} {}\n", peer.name, peer.version)).collect();
            tree.insert(LIST, Node::data(lines));
            image::save(&tree, &archive)
        })?;
    }
    Ok(archive)
}
