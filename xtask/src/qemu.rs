//! Makes sure that QEMU is there.

use anyhow::{Context as _, Result, bail};

use crate::apt;

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";

/// Installs QEMU where that can be done; else says how to.
pub fn ensure() -> Result<()> {
    if which::which(PROGRAM).is_ok() {
        return Ok(());
    }
    apt::install(&[PACKAGE]).with_context(|| format!("{PROGRAM} is missing"))?;
    if which::which(PROGRAM).is_err() {
        bail!("the package {PACKAGE} is installed, but {PROGRAM} is still not on PATH; put it there");
    }
    Ok(())
}
