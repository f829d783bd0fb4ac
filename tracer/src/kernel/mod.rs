//! The running kernel, read once and immutable from then on.

pub mod blob;
pub mod btf;
pub mod offsets;
pub mod reasons;
pub mod symbols;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use blob::Blob;
use btf::{Btf, Split};

/// Where the kernel shows its own BTF and that of its modules.
const BTF_DIR: &str = "/sys/kernel/btf";

/// What was read of the running kernel.
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// `uname -n`.
    pub node: String,
    /// BTF of vmlinux.
    pub vmlinux: Btf,
    /// BTF of the loaded modules that hooks or structures live in.
    pub modules: BTreeMap<String, Btf>,
    /// Modules of those that are loaded without BTF: kernels before 5.11 know none of modules.
    pub untyped: BTreeSet<String>,
}

impl Kernel {
    /// Reads the BTF of vmlinux and of those of the named modules that are loaded.
    ///
    /// # Errors
    /// Where the kernel shows no BTF, or one that cannot be understood.
    pub fn read<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let path = format!("{BTF_DIR}/vmlinux");
        let data = Blob::of(Path::new(&path)).map_err(|error| {
            format!(
                "this kernel shows no BTF ({path}: {error}): tracer needs one built with CONFIG_DEBUG_INFO_BTF=y \
                 and /sys mounted in this container"
            )
        })?;
        let vmlinux = Btf::parse(data, None).map_err(|error| format!("{path} could not be understood: {error}"))?;
        let name = nix::sys::utsname::uname().map_err(|error| format!("uname failed: {error}"))?;
        let mut kernel = Self {
            release: name.release().to_string_lossy().into_owned(),
            node: name.nodename().to_string_lossy().into_owned(),
            vmlinux,
            modules: BTreeMap::new(),
            untyped: BTreeSet::new(),
        };
        kernel.join(wanted)?;
        Ok(kernel)
    }

    /// Reads the BTF of those of the named modules that have been loaded since; gives their names.
    ///
    /// # Errors
    /// Where the kernel shows a BTF that cannot be understood.
    pub fn join<'a>(&mut self, wanted: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
        let mut joined = Vec::new();
        for module in wanted {
            if module.is_empty() || self.modules.contains_key(module) || !is_live(module) {
                continue;
            }
            if let Some(data) = module_btf(module)? {
                let btf = Btf::parse(data, Some(&self.vmlinux))
                    .map_err(|error| format!("{BTF_DIR}/{module} could not be understood: {error}"))?;
                self.modules.insert(module.to_owned(), btf);
                joined.push(module.to_owned());
            } else {
                self.untyped.insert(module.to_owned());
            }
        }
        Ok(joined)
    }

    /// The types of a module on top of vmlinux'; of vmlinux alone for an empty name. `None` where the
    /// module is not loaded, or built in (its types are then vmlinux').
    #[must_use]
    pub fn types(&self, module: &str) -> Option<Split<'_>> {
        if module.is_empty() {
            return Some(Split { base: &self.vmlinux, split: None });
        }
        self.modules.get(module).map(|split| Split { base: &self.vmlinux, split: Some(split) })
    }
}

/// A module that is still being loaded takes no tracing program yet. One that is built in has no state.
fn is_live(module: &str) -> bool {
    let state = fs::read_to_string(Path::new("/sys/module").join(module).join("initstate"));
    state.is_ok_and(|state| state.trim() == "live")
}

fn module_btf(module: &str) -> Result<Option<Vec<u8>>, String> {
    let path = format!("{BTF_DIR}/{module}");
    match fs::read(&path) {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{path} cannot be read: {error}")),
    }
}
