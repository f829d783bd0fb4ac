//! Debian packages in a guest.

use anyhow::{Result, bail};

use super::tree::Tree;
use crate::debian::{Suite, deb, index::Package, resolve};

/// The suite that they come from.
const SUITE: &str = "trixie";

/// Installs packages into a guest, with all their dependencies. Returns all of them.
pub fn install(names: &[&str], guest: &mut Tree) -> Result<Vec<Package>> {
    let suite = Suite::open(SUITE)?;
    let packages = match resolve::closure(&suite.index, names) {
        Ok(packages) => packages,
        Err(missing) => bail!("{}", suite.lacks(&missing)),
    };
    for package in &packages {
        deb::unpack(&suite.download(package)?, guest, &is_used)?;
    }
    Ok(packages.into_iter().cloned().collect())
}

/// Whether a guest uses the file.
fn is_used(path: &str) -> bool {
    const UNUSED: [&str; 11] = [
        "usr/share/bash-completion",
        "usr/share/bug",
        "usr/share/doc",
        "usr/share/gcc",
        "usr/share/info",
        "usr/share/lintian",
        "usr/share/locale",
        "usr/share/man",
        "usr/lib/systemd",
        "usr/lib/x86_64-linux-gnu/gconv",
        "usr/lib/x86_64-linux-gnu/audit",
    ];
    !UNUSED.iter().any(|prefix| path.starts_with(prefix))
}
