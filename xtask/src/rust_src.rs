//! The sources of `core`, from which `core` is built for BPF: from rustup, or from Debian.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    debian::{Suite, deb},
    guest::tree::{Node, Tree},
    progress, workspace,
};

/// The suite that carries recent Rust releases.
const SUITE: &str = "trixie-backports";

/// Puts the sources where the active toolchain expects them, unless they are there. If another toolchain is ready to
/// use, missing sources are an error at once.
pub fn ensure(has_alternative: bool) -> Result<()> {
    let (sysroot, version) = active_toolchain()?;
    let library = sysroot.join("lib/rustlib/src/rust/library");
    if is_complete(&library) {
        return check(&library, &version);
    }
    if has_alternative {
        bail!("the sources of Rust {version}'s core library are missing");
    }
    progress::timed("getting the sources of Rust's core library", || {
        let mut tried = Vec::new();
        for source in [from_rustup as fn(&Path, &str) -> Result<()>, from_debian] {
            match source(&library, &version) {
                Ok(()) if is_complete(&library) => return check(&library, &version),
                Ok(()) => tried.push(format!("{} is still not there", library.display())),
                Err(error) => tried.push(format!("{error:#}")),
            }
        }
        bail!(
            "the sources of Rust {version}'s core library are missing and could not be downloaded ({}); get them by \
             hand with `rustup component add rust-src`, or unpack Debian's package rust-src {version} and \
             copy its folder `library` to {}",
            tried.join("; "),
            library.display()
        )
    })
}

/// Returns sysroot and release of the rustc that cargo uses here.
fn active_toolchain() -> Result<(PathBuf, String)> {
    let ask = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("rustc")
            .args(arguments)
            .current_dir(workspace::root())
            .output()
            .context("cannot start rustc; install Rust with rustup")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let sysroot = ask(&["--print", "sysroot"])?;
    let about = ask(&["-vV"])?;
    let release = about.lines().find_map(|line| line.strip_prefix("release: "));
    let release = release.context("`rustc -vV` names no release; is Rust installed in full?")?;
    // The sources of a nightly or beta are named after the version that it becomes.
    let version = release.split('-').next().unwrap_or(release);
    Ok((PathBuf::from(sysroot.trim()), version.to_owned()))
}

fn is_complete(library: &Path) -> bool {
    library.join("core/src/lib.rs").is_file() && library.join("Cargo.lock").is_file()
}

fn from_rustup(_library: &Path, _version: &str) -> Result<()> {
    if which::which("rustup").is_err() {
        bail!("rustup is not installed");
    }
    let status = Command::new("rustup")
        .args(["component", "add", "rust-src"])
        .current_dir(workspace::root())
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("rustup does not start")?;
    if !status.success() {
        bail!("`rustup component add rust-src` failed");
    }
    Ok(())
}

fn from_debian(library: &Path, version: &str) -> Result<()> {
    let suite = Suite::open(SUITE)?;
    let exact = |found: &str| found.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '-', '~']));
    let package = suite.index.versions("rust-src").iter().find(|package| exact(&package.version));
    let package = package.with_context(|| suite.lacks(&format!("rust-src {version}")))?;
    let mut tree = Tree::default();
    let prefix = format!("usr/src/rustc-{version}/library/");
    deb::unpack(&suite.download(package)?, &mut tree, &|path| path.starts_with(&prefix))?;

    let parent = library.parent().unwrap_or(library);
    let cannot = || format!("{} cannot be written; run this as a user with write permission", parent.display());
    fs::create_dir_all(parent).with_context(cannot)?;
    // Unpack into a folder next to the target and rename it, so that an interrupted run leaves no partial library.
    let staging = tempfile::tempdir_in(parent).with_context(cannot)?;
    for (path, node) in tree.iter() {
        let (Some(path), Node::File { content, .. }) = (path.strip_prefix(&prefix), node) else { continue };
        let path = staging.path().join("library").join(path);
        fs::create_dir_all(path.parent().unwrap_or(parent)).with_context(cannot)?;
        fs::write(&path, content).with_context(cannot)?;
    }
    if library.exists() {
        fs::remove_dir_all(library).with_context(cannot)?;
    }
    fs::rename(staging.path().join("library"), library).with_context(cannot)
}

/// Checks that the library is of that version. The newest thing that became stable in it shows its age.
fn check(library: &Path, version: &str) -> Result<()> {
    let newest = newest_stable(&library.join("core/src"))?;
    let expected = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
    if expected.is_some() && newest != expected {
        bail!(
            "the sources in {} belong to Rust 1.{}, but rustc is {version}; remove that folder and run this again",
            library.display(),
            newest.unwrap_or_default()
        );
    }
    Ok(())
}

fn newest_stable(folder: &Path) -> Result<Option<u32>> {
    let mut newest = None;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            newest = newest.max(newest_stable(&path)?);
        } else if let Ok(text) = fs::read_to_string(&path) {
            newest = newest.max(text.lines().filter_map(stable_since).max());
        }
    }
    Ok(newest)
}

/// Parses the minor version in a line such as `#[stable(feature = "f", since = "1.95.0")]`.
fn stable_since(line: &str) -> Option<u32> {
    let attribute = line.trim_start();
    if !attribute.starts_with("#[stable(") && !attribute.starts_with("#[rustc_const_stable(") {
        return None;
    }
    let (_, since) = attribute.split_once("since = \"1.")?;
    since.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::stable_since;

    #[test]
    fn age_of_a_line() {
        assert_eq!(stable_since("  #[stable(feature = \"f\", since = \"1.95.0\")]"), Some(95));
        assert_eq!(stable_since("#[rustc_const_stable(feature = \"f\", since = \"1.9.0\")]"), Some(9));
        assert_eq!(stable_since("#[deprecated(since = \"1.97.0\")]"), None);
        assert_eq!(stable_since("#[unstable(feature = \"f\", issue = \"1\")]"), None);
    }
}
