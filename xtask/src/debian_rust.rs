//! Debian's own Rust with everything that eBPF needs: the last resort if the sources of `core` for the active toolchain
//! are unavailable.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{apt, progress, workspace};

/// Sysroot of Debian's toolchain. rustup accepts this folder as the name of a toolchain.
pub const SYSROOT: &str = "/usr";

const PACKAGES: [&str; 4] = ["cargo-web", "rust-web-clippy", "rust-web-src", "rustc-web"];

/// The first minor version of Rust that the workspace builds with.
const OLDEST: u32 = 95;

/// Whether it is installed and new enough.
pub fn is_usable() -> bool {
    Path::new(SYSROOT).join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
        && version().is_ok_and(|minor| minor >= OLDEST)
}

/// Installs it if the machine's Debian has one that is new enough.
pub fn install() -> Result<()> {
    if !is_usable() {
        apt::install(&PACKAGES)?;
    }
    let minor = version()?;
    if minor < OLDEST {
        bail!("Debian's Rust is 1.{minor}, but tracer needs 1.{OLDEST}");
    }
    progress::say(&format!("building with Debian's Rust 1.{minor}"));
    Ok(())
}

/// Returns a folder that holds only Debian's LLVM, for bpf-linker's library path. Debian's own folder does not work,
/// because bpf-linker would take the first LLVM in it, whatever its version.
pub fn llvm_folder() -> Result<PathBuf> {
    let about = ask("-vV")?;
    let version = about.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or_default();
    let mut numbers = version.split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("Debian's rustc names no LLVM version in `rustc -vV`; reinstall the package rustc-web");
    };
    let name = format!("libLLVM.so.{major}.{minor}");
    let library = Path::new("/usr/lib/x86_64-linux-gnu").join(&name);
    if !library.exists() {
        bail!("{} is missing; install the package libllvm{major}", library.display());
    }
    let folder = workspace::cache("llvm")?;
    let link = folder.join(&name);
    // An earlier run may have made the link for this very version.
    if !link.exists() {
        symlink(&library, &link).with_context(|| format!("cannot make the link {}", link.display()))?;
    }
    Ok(folder)
}

fn version() -> Result<u32> {
    let text = ask("--version")?;
    parse_minor(&text).with_context(|| format!("Debian's rustc reports no version but {text:?}"))
}

fn ask(question: &str) -> Result<String> {
    let rustc = format!("{SYSROOT}/bin/rustc");
    let output = Command::new(rustc).arg(question).output().context("Debian's rustc does not start")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn parse_minor(text: &str) -> Option<u32> {
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_minor;

    #[test]
    fn version_line() {
        assert_eq!(parse_minor("rustc 1.96.0 (hash date) (built from a source tarball)\n"), Some(96));
        assert_eq!(parse_minor("no rustc"), None);
    }
}
