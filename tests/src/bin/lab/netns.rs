//! Network namespaces by the names that `ip netns` gives them.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    thread,
};

use anyhow::{Context as _, Result};
use clap::Args;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
};

#[derive(Args)]
pub struct AddNetns {
    /// Names
    #[arg(required = true)]
    names: Vec<String>,
}

/// Nodes forward for their pods. Packets may come back on another device than they left by. Addresses are used at once
/// instead of being probed for duplicates first.
const SETTINGS: [(&str, &str); 6] = [
    ("ipv4/ip_forward", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
];

/// Moves the calling thread, and every thread it starts later, into the namespace.
pub fn enter(name: &str) -> Result<()> {
    let file = File::open(path(name)).with_context(|| format!("no network namespace `{name}`"))?;
    setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering network namespace `{name}`"))
}

/// Creates all of them in one process. In an emulated guest, starting `ip`, a shell and `ip` again for each would take
/// most of a scenario's set-up.
pub fn add(args: &AddNetns) -> Result<()> {
    for name in &args.names {
        // Use a separate thread, because it stays in the namespace.
        let made = thread::scope(|scope| scope.spawn(|| make(name)).join());
        made.unwrap_or_else(|_| Err(anyhow::anyhow!("the thread failed")))
            .with_context(|| format!("making network namespace `{name}`"))?;
    }
    Ok(())
}

fn make(name: &str) -> Result<()> {
    let path = path(name);
    File::create_new(&path).with_context(|| format!("creating {path}"))?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    let none = None::<&str>;
    mount(Some("/proc/thread-self/ns/net"), path.as_str(), none, MsFlags::MS_BIND, none).context("mounting it")?;
    for (setting, value) in SETTINGS {
        fs::write(format!("/proc/sys/net/{setting}"), value).with_context(|| format!("setting {setting}"))?;
    }
    set_up_lo().context("setting lo up")
}

fn set_up_lo() -> io::Result<()> {
    // SAFETY: no pointers are passed, and the descriptor is ours alone.
    let socket = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(socket)
    };
    // SAFETY: all zeroes are a valid value of this structure of numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = (*from).cast_signed();
    }
    request.ifr_ifru.ifru_flags = UP;
    // SAFETY: the request lives until the call has returned.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `IFF_UP` in the type of the request's field (include/uapi/linux/if.h).
const UP: libc::c_short = 1;

fn path(name: &str) -> String {
    format!("/run/netns/{name}")
}
