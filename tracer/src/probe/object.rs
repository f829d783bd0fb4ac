//! Creates the maps of the object and loads single programs from it.
//!
//! Aya 0.14 cannot load fentry programs for functions of modules, nor attach `kprobe.multi`. Its public parts allow
//! both: `aya_obj` parses and relocates, and we make the `bpf(2)` call.

use std::{
    collections::{HashMap, HashSet},
    io,
    num::NonZeroU32,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use aya::maps::MapData;
use aya_obj::{
    EbpfSectionKind,
    generated::{BPF_PSEUDO_FUNC, bpf_insn},
};

use tracer_common::{Config, placeholder};

use super::{
    cast,
    error::Error,
    fold::{
        self,
        insn::{CALL, LD_IMM64},
    },
    sys::{self, Kind, Target},
};

/// A relocated object.
pub struct Object {
    object: aya_obj::Object,
    bytes: &'static [u8],
    config: Config,
    btf: Option<OwnedFd>,
    maps: Maps,
    /// Contents of the map of frozen globals.
    constants: Vec<u8>,
}

/// Maps by name. These are duplicates of the descriptors that Aya owns.
type Maps = HashMap<String, OwnedFd>;

/// Maps as Aya reads them, by name.
pub type Created = HashMap<String, MapData>;

/// Parameters of an object.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Value of the frozen global `CONFIG`.
    pub config: Config,
    /// Numbers of entries of maps, if they differ from those in the object.
    pub sizes: &'a [(&'a str, u32)],
    /// Programs to keep; `None` for all. Relocating all of them takes as long as loading ten.
    pub only: Option<&'a HashSet<String>>,
}

/// `BPF_ALU | BPF_MOV | BPF_K`: moves a number into the lower half of a register.
const MOV32_IMM: u8 = 0xb4;
/// `BPF_ALU64 | BPF_MOV | BPF_K`: moves a number into a register.
const MOV64_IMM: u8 = 0xb7;

impl Object {
    /// Parses the object, creates its maps and points its programs at them.
    ///
    /// # Errors
    /// If the object does not fit, which is a defect of the build, or if maps cannot be created.
    pub fn new(bytes: &'static [u8], given: Given<'_>) -> Result<(Self, Created), Error> {
        Self::on_top_of(Maps::new(), bytes, given)
    }

    /// Returns the same object with other constants. Only the map of constants is created; all others are shared.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_constants(&self, given: Given<'_>) -> Result<Self, Error> {
        Ok(Self::on_top_of(self.maps_but(Some(CONSTANTS))?, self.bytes, given)?.0)
    }

    /// Returns the same object with all its programs.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn whole(&self) -> Result<Self, Error> {
        let given = Given { config: self.config, sizes: &[], only: None };
        Ok(Self::on_top_of(self.maps_but(None)?, self.bytes, given)?.0)
    }

    fn maps_but(&self, one: Option<&str>) -> Result<Maps, Error> {
        let others = self.maps.iter().filter(|(name, _)| Some(name.as_str()) != one);
        let shared: io::Result<Maps> = others.map(|(name, map)| Ok((name.clone(), map.try_clone()?))).collect();
        shared.map_err(Error::ShareMaps)
    }

    fn on_top_of(mut maps: Maps, bytes: &'static [u8], given: Given<'_>) -> Result<(Self, Created), Error> {
        let mut object = aya_obj::Object::parse(bytes).map_err(unusable)?;
        object.patch_map_data(HashMap::from([("CONFIG", (bytes_of(&given.config), true))])).map_err(unusable)?;
        if let Some(only) = given.only {
            let others = object.programs.extract_if(|name, _| !only.contains(name));
            others.for_each(|(_, program)| drop(object.functions.remove(&program.function_key())));
        }
        tracing::debug!("the object is parsed");
        let features = aya::features();
        tracing::debug!("features are known");
        let btf = match features.btf() {
            Some(features) => object
                .fixup_and_sanitize_btf(features)
                .map_err(unusable)?
                .and_then(|btf| sys::load_btf(&btf.to_bytes()).ok()),
            None => None,
        };
        let mut created = Created::new();
        for (name, map) in object.maps.iter_mut().filter(|(name, _)| !maps.contains_key(*name)) {
            if let Some((_, entries)) = given.sizes.iter().find(|(of, _)| of == name) {
                map.set_max_entries(*entries);
            }
            created.insert(name.clone(), create(name, map, btf.as_ref())?);
        }
        tracing::debug!("maps are created");
        for (name, map) in &created {
            let held = map.fd().as_fd().try_clone_to_owned();
            maps.insert(name.clone(), held.map_err(Error::HoldMaps)?);
        }
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        // `relocate_maps` needs the definitions while it changes the code.
        let definitions = std::mem::take(&mut object.maps);
        let constants = definitions.get(CONSTANTS).map(|map| map.data().to_vec()).unwrap_or_default();
        let found =
            definitions.iter().filter_map(|(name, map)| Some((name.as_str(), maps.get(name)?.as_raw_fd(), map)));
        object.relocate_maps(found, &text).map_err(unusable)?;
        object.relocate_calls(&text).map_err(unusable)?;
        object.sanitize_functions(features);
        tracing::debug!("the object is relocated");
        Ok((Self { object, bytes, config: given.config, btf, maps, constants }, created))
    }

    /// Whether the object has a program.
    pub fn has(&self, name: &str) -> bool {
        self.object.programs.contains_key(name)
    }

    /// Returns a map's descriptor.
    pub fn map(&self, name: &str) -> Option<&OwnedFd> {
        self.maps.get(name)
    }

    /// Discards the code of all programs except these.
    pub fn keep_only(&mut self, names: &[&str]) {
        self.object.programs.retain(|name, _| names.contains(&name.as_str()));
        let kept: HashSet<_> = self.object.programs.values().map(aya_obj::Program::function_key).collect();
        self.object.functions.retain(|key, _| kept.contains(key));
        self.object.functions = std::mem::take(&mut self.object.functions).into_iter().collect();
    }

    /// Loads a program. `module` is the BTF of the module that contains `kind.btf_id`.
    ///
    /// # Errors
    /// The kernel's error, with the verifier's last line if the verifier refused the program.
    pub fn load(&self, name: &str, kind: Kind, module: Option<&OwnedFd>) -> Result<OwnedFd, Error> {
        self.load_with(name, kind, module.map_or(Target::Vmlinux, Target::Module), None)
    }

    /// Loads a program for a target. `replace` names a number that the code moves into a register, and its replacement.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        &self,
        name: &str,
        kind: Kind,
        target: Target<'_>,
        replace: Option<(i32, i32)>,
    ) -> Result<OwnedFd, Error> {
        tracing::debug!("loading {name}");
        let program = self.object.programs.get(name).ok_or_else(|| Error::NoProgram(name.to_owned()))?;
        let function =
            self.object.functions.get(&program.function_key()).ok_or_else(|| Error::NoCode(name.to_owned()))?;
        let mut function = function.clone();
        let instructions = &mut function.instructions;
        if let Some((from, to)) = replace {
            for instruction in instructions.iter_mut().filter(|it| it.code == MOV32_IMM && it.imm == from) {
                instruction.imm = to;
            }
        }
        if self.config.has_loop == 0 {
            take_out_references(instructions);
        }
        name_cast(instructions, self.config.cast());
        if let Some(map) = self.maps.get(CONSTANTS) {
            fold::fold(&mut function, fold::Constants { fd: map.as_raw_fd(), bytes: &self.constants });
        }
        sys::load_program(&sys::Load {
            name,
            kind,
            license: &program.license,
            function: &function,
            btf: self.btf.as_ref().map(|fd| fd.as_fd()),
            target,
        })
    }
}

