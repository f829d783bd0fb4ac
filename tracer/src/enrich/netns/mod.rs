//! Network namespaces: find one by inode number, name it, look into it.

mod container;
mod find;
mod links;
mod name;
mod resolve;

pub(super) use find::pids;
pub(super) use links::list as interfaces_here;
pub(super) use name::of_process as process_name;

use std::{fs::File, io, os::unix::fs::MetadataExt as _, thread};

use nix::sched::{CloneFlags, setns};

/// A network namespace, held open so that it stays reachable after its last process ends.
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

    /// Returns a name for people: `host` (PID 1's namespace), the name that `ip netns` shows, the pod or container in
    /// it as `pod web-7f9c (nginx[1234])`, a process in it as `comm[pid]`, or else the inode number. [`Netns::resolve`]
    /// understands each of them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Finds the namespace with this inode number. It searches PID 1's namespace, those under `/run/netns` and Docker's
    /// directory (seen from PID 1's root too, for a pod with `hostPID`), and those of all processes that may be read.
    #[must_use]
    pub fn find(inum: u32) -> Option<Self> {
        find::by_inum(inum)
    }

    /// Returns the namespaces that are found without a look at each process: the calling thread's, PID 1's, those with
    /// a name, and Docker's. Each appears once.
    #[must_use]
    pub fn all_at_hand() -> Vec<Self> {
        find::at_hand()
    }

    /// Returns the namespace that the calling thread is in.
    ///
    /// # Errors
    /// Fails if `/proc` is missing.
    pub fn current() -> io::Result<Self> {
        let file = File::open(CURRENT)?;
        let inum = inum_of(&file)?;
        Ok(find::by_inum(inum).unwrap_or_else(|| Self { inum, name: inum.to_string(), file }))
    }

    /// Finds the namespace that a user gave to `--netns`: `host`, a name of `ip netns`, an inode number, a path,
    /// `pid:N`, or a pod, container or process as [`Netns::name`] writes it.
    ///
    /// # Errors
    /// Returns one sentence that says what is wrong and what to do.
    pub fn resolve(text: &str) -> Result<Self, String> {
        resolve::resolve(text)
    }

    /// Returns the ifindex of the interface with this name; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the namespace may not be entered (`CAP_SYS_ADMIN`) or the dump fails.
    pub fn ifindex(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(self.interfaces()?.into_iter().find(|(_, known)| known == name).map(|(index, _)| index))
    }

    /// Returns all interfaces as (ifindex, name).
    ///
    /// # Errors
    /// Fails like [`Netns::ifindex`].
    pub fn interfaces(&self) -> io::Result<Vec<(u32, String)>> {
        self.run_in(links::list)?
    }

    /// Runs `work` inside this namespace, on a thread made for it; the calling thread stays in its own namespace. A
    /// child process that `work` starts is in this namespace too. Beware that `/proc/net` means the main thread's
    /// namespace: read `/proc/thread-self/net` instead.
    ///
    /// # Errors
    /// Fails if the namespace may not be entered, which takes `CAP_SYS_ADMIN`, or if `work` panics.
    pub fn run_in<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let body = move || {
            // Entering the current namespace again would need a privilege for nothing.
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

/// Path of the calling thread's namespace; `/proc/self` would be the main thread's.
const CURRENT: &str = "/proc/thread-self/ns/net";

/// Returns the inode number of an open namespace file, for which the kernel has 32 bits (`proc_alloc_inum`).
fn inum_of(file: &File) -> io::Result<u32> {
    inum_of_meta(&file.metadata()?)
}

fn inum_of_meta(meta: &std::fs::Metadata) -> io::Result<u32> {
    u32::try_from(meta.ino()).map_err(|_| io::Error::other("not a namespace file"))
}

#[cfg(test)]
mod tests;
