//! `cargo xtask build`: prepares the toolchain and builds the release binaries.

use anyhow::{Context as _, Result, bail};

use crate::{progress, toolchain};

/// Builds the release binaries for guests and users.
pub fn build() -> Result<()> {
    let toolchain = toolchain::ensure()?;
    progress::timed("building for release", || {
        let status = toolchain
            .cargo()
            .args(["build", "--release", "--package", "tracer", "--package", "tests"])
            .stdout(std::io::stderr())
            .status()
            .context("cannot start cargo; is Rust installed?")?;
        if !status.success() {
            bail!("the build failed; see the compiler's messages above");
        }
        Ok(())
    })
}
