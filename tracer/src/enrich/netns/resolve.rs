//! Resolves the value of `--netns`.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{Netns, find, inum_of, name};

/// Implements [`Netns::resolve`].
pub(super) fn resolve(text: &str) -> Result<Netns, String> {
    if let Some(pid) = text.strip_prefix("pid:") {
        let pid =
            pid.parse().map_err(|_| format!("netns `{text}`: give a process id after `pid:`, as in `pid:1234`"))?;
        return of_pid(text, pid);
    }
    if text == "host" {
        return open(text, Path::new(name::HOST));
    }
    if text.contains('/') {
        return open(text, Path::new(text));
    }
    let named = find::NAMED_DIRS.iter().chain(&find::NAMELESS_DIRS).map(|dir| PathBuf::from(format!("{dir}/{text}")));
    if let Some(path) = named.into_iter().find(|path| !text.is_empty() && path.is_file()) {
        return open(text, &path);
    }
    if let Some(pid) = name::pid_in(text) {
        return of_pid(text, pid);
    }
    match text.parse() {
        Ok(inum) => {
            Netns::find(inum).ok_or_else(|| format!("no netns has inode number {inum}: `lsns -t net` lists all"))
        }
        Err(_) => Err(format!(
            "no netns is called `{text}`: give a name that `ip netns` lists, an inode number, a path or pid:N"
        )),
    }
}

/// Returns whether a file is a network namespace (`NS_GET_NSTYPE`, include/uapi/linux/nsfs.h).
pub(super) fn is_netns(file: &File) -> bool {
    // SAFETY: the request takes no argument and only returns the type.
    let kind = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE as _) };
    kind == libc::CLONE_NEWNET
}

/// `_IO(NSIO, 0x3)`.
const NS_GET_NSTYPE: u32 = 0xb703;

fn of_pid(text: &str, pid: u32) -> Result<Netns, String> {
    open(text, &find::of_pid(pid)).map_err(|error| {
        if Path::new(&format!("/proc/{pid}")).exists() {
            error
        } else {
            format!("netns `{text}`: there is no process {pid}")
        }
    })
}

fn open(text: &str, path: &Path) -> Result<Netns, String> {
    // The path may be a FIFO, which must not block the program until a writer opens it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(|error| match error
        .kind()
    {
        io::ErrorKind::NotFound => format!("netns `{text}`: {} does not exist", path.display()),
        io::ErrorKind::PermissionDenied => {
            format!("netns `{text}`: no permission to open {}; run as root", path.display())
        }
        _ => format!("netns `{text}`: cannot open {}: {error}", path.display()),
    })?;
    let inum = inum_of(&file).ok().filter(|_| is_netns(&file));
    let inum = inum.ok_or_else(|| format!("netns `{text}`: {} is not a network namespace", path.display()))?;
    // Look up the namespace's best name. The name that the user gave may be the only one.
    Ok(find::by_inum(inum).unwrap_or_else(|| Netns { inum, name: text.to_owned(), file }))
}
