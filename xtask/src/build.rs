//! `cargo xtask build`: makes the toolchain ready and builds the release binaries.

use anyhow::{Context as _, Result, bail};

use crate::{progress, toolchain};

/// Builds the default members for release.
pub fn build() -> Result<()> {
    let toolchain = toolchain::ensure()?;
    progress::timed("building for release", || {
        let status = toolchain
            .cargo()
            .args(["build", "--release"])
            .stdout(std::io::stderr())
            .status()
            .context("cannot start cargo; is Rust installed?")?;
        if !status.success() {
            bail!("the build failed; the compiler's messages above say where");
        }
        Ok(())
    })
}
