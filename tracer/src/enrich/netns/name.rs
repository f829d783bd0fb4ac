//! Names of network namespaces for people.

use std::{fs, path::Path};

/// The namespace called `host`.
pub(super) const HOST: &str = "/proc/1/ns/net";

/// The name of a file below `/run/netns`.
pub(super) fn of_path(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// `comm[pid]`, `None` where the process is gone.
pub(super) fn of_pid(pid: u32) -> Option<String> {
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    // A process chooses its comm itself: nothing of it may reach the terminal as a control code.
    let comm: String = String::from_utf8_lossy(&comm)
        .trim_end_matches('\n')
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    Some(format!("{comm}[{pid}]"))
}

/// The pid in `comm[pid]`.
pub(super) fn pid_in(text: &str) -> Option<u32> {
    text.strip_suffix(']')?.rsplit_once('[')?.1.parse().ok()
}
