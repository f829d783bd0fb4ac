//! Data of the running kernel: read once, then immutable except for modules that are loaded later.

pub mod blob;
pub mod btf;
pub mod offsets;
pub mod reasons;
pub mod symbols;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    sync::Arc,
};

use btf::{Btf, Split};

/// The directory of the kernel's own BTF and that of its modules.
const BTF_DIR: &str = "/sys/kernel/btf";

/// Data read from the running kernel.
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// `uname -n`.
    pub node: String,
    vmlinux: Arc<Btf>,
    /// BTF of the loaded modules that hooks or structures are in.
    pub modules: BTreeMap<String, Btf>,
    /// Those of these modules that are loaded without BTF. Kernels before 5.11 have none for modules.
    pub untyped: BTreeSet<String>,
}

impl Kernel {
    /// Reads the BTF of vmlinux, and of the wanted modules that are loaded.
    ///
    /// # Errors
    /// One sentence if the kernel shows no BTF, or one that cannot be understood.
    pub fn read<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let path = format!("{BTF_DIR}/vmlinux");
        let data = blob::read(Path::new(&path)).map_err(|error| {
            format!(
                "this kernel provides no BTF ({path}: {error}): tracer needs one built with CONFIG_DEBUG_INFO_BTF=y \
                 and /sys mounted in this container"
            )
        })?;
        let vmlinux = Btf::parse(data, None).map_err(|error| format!("{path} cannot be parsed: {error}"))?;
        let name = nix::sys::utsname::uname().map_err(|error| format!("uname failed: {error}"))?;
        let mut kernel = Self {
            release: name.release().to_string_lossy().into_owned(),
            node: name.nodename().to_string_lossy().into_owned(),
            vmlinux: Arc::new(vmlinux),
            modules: BTreeMap::new(),
            untyped: BTreeSet::new(),
        };
        kernel.join(wanted)?;
        Ok(kernel)
    }

    /// Reads the BTF of the wanted modules that were loaded since the last call, and returns their names.
    ///
    /// # Errors
    /// One sentence if the kernel shows a BTF that cannot be understood.
    pub fn join<'a>(&mut self, wanted: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
        let mut joined = Vec::new();
        for module in wanted {
            if self.modules.contains_key(module) || !is_live(module) {
                continue;
            }
            if let Some(data) = module_btf(module)? {
                let btf = Btf::parse(data, Some(&self.vmlinux))
                    .map_err(|error| format!("{BTF_DIR}/{module} cannot be parsed: {error}"))?;
                self.modules.insert(module.to_owned(), btf);
                joined.push(module.to_owned());
            } else {
                self.untyped.insert(module.to_owned());
            }
        }
        Ok(joined)
    }

    /// Returns the types of vmlinux.
    #[must_use]
    pub fn vmlinux(&self) -> Split<'_> {
        Split { base: &self.vmlinux, split: None }
    }

    /// Returns the types of a module on top of vmlinux's.
    ///
    /// Returns `None` if the module is not loaded, has no BTF, or is built in (its types are then those of vmlinux).
    #[must_use]
    pub fn types(&self, module: &str) -> Option<Split<'_>> {
        self.modules.get(module).map(|split| Split { base: &self.vmlinux, split: Some(split) })
    }
}

/// Whether a module is loaded completely. Before that, it takes no tracing program. A built-in module has no state.
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
