//! Identifies the container or pod that a process is in, by the path of its cgroup and by its host name.

use std::{fs, os::fd::AsFd as _, os::unix::fs::MetadataExt as _, thread};

use nix::sched::{CloneFlags, setns};

/// A container, as its runtime places it into cgroups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Container {
    /// Whether it belongs to a Kubernetes pod.
    pod: bool,
    /// The first 12 digits of its id, as `docker ps` and `crictl ps` show it, or its name if the runtime uses only
    /// names (LXC, systemd-nspawn).
    id: String,
    /// The host name inside, which for a pod is the pod's name. `None` if it is the host's own or cannot be read.
    hostname: Option<String>,
}

impl Container {
    /// Returns the container of a process; `None` if the process is in none or has ended.
    pub(super) fn of_pid(pid: u32) -> Option<Self> {
        let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let found = in_cgroups(&cgroups)?;
        Some(Self { hostname: hostname(pid), ..found })
    }

    /// Formats `pod web-7f9c (nginx[1234])` or `container db 3f4e5d6c7b8a (postgres[812])`. The part in brackets makes
    /// the name unique.
    pub(super) fn name(&self, process: &str) -> String {
        let Self { pod, id, hostname } = self;
        match hostname.as_deref().filter(|hostname| hostname != id) {
            Some(hostname) if *pod => format!("pod {hostname} ({process})"),
            Some(hostname) => format!("container {hostname} {id} ({process})"),
            None if *pod => format!("pod of container {id} ({process})"),
            None => format!("container {id} ({process})"),
        }
    }
}

/// Returns the process from a name that [`Container::name`] formatted.
pub(super) fn process_in(text: &str) -> Option<&str> {
    let known = text.starts_with("pod ") || text.starts_with("container ");
    known.then(|| text.strip_suffix(')')?.split_once(" (")).flatten().map(|(_, process)| process)
}

/// Finds the container in `/proc/PID/cgroup`: lines `hierarchy:controllers:path`, a single one with cgroup v2.
fn in_cgroups(text: &str) -> Option<Container> {
    text.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(in_path)
}

/// Finds the innermost container on a path, which is the one that the process is in.
fn in_path(path: &str) -> Option<Container> {
    let pod = path.split('/').any(|part| part.contains("kubepods"));
    let id = path.split('/').rev().find_map(id)?;
    Some(Container { pod, id, hostname: None })
}

/// Returns the id or name of the container that one directory stands for. The systemd driver writes `RUNTIME-ID.scope`,
/// the cgroupfs driver the id alone.
fn id(part: &str) -> Option<String> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let last = name.rsplit(['-', ':']).next().unwrap_or(name);
    if last.len() == ID_LEN && last.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        // A container's monitor runs beside it, not in it.
        return (!name.contains("conmon")).then(|| last[..SHORT_LEN].to_owned());
    }
    let named = part
        .strip_prefix("lxc.payload.")
        .or_else(|| part.strip_prefix("systemd-nspawn@")?.strip_suffix(".service"))
        .or_else(|| part.strip_prefix("machine-")?.strip_suffix(".scope"))?;
    // systemd escapes characters that are special to it (systemd.unit(5)).
    plain(&named.replace("\\x2d", "-"))
}

/// Digits of an id, which is a SHA-256 in hexadecimal, and how many of them runtimes show.
const ID_LEN: usize = 64;
const SHORT_LEN: usize = 12;

/// Reads the host name in the process's UTS namespace, on a thread that enters the namespace and then ends. The
/// container's `/etc/hostname` would be cheaper but is not safe to read, because a symbolic link in its file system may
/// point at any file of the host.
fn hostname(pid: u32) -> Option<String> {
    let uts = fs::File::open(format!("/proc/{pid}/ns/uts")).ok()?;
    let inode = |path: &str| fs::metadata(path).map(|meta| meta.ino()).ok();
    if uts.metadata().ok().map(|meta| meta.ino()) == inode("/proc/1/ns/uts") {
        return None;
    }
    let inside = thread::Builder::new().name("uts".to_owned()).spawn(move || {
        setns(uts.as_fd(), CloneFlags::CLONE_NEWUTS).ok()?;
        nix::sys::utsname::uname().ok()?.nodename().to_str().and_then(plain)
    });
    inside.ok()?.join().ok()?
}

/// Accepts a name that can be printed and typed again. Names are untrusted, because the owner of a container chooses
/// them.
fn plain(name: &str) -> Option<String> {
    let fits = (1..=64).contains(&name.len());
    let plain = fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    plain.then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
