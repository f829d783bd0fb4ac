//! Network namespaces: find one by inode number, name it, look into it.

mod container;
mod find;
mod links;
mod name;
mod resolve;

pub(super) use links::list as interfaces_here;

use std::{fs::File, io, os::unix::fs::MetadataExt as _, thread};

use nix::sched::{CloneFlags, setns};

/// A network namespace, held open: it stays reachable even if its last process ends.
#[derive(Debug)]
pub struct Netns {
    inum: u32,
    name: String,
    file: File,
}

impl Netns {
    /// The inode number, as in `readlink /proc/self/ns/net`.
    #[must_use]
    pub fn inum(&self) -> u32 {
        self.inum
    }

    /// A name for people: `host` (that of PID 1), the name that `ip netns` shows, the pod or
    /// container that has it as `pod web-7f9c (nginx[1234])`, a process in it as `comm[pid]`, else the
    /// inode number. [`Netns::resolve`] understands each of them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace with this inode number, if it can be found: that of PID 1, those under
    /// `/run/netns` and Docker's directory (seen from PID 1's root too, for a pod with `hostPID`),
    /// and those of all processes that may be read.
    #[must_use]
    pub fn find(inum: u32) -> Option<Self> {
        find::by_inum(inum)
    }

    /// Those that are found without a look at each process: the calling thread's, that of PID 1, those
    /// with a name and Docker's. Each once.
    #[must_use]
    pub fn all_at_hand() -> Vec<Self> {
        find::at_hand()
    }

    /// The namespace that the calling thread is in.
    ///
    /// # Errors
    /// Where `/proc` is missing.
    pub fn current() -> io::Result<Self> {
        let file = File::open(CURRENT)?;
        let inum = inum_of(&file)?;
        Ok(find::by_inum(inum).unwrap_or_else(|| Self { inum, name: inum.to_string(), file }))
    }

    /// What a user gave to `--netns`: `host`, a name of `ip netns`, an inode number, a path,
    /// `pid:N`, or a pod, container or process as [`Netns::name`] writes it.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn resolve(text: &str) -> Result<Self, String> {
        resolve::resolve(text)
    }

    /// The ifindex of the interface with this name, `None` where there is none.
    ///
    /// # Errors
    /// Where the namespace may not be entered (`CAP_SYS_ADMIN`) or the dump fails.
    pub fn ifindex(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(self.interfaces()?.into_iter().find(|(_, known)| known == name).map(|(index, _)| index))
    }

    /// All interfaces as (ifindex, name).
    ///
    /// # Errors
    /// As [`Netns::ifindex`].
    pub fn interfaces(&self) -> io::Result<Vec<(u32, String)>> {
        self.run_in(links::list)?
    }

    /// Runs `work` inside this namespace, on a thread made for it; the calling thread stays where
    /// it is. A child process that `work` starts is in the namespace too. Beware that `/proc/net`
    /// means the main thread's namespace: read `/proc/thread-self/net` there.
    ///
    /// # Errors
    /// Where the namespace may not be entered, which takes `CAP_SYS_ADMIN`.
    pub fn run_in<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let body = move || {
            // Entering the namespace that one is in already would ask for a privilege in vain.
            if std::fs::metadata(CURRENT).and_then(|meta| inum_of_meta(&meta)).ok() != Some(self.inum) {
                setns(&self.file, CloneFlags::CLONE_NEWNET)?;
            }
            Ok(work())
        };
        thread::scope(|scope| {
            let worker = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, body)?;
            worker.join().unwrap_or_else(|_| Err(io::Error::other("the look-up itself failed")))
        })
    }
}

/// The calling thread's namespace; `/proc/self` would be the main thread's.
const CURRENT: &str = "/proc/thread-self/ns/net";

/// Inode number of an open namespace file. The kernel has 32 bits for it (`proc_alloc_inum`).
fn inum_of(file: &File) -> io::Result<u32> {
    inum_of_meta(&file.metadata()?)
}

fn inum_of_meta(meta: &std::fs::Metadata) -> io::Result<u32> {
    u32::try_from(meta.ino()).map_err(|_| io::Error::other("not a namespace file"))
}

#[cfg(test)]
mod tests;
