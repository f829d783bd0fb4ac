//! Loads single programs of the object on top of the maps that Aya created.
//!
//! Aya 0.14 cannot load fentry programs for functions of modules, nor attach `kprobe.multi`. Its
//! public parts can: `aya_obj` parses and relocates, the `bpf(2)` call is ours.

use std::{
    collections::{HashMap, HashSet},
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
};

use aya::{Ebpf, maps::Map};
use aya_obj::generated::{bpf_attach_type, bpf_prog_type};

use super::{chain, sys};

/// A relocated object.
pub struct Object {
    object: aya_obj::Object,
    btf: Option<OwnedFd>,
}

/// What a program becomes.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `BPF_PROG_TYPE_*`.
    pub program: bpf_prog_type,
    /// Attach type that the verifier wants to know beforehand.
    pub attach: Option<bpf_attach_type>,
    /// BTF id of the function or tracepoint, 0 for none.
    pub btf_id: u32,
}

impl Object {
    /// Parses the object and points its programs at the maps.
    ///
    /// # Errors
    /// A sentence where the object does not fit: a defect of the build.
    pub fn new(bytes: &[u8], maps: &Ebpf) -> Result<Self, String> {
        let failed = |error: &dyn std::error::Error| format!("the eBPF object is unusable: {}", chain(error));
        let mut object = aya_obj::Object::parse(bytes).map_err(|error| failed(&error))?;
        let features = aya::features();
        let btf = match features.btf() {
            Some(features) => object
                .fixup_and_sanitize_btf(features)
                .map_err(|error| failed(&error))?
                .and_then(|btf| sys::load_btf(&btf.to_bytes()).ok()),
            None => None,
        };
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        let fds: HashMap<String, RawFd> =
            maps.maps().filter_map(|(name, map)| Some((name.to_owned(), fd_of(map)?))).collect();
        let definitions: Vec<_> = object.maps.iter().map(|(name, map)| (name.clone(), map.clone())).collect();
        object
            .relocate_maps(
                definitions.iter().filter_map(|(name, map)| Some((name.as_str(), *fds.get(name)?, map))),
                &text,
            )
            .map_err(|error| failed(&error))?;
        object.relocate_calls(&text).map_err(|error| failed(&error))?;
        object.sanitize_functions(features);
        Ok(Self { object, btf })
    }

    /// Loads a program. `module` is the BTF of the module that `kind.btf_id` counts in.
    ///
    /// # Errors
    /// What the kernel said; with the verifier's last line where it was the verifier.
    pub fn load(&self, name: &str, kind: Kind, module: Option<&OwnedFd>) -> Result<OwnedFd, String> {
        let program = self.object.programs.get(name).ok_or_else(|| format!("the object has no program {name}"))?;
        let function = self
            .object
            .functions
            .get(&program.function_key())
            .ok_or_else(|| format!("the object has no code for {name}"))?;
        sys::load_program(&sys::Load {
            name,
            kind,
            license: &program.license,
            function,
            btf: self.btf.as_ref().map(|fd| fd.as_fd()),
            module: module.map(|fd| fd.as_fd()),
        })
    }
}

/// All maps are held alike; Aya tells them apart by type.
pub fn fd_of(map: &Map) -> Option<RawFd> {
    match map {
        Map::Array(map)
        | Map::HashMap(map)
        | Map::LruHashMap(map)
        | Map::PerCpuArray(map)
        | Map::ProgramArray(map)
        | Map::RingBuf(map) => Some(map.fd().as_fd().as_raw_fd()),
        _ => None,
    }
}
