//! Names network namespaces for people. Each name can be given to `--netns`.

use std::{fs, path::Path};

use super::container::{Container, process_in};

/// Path of the namespace called `host`.
pub(super) const HOST: &str = "/proc/1/ns/net";

/// Returns the name of a file below `/run/netns`; `None` if `--netns` would take it for something else.
pub(super) fn of_path(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let taken = name == "host" || name.starts_with("pid:") || name.chars().any(char::is_control);
    (!taken).then(|| name.to_owned())
}

/// Returns whether a program generated the name: `cni-UUID` by CNI plugins and containerd, the bare UUID by CRI-O. The
/// name of a process or container inside says more.
pub(super) fn is_made_up(name: &str) -> bool {
    let uuid = name.strip_prefix("cni-").unwrap_or(name);
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns whether a process only holds a pod's namespaces open, like the one that Kubernetes starts first.
pub(super) fn is_pause(pid: u32) -> bool {
    comm(pid).is_some_and(|comm| comm == "pause" || comm == "catatonit")
}

/// Returns `pod web-7f9c (nginx[1234])` for a process in a container, else `comm[pid]`; `None` if the process has
/// ended.
pub(super) fn of_pid(pid: u32) -> Option<String> {
    let process = of_process(pid)?;
    Some(Container::of_pid(pid).map_or_else(|| process.clone(), |container| container.name(&process)))
}

/// Returns `comm[pid]`; `None` if the process has ended.
pub(in super::super) fn of_process(pid: u32) -> Option<String> {
    Some(format!("{}[{pid}]", comm(pid)?))
}

/// Like [`of_pid`], but returns `None` if the process is in no container.
pub(super) fn of_container(pid: u32) -> Option<String> {
    Some(Container::of_pid(pid)?.name(&of_process(pid)?))
}

/// Returns the pid from a name that [`of_pid`] returned.
pub(super) fn pid_in(text: &str) -> Option<u32> {
    process_in(text).unwrap_or(text).strip_suffix(']')?.rsplit_once('[')?.1.parse().ok()
}

/// Reads a process's comm, which is untrusted because a process chooses it. Replaces control codes, which must not
/// reach the terminal, and characters that would make the name a path or another process's name.
fn comm(pid: u32) -> Option<String> {
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    let shown = |c: char| if c.is_control() || matches!(c, '/' | ':') { '?' } else { c };
    Some(String::from_utf8_lossy(&comm).trim_end_matches('\n').chars().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_name_unless_that_means_something_else() {
        let name = |path: &str| of_path(Path::new(path));
        assert_eq!(name("/run/netns/web").as_deref(), Some("web"));
        assert_eq!(name("/run/netns/4026531840").as_deref(), Some("4026531840"));
        for path in ["/run/netns/host", "/run/netns/pid:1", "/run/netns/a\nb"] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn names_that_nobody_chose() {
        let uuid = "0f1e2d3c-1111-2222-3333-444455556666";
        assert!(is_made_up(uuid) && is_made_up(&format!("cni-{uuid}")));
        for chosen in ["web", "cni-web", "0f1e2d3c_1111_2222_3333_444455556666", ""] {
            assert!(!is_made_up(chosen), "{chosen}");
        }
    }

    #[test]
    fn the_pid_is_found_again() {
        assert_eq!(pid_in("nginx[12]"), Some(12));
        assert_eq!(pid_in("a [1] b[12]"), Some(12));
        assert_eq!(pid_in("pod web-7f9c (nginx[12])"), Some(12));
        assert_eq!(pid_in("pod web-7f9c ((sd-pam)[12])"), Some(12));
        for other in ["nginx", "[x]", "nginx[12])", "nginx[12"] {
            assert_eq!(pid_in(other), None, "{other}");
        }
    }
}
