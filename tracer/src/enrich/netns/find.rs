//! Finds network namespaces.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{CURRENT, Netns, inum_of, name};

/// Implements [`Netns::find`]. Cheap places are searched first. A name that a person chose takes precedence over a
/// process's, and a container's over one that a program generated.
pub(super) fn by_inum(inum: u32) -> Option<Netns> {
    if let Some(file) = open_if(Path::new(name::HOST), inum) {
        return Some(Netns { inum, name: "host".to_owned(), file });
    }
    let named = NAMED_DIRS.iter().flat_map(|dir| entries(dir)).find_map(|path| {
        let file = open_if(&path, inum)?;
        Some((name::of_path(&path), file))
    });
    match named {
        Some((Some(name), file)) if !name::is_made_up(&name) => Some(Netns { inum, name, file }),
        Some((name, file)) => {
            let inside = process_in(inum).and_then(|(pid, _)| name::of_container(pid));
            Some(Netns { inum, name: inside.or(name).unwrap_or_else(|| inum.to_string()), file })
        }
        None => nameless(inum),
    }
}

/// Implements [`Netns::all_at_hand`].
pub(super) fn at_hand() -> Vec<Netns> {
    let fixed = [name::HOST, CURRENT].map(PathBuf::from);
    let dirs = NAMED_DIRS.iter().chain(&NAMELESS_DIRS).flat_map(|dir| entries(dir));
    let mut found: Vec<Netns> = Vec::new();
    for path in fixed.into_iter().chain(dirs) {
        let Ok(file) = File::open(&path) else { continue };
        let Some(inum) = inum_of(&file).ok().filter(|_| super::resolve::is_netns(&file)) else { continue };
        if found.iter().all(|known| known.inum != inum) {
            let name = if path == Path::new(name::HOST) { Some("host".to_owned()) } else { name::of_path(&path) };
            found.push(Netns { inum, name: name.unwrap_or_else(|| inum.to_string()), file });
        }
    }
    found
}

fn nameless(inum: u32) -> Option<Netns> {
    if let Some((pid, file)) = process_in(inum) {
        return Some(Netns { inum, name: name::of_pid(pid).unwrap_or_else(|| inum.to_string()), file });
    }
    let unnamed = NAMELESS_DIRS.iter().flat_map(|dir| entries(dir)).chain([PathBuf::from(CURRENT)]);
    let file = unnamed.into_iter().find_map(|path| open_if(&path, inum))?;
    Some(Netns { inum, name: inum.to_string(), file })
}

/// Returns the process that identifies the namespace best: the one with the lowest pid that is not a pause process, or
/// else a pause process.
fn process_in(inum: u32) -> Option<(u32, File)> {
    let mut pause = None;
    for pid in pids() {
        let Some(file) = open_if(&of_pid(pid), inum) else { continue };
        if !name::is_pause(pid) {
            return Some((pid, file));
        }
        pause = pause.or(Some((pid, file)));
    }
    pause
}

/// Directories of `ip netns` and of CNI plugins, in which a file's name is the namespace's name. In a pod with
/// `hostPID`, the host's directories are below PID 1's root.
pub(super) const NAMED_DIRS: [&str; 2] = ["/run/netns", "/proc/1/root/run/netns"];

/// Docker's directories, in which file names are fragments of ids that say little to a person.
pub(super) const NAMELESS_DIRS: [&str; 3] =
    ["/run/docker/netns", "/var/run/docker/netns", "/proc/1/root/run/docker/netns"];

/// Returns the path of a process's namespace.
pub(super) fn of_pid(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

/// Returns all process ids, lowest first, because the lowest one identifies a pod best.
pub(in super::super) fn pids() -> Vec<u32> {
    let mut pids: Vec<u32> =
        entries("/proc").iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// Returns the paths in a directory, sorted so that every search finds the same; none if it cannot be read.
fn entries(dir: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Opens `path` if it is the namespace with this inode number.
fn open_if(path: &Path, inum: u32) -> Option<File> {
    // Check the metadata first: opening every process's namespace would be slower and may be refused.
    let found = super::inum_of_meta(&fs::metadata(path).ok()?).ok()?;
    if found != inum {
        return None;
    }
    let file = File::open(path).ok()?;
    // Inode numbers repeat across file systems, so the file must also be a namespace.
    (super::resolve::is_netns(&file) && inum_of(&file).ok()? == inum).then_some(file)
}
