//! A mount namespace with an empty `/run/netns`, so that plays at the same time may use the same names.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::Path,
    thread,
};

use anyhow::{Context as _, Result};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
};

use crate::cleanup::NETNS;

/// The mount namespace, and the network namespaces that were created in it. They stay because they are held open, so
/// that no other namespace gets the same inode number.
pub struct Room {
    mounts: File,
    /// Name, inode number and open file of each.
    pub netns: Vec<(String, u64, File)>,
}

impl Room {
    /// Creates a room and moves the calling thread into it, with everything that the thread starts.
    pub fn new() -> Result<Self> {
        unshare(CloneFlags::CLONE_NEWNS).context("making a mount namespace")?;
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("making mounts private")?;
        mount(Some("none"), NETNS, Some("tmpfs"), MsFlags::empty(), none).context("mounting over /run/netns")?;
        let mounts = File::open("/proc/thread-self/ns/mnt").context("opening the mount namespace")?;
        Ok(Self { mounts, netns: Vec::new() })
    }

    /// Moves the calling thread into the room.
    pub fn enter(&self) -> Result<()> {
        // A thread that shares its working directory with others cannot be moved.
        unshare(CloneFlags::CLONE_FS)
            .and_then(|()| setns(&self.mounts, CloneFlags::CLONE_NEWNS))
            .context("entering the play's mount namespace")
    }

    /// Records which network namespaces exist by now. Must be called inside the room.
    pub fn look(&mut self) -> Result<()> {
        for entry in fs::read_dir(NETNS).context("reading /run/netns")? {
            let entry = entry?;
            let file = File::open(entry.path()).with_context(|| format!("opening {}", entry.path().display()))?;
            let inode = file.metadata()?.ino();
            if self.netns.iter().all(|(_, known, _)| *known != inode) {
                self.netns.push((entry.file_name().to_string_lossy().into_owned(), inode, file));
            }
        }
        Ok(())
    }

    /// Gives clients in these network namespaces `count` ports from `first` on. Addresses are the same in many plays,
    /// so without this, tracer might see two plays' connections as one flow.
    pub fn use_ports(&self, first: usize, count: usize) -> Result<()> {
        let range = format!("{first} {}", first + count - 1);
        for (name, _, file) in &self.netns {
            // Use a separate thread, because it stays in the network namespace.
            let set = || {
                setns(file, CloneFlags::CLONE_NEWNET)?;
                fs::write(Path::new("/proc/sys/net/ipv4/ip_local_port_range"), &range)
            };
            let done = thread::scope(|scope| scope.spawn(set).join());
            done.unwrap_or_else(|_| Err(std::io::Error::other("the thread failed")))
                .with_context(|| format!("setting the client ports of {name}"))?;
        }
        Ok(())
    }
}
