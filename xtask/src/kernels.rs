//! The kernels that tracer is tested on: Debian's cloud kernels, one row each.

use std::str::FromStr;

use anyhow::{Result, bail};

use crate::{
    debian::{Suite, deb, index::Package},
    guest::tree::Tree,
};

/// The kernel that is used unless another is requested.
pub const DEFAULT: &str = "6.18.15";

/// The kernels that `cargo xtask test` runs on.
pub const MATRIX: [&str; 5] = ["5.10", "6.1", "6.12", DEFAULT, "7.3"];

/// Where a kernel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its name for `--kernel`.
    pub name: &'static str,
    suite: &'static str,
    /// How the names of the needed packages start. They end with the flavour.
    packages: &'static [&'static str],
}

const FLAVOUR: &str = "-cloud-amd64";

const TABLE: [Kernel; 5] = [
    Kernel { name: "5.10", suite: "bullseye", packages: &["linux-image-5.10."] },
    Kernel { name: "6.1", suite: "bookworm", packages: &["linux-image-6.1."] },
    Kernel { name: "6.12", suite: "trixie", packages: &["linux-image-6.12."] },
    Kernel { name: "6.18.15", suite: "trixie-backports", packages: &["linux-image-6.18.15+"] },
    // Since 7.2 the image package is empty and depends on two others.
    Kernel { name: "7.3", suite: "trixie-backports", packages: &["linux-binary-7.3.", "linux-modules-7.3."] },
];

impl FromStr for Kernel {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let Some(kernel) = TABLE.iter().find(|kernel| kernel.name == name) else {
            let names = TABLE.map(|kernel| kernel.name).join(", ");
            bail!("there is no kernel {name} in the table; choose one of {names}")
        };
        Ok(*kernel)
    }
}

impl Kernel {
    /// Downloads the kernel and unpacks its image and modules.
    pub fn fetch(&self) -> Result<Tree> {
        let suite = Suite::open(self.suite)?;
        let mut tree = Tree::default();
        for prefix in self.packages {
            let Some(package) = self.package(&suite, prefix) else {
                bail!("{}", suite.lacks(&format!("{prefix}*{FLAVOUR}")))
            };
            let wanted = |path: &str| path.starts_with("boot/vmlinuz") || path.contains("lib/modules/");
            deb::unpack(&suite.download(package)?, &mut tree, &wanted)?;
        }
        Ok(tree)
    }

    fn package<'a>(&self, suite: &'a Suite, prefix: &str) -> Option<&'a Package> {
        suite.index.newest_like(prefix, FLAVOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_typing_errors_are_told() {
        for name in MATRIX {
            assert!(name.parse::<Kernel>().is_ok());
        }
        let message = "4.19".parse::<Kernel>().map_or_else(|error| error.to_string(), |_| String::new());
        assert!(message.contains("6.18.15"), "{message}");
    }
}
