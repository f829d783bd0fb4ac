//! Debian's own Rust with all that eBPF needs: the last resort, where `core`'s sources for the
//! active toolchain cannot be had.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{apt, progress};

/// Where Debian's toolchain lives; rustup takes the folder as the name of a toolchain.
pub const SYSROOT: &str = "/usr";

const PACKAGES: [&str; 4] = ["cargo-web", "rust-web-clippy", "rust-web-src", "rustc-web"];

/// The first minor version of Rust that the workspace builds with.
const OLDEST: u32 = 95;

/// Whether it is there and new enough.
pub fn is_usable() -> bool {
    Path::new(SYSROOT).join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
        && version().is_ok_and(|minor| minor >= OLDEST)
}

/// Installs it, where the machine's Debian carries one that is new enough.
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

fn version() -> Result<u32> {
    let output = Command::new(format!("{SYSROOT}/bin/rustc"))
        .arg("--version")
        .output()
        .context("Debian's rustc does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    parse_minor(&text).with_context(|| format!("Debian's rustc gives no version but {text:?}"))
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