/// Replaces references to functions by zeroes moved into their registers. A kernel without `bpf_loop` refuses
/// instructions that refer to a function, even if they are never reached.
fn take_out_references(instructions: &mut [bpf_insn]) {
    let mut rest = instructions;
    while let Some((first, others)) = rest.split_first_mut() {
        if first.code == LD_IMM64
            && u32::from(first.src_reg()) == BPF_PSEUDO_FUNC
            && let Some(second) = others.first_mut()
        {
            let register = first.dst_reg();
            for half in [first, second] {
                half.code = MOV64_IMM;
                half.set_dst_reg(register);
                half.set_src_reg(0);
                half.off = 0;
                half.imm = 0;
            }
        }
        rest = others;
    }
}

/// Replaces [`placeholder::RDONLY_CAST`] by a call of the kernel's function.
fn name_cast(instructions: &mut [bpf_insn], id: Option<NonZeroU32>) {
    let stands_for_it = |it: &&mut bpf_insn| it.code == CALL && it.src_reg() == 0 && it.imm == placeholder::RDONLY_CAST;
    for call in instructions.iter_mut().filter(stands_for_it) {
        *call = cast::call(id);
    }
}

/// Name of the map of frozen globals.
const CONSTANTS: &str = ".rodata";

/// Creates a map with its contents in the object.
fn create(name: &str, map: &aya_obj::Map, btf: Option<&OwnedFd>) -> Result<MapData, Error> {
    let created = MapData::create(map.clone(), name, btf.map(|btf| btf.as_fd()))
        .map_err(|error| Error::CreateMap { name: name.to_owned(), error })?;
    fill(&created, map).map_err(|error| Error::FillMap { name: name.to_owned(), error })?;
    Ok(created)
}

fn fill(created: &MapData, map: &aya_obj::Map) -> io::Result<()> {
    let fd = created.fd().as_fd();
    if !map.data().is_empty() {
        sys::set_element(fd, 0, map.data())?;
    }
    if map.section_kind() == EbpfSectionKind::Rodata {
        sys::freeze(fd)?;
    }
    Ok(())
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Object(Box::new(error))
}

fn bytes_of(config: &Config) -> &[u8] {
    // SAFETY: `Config` is `repr(C)` of integers; it has no padding that is read before it is written.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(config).cast(), size_of::<Config>()) }
}
