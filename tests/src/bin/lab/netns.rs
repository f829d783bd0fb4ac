//! Network namespaces by the names that `ip netns` gives them.

use std::fs::File;

use anyhow::{Context as _, Result};
use nix::sched::{CloneFlags, setns};

/// Moves the calling thread, and every thread it starts later, into the namespace.
pub fn enter(name: &str) -> Result<()> {
    let path = format!("/run/netns/{name}");
    let file = File::open(&path).with_context(|| format!("no network namespace `{name}`"))?;
    setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering network namespace `{name}`"))
}
