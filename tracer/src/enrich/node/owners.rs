//! Finds the processes that have a socket, by the inode numbers of the files that they have open.

use std::{collections::HashMap, fs, os::unix::ffi::OsStrExt as _, path::Path, sync::OnceLock};

use super::super::netns;

/// The processes that have sockets. `/proc` is searched once, at the first question, because that may take tenths of a
/// second on a large node.
#[derive(Debug, Default)]
pub struct Owners(OnceLock<HashMap<u64, u32>>);

/// Maximum number of open files to look at, because a node may have millions.
const FILES_AT_MOST: usize = 1 << 17;

impl Owners {
    /// Names the process with the lowest pid that has the socket, e.g. `nginx[1234]`. `None` if there is none, or if it
    /// may not be looked at, or was not found among the first files.
    pub(super) fn of(&self, inode: u64) -> Option<String> {
        if inode == 0 {
            return None;
        }
        let pid = *self.0.get_or_init(sockets).get(&inode)?;
        netns::process_name(pid)
    }
}

/// Returns the lowest pid by the inode number of each socket.
fn sockets() -> HashMap<u64, u32> {
    let mut owners = HashMap::new();
    let mut left = FILES_AT_MOST;
    for pid in netns::pids() {
        for file in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            if left == 0 {
                tracing::debug!("more than {FILES_AT_MOST} files are open: the owners of some sockets are not known");
                return owners;
            }
            left -= 1;
            if let Some(inode) = fs::read_link(file.path()).ok().and_then(|target| inode(&target)) {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

/// Returns the number in `socket:[12345]`.
fn inode(target: &Path) -> Option<u64> {
    let number = target.as_os_str().as_bytes().strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_have_such_names() {
        assert_eq!(inode(Path::new("socket:[19044]")), Some(19044));
        for other in ["pipe:[19044]", "socket:[]", "socket:[1", "/dev/null", "socket:[18446744073709551616]"] {
            assert_eq!(inode(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn nobody_has_a_socket_without_a_file() {
        assert_eq!(Owners::default().of(0), None);
    }
}
