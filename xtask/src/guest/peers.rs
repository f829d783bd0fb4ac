//! Other tracers, in a separate archive, because bpftrace brings LLVM, which most guests do not need.

use std::path::PathBuf;

use anyhow::Result;

use super::{
    image, packages,
    tree::{Node, Tree},
};
use crate::{progress, workspace};

/// Their packages, which are named like the programs.
pub const PEERS: [&str; 2] = ["pwru", "bpftrace"];

/// The file that shows `bench` that they are there, with their versions. Debian's pwru reports its own only as
/// "unknown".
const LIST: &str = "etc/peers";

/// Increment this whenever the contents of the archive change, so that old ones are rebuilt.
const RECIPE: u32 = 1;

/// Returns the archive, from the cache or built now.
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
