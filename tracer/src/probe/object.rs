//! Loads single programs of the object on top of the maps that Aya created.
//!
//! Aya 0.14 cannot load fentry programs for functions of modules, nor attach `kprobe.multi`. Its
//! public parts can: `aya_obj` parses and relocates, the `bpf(2)` call is ours.

use std::{
    collections::{HashMap, HashSet},
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd},
};

use aya::{Ebpf, maps::Map};
use aya_obj::generated::{BPF_PSEUDO_FUNC, bpf_attach_type, bpf_insn, bpf_prog_type};

use super::{chain, sys};

/// A relocated object.
pub struct Object {
    object: aya_obj::Object,
    /// Whether code may refer to functions, as `bpf_loop` wants it.
    loops: bool,
    btf: Option<OwnedFd>,
    maps: Maps,
}

/// Maps by name. They are held here, too: Aya hands some of them out.
pub type Maps = HashMap<String, OwnedFd>;

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

/// What `Kind::btf_id` counts in.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The BTF of vmlinux, or nothing.
    Vmlinux,
    /// The BTF of a module.
    Module(&'a OwnedFd),
    /// The BTF of a BPF program.
    Program(&'a OwnedFd),
}

/// `BPF_ALU | BPF_MOV | BPF_K`: a number into the lower half of a register.
const MOV32_IMM: u8 = 0xb4;
/// `BPF_ALU64 | BPF_MOV | BPF_K`
const MOV64_IMM: u8 = 0xb7;
/// `BPF_LD | BPF_DW | BPF_IMM`, which takes two instructions.
const LD_IMM64: u8 = 0x18;

impl Object {
    /// Parses the object and points its programs at the maps.
    ///
    /// # Errors
    /// A sentence where the object does not fit: a defect of the build.
    pub fn new(bytes: &[u8], maps: Maps, loops: bool) -> Result<Self, String> {
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
        let definitions: Vec<_> = object.maps.iter().map(|(name, map)| (name.clone(), map.clone())).collect();
        object
            .relocate_maps(
                definitions.iter().filter_map(|(name, map)| Some((name.as_str(), maps.get(name)?.as_raw_fd(), map))),
                &text,
            )
            .map_err(|error| failed(&error))?;
        object.relocate_calls(&text).map_err(|error| failed(&error))?;
        object.sanitize_functions(features);
        Ok(Self { object, loops, btf, maps })
    }

    /// The same object with the constants of `constants` instead of its own.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_constants(&self, bytes: &[u8], constants: &Ebpf) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the maps cannot be shared: {error}");
        let shared = self.maps.iter().map(|(name, map)| Ok((name.clone(), map.try_clone()?)));
        let mut maps: Maps = shared.collect::<Result<_, _>>().map_err(failed)?;
        maps.extend(held(constants).map_err(failed)?.into_iter().filter(|(name, _)| name.starts_with(CONSTANTS)));
        Self::new(bytes, maps, self.loops)
    }

    /// Loads a program. `module` is the BTF of the module that `kind.btf_id` counts in.
    ///
    /// # Errors
    /// What the kernel said; with the verifier's last line where it was the verifier.
    pub fn load(&self, name: &str, kind: Kind, module: Option<&OwnedFd>) -> Result<OwnedFd, String> {
        self.load_with(name, kind, module.map_or(Target::Vmlinux, Target::Module), None)
    }

    /// Loads a program for a target, with one number that its code moves into a register replaced by
    /// another one.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        &self,
        name: &str,
        kind: Kind,
        target: Target<'_>,
        replace: Option<(i32, i32)>,
    ) -> Result<OwnedFd, String> {
        let program = self.object.programs.get(name).ok_or_else(|| format!("the object has no program {name}"))?;
        let function = self
            .object
            .functions
            .get(&program.function_key())
            .ok_or_else(|| format!("the object has no code for {name}"))?;
        let mut instructions = function.instructions.clone();
        if let Some((from, to)) = replace {
            for instruction in instructions.iter_mut().filter(|it| it.code == MOV32_IMM && it.imm == from) {
                instruction.imm = to;
            }
        }
        if !self.loops {
            take_out_references(&mut instructions);
        }
        sys::load_program(&sys::Load {
            name,
            kind,
            license: &program.license,
            function,
            instructions: &instructions,
            btf: self.btf.as_ref().map(|fd| fd.as_fd()),
            target,
        })
    }
}

/// A kernel without `bpf_loop` does not know instructions that refer to a function, not even where they are
/// never reached. Each becomes zeroes moved into its register.
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

/// The map of frozen globals.
const CONSTANTS: &str = ".rodata";

/// All maps that Aya created.
///
/// # Errors
/// Where no more files can be opened.
pub fn held(maps: &Ebpf) -> std::io::Result<Maps> {
    let fds = maps.maps().filter_map(|(name, map)| Some((name, fd_of(map)?)));
    // SAFETY: the map holds its descriptor as long as it is borrowed.
    fds.map(|(name, fd)| Ok((name.to_owned(), unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?))).collect()
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
