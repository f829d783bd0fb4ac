//! Removes the network namespaces and files of a scenario.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use tests::capture::Netns;

/// Where `ip netns` keeps names.
pub const NETNS: &str = "/run/netns";

/// Returns named network namespaces by their inode numbers.
pub fn netns() -> Netns {
    let entries = fs::read_dir(NETNS).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            // `metadata` of the entry would not follow the mount that holds the namespace.
            let inode = fs::metadata(entry.path()).ok()?.ino();
            Some((inode, entry.file_name().to_string_lossy().into_owned()))
        })
        .collect()
}

/// Remembers which namespaces existed, and removes later ones when dropped.
pub struct Cleanup {
    netns: BTreeSet<String>,
    /// An empty folder for files.
    pub scratch: PathBuf,
}

impl Cleanup {
    /// Creates the folder.
    pub fn new() -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("scenario-{}", std::process::id()));
        remove(&scratch);
        fs::create_dir(&scratch).with_context(|| format!("creating {}", scratch.display()))?;
        Ok(Self { netns: netns().into_values().collect(), scratch })
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        for name in netns().into_values().filter(|name| !self.netns.contains(name)) {
            // Devices, rules and sockets are removed with it. `ip` prints on stderr what it could not do.
            let _ = Command::new("ip").args(["netns", "delete", &name]).status();
        }
        remove(&self.scratch);
    }
}

fn remove(folder: &Path) {
    // A missing folder is as good as removed.
    let _ = fs::remove_dir_all(folder);
}
