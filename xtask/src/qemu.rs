//! The QEMU that runs guests: the machine's own if it is recent, otherwise Debian's, unpacked into xtask's own folder.
//!
//! QEMU 10 emulates our guests in half the time that 7.2 takes, the version in Debian 12.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    debian::{Suite, deb, resolve},
    guest::tree::Tree,
    progress, workspace,
};

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";
const SUITE: &str = "trixie";
/// The first major version that is fast enough.
const RECENT: u32 = 10;

/// Fetches QEMU unless the machine has a recent one.
pub fn ensure() -> Result<()> {
    source().map(|_| ())
}

/// Returns the command that starts QEMU, ready for arguments.
pub fn command() -> Result<Command> {
    Ok(match source()? {
        Source::Machine => Command::new(PROGRAM),
        Source::Unpacked(root) => {
            let usr = root.join("usr");
            let libraries = usr.join("lib/x86_64-linux-gnu");
            // It needs a newer libc than the machine may have, so its own loader starts it.
            let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
            command.arg("--library-path").arg(&libraries).arg(usr.join("bin").join(PROGRAM));
            for firmware in ["share/qemu", "share/seabios"] {
                command.arg("-L").arg(usr.join(firmware));
            }
            command
        }
    })
}

enum Source {
    Machine,
    Unpacked(PathBuf),
}

fn source() -> Result<&'static Source> {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    if let Some(source) = SOURCE.get() {
        return Ok(source);
    }
    let found = if is_recent() { Source::Machine } else { Source::Unpacked(unpacked()?) };
    Ok(SOURCE.get_or_init(|| found))
}

fn is_recent() -> bool {
    let Ok(output) = Command::new(PROGRAM).arg("--version").stdin(Stdio::null()).output() else { return false };
    major(&String::from_utf8_lossy(&output.stdout)).is_some_and(|major| major >= RECENT)
}

/// Parses "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)".
fn major(said: &str) -> Option<u32> {
    said.split("version ").nth(1)?.split('.').next()?.parse().ok()
}

fn unpacked() -> Result<PathBuf> {
    // Change the name whenever the unpacked files change.
    let root = workspace::cache("tools")?.join("qemu-1");
    if root.exists() {
        return Ok(root);
    }
    progress::timed("fetching QEMU", || unpack(&root)).with_context(|| {
        format!("{PROGRAM} {RECENT} or newer is missing and could not be fetched; install it and run this again")
    })?;
    Ok(root)
}

fn unpack(root: &Path) -> Result<()> {
    let suite = Suite::open(SUITE)?;
    let packages = match resolve::closure(&suite.index, &[PACKAGE]) {
        Ok(packages) => packages,
        Err(missing) => bail!("{}", suite.lacks(&missing)),
    };
    let mut tree = Tree::default();
    for package in packages {
        deb::unpack(&suite.download(package)?, &mut tree, &is_used)?;
    }
    let parent = root.parent().unwrap_or(root);
    let new = tempfile::tempdir_in(parent).context("cannot make a folder for QEMU")?;
    tree.write_to(new.path())?;
    let new = new.keep();
    std::fs::rename(&new, root).with_context(|| format!("cannot rename {} to {}", new.display(), root.display()))
}

/// Whether an emulated PC without a display needs the file.
fn is_used(path: &str) -> bool {
    let path = path.strip_prefix("usr/").unwrap_or(path);
    let library = |name: &str| !name.contains('/');
    path == format!("bin/{PROGRAM}")
        || path.starts_with("share/qemu/")
        || path.starts_with("share/seabios/")
        || path.strip_prefix("lib/x86_64-linux-gnu/").is_some_and(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n"), Some(7));
        assert_eq!(major("QEMU emulator version 10.0.2\n"), Some(10));
        assert_eq!(major("not QEMU"), None);
    }

    #[test]
    fn firmware_and_libraries_are_kept() {
        assert!(is_used("usr/bin/qemu-system-x86_64"));
        assert!(is_used("usr/lib/x86_64-linux-gnu/libc.so.6"));
        assert!(is_used("lib/x86_64-linux-gnu/libz.so.1"));
        assert!(!is_used("usr/bin/qemu-system-i386"));
        assert!(!is_used("usr/lib/x86_64-linux-gnu/qemu/ui-gtk.so"));
    }
}
