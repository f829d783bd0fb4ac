//! Compiles the eBPF programs for the running target and leaves the object in `OUT_DIR`, without what only a
//! debugger reads: each start of tracer would go through it.

use std::fs;

use anyhow::{Context as _, Result, bail};
use object::{
    build::elf::{Builder, SectionData},
    elf::SHT_STRTAB,
};

#[path = "../tracer-ebpf/compile.rs"]
mod ebpf;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed={}/../tracer-common", env!("CARGO_MANIFEST_DIR"));
    let object = ebpf::compile("tracer-ebpf", concat!(env!("CARGO_MANIFEST_DIR"), "/../tracer-ebpf"))?;
    let slim = without_lines(&fs::read(&object)?).context("taking lines out of the eBPF object")?;
    fs::write(&object, slim).context("writing the eBPF object")
}

/// Drops DWARF, and from `.BTF.ext` the lines: the kernel wants to know functions alone.
fn without_lines(object: &[u8]) -> Result<Vec<u8>> {
    let mut elf = Builder::read(object)?;
    let mut functions_end = 0;
    for section in &mut elf.sections {
        let name = section.name.as_slice();
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
        if name == b".BTF.ext"
            && let SectionData::Data(data) = &mut section.data
        {
            functions_end = end_after_functions(data.to_mut())?;
        }
    }
    for section in &mut elf.sections {
        if section.name.as_slice() == b".rel.BTF.ext"
            && let SectionData::Relocation(relocations) = &mut section.data
        {
            relocations.retain(|relocation| relocation.r_offset < functions_end as u64);
        }
    }
    elf.delete_orphans();
    // LLVM keeps names of sections with those of symbols.
    let names = elf.sections.add();
    (names.name, names.sh_type, names.sh_addralign) = (".shstrtab".into(), SHT_STRTAB, 1);
    names.data = SectionData::SectionString;
    let mut slim = Vec::new();
    elf.write(&mut slim)?;
    Ok(slim)
}

/// Ends a `.BTF.ext` behind its functions, and gives that place. From the fifth byte on its header (`struct
/// btf_ext_header`) has its own length, and then of functions, lines and relocations each the place behind it and the
/// length.
fn end_after_functions(btf_ext: &mut Vec<u8>) -> Result<usize> {
    const LENGTH: usize = 4;
    let field = |row: usize, column: usize| LENGTH + 4 + row * 8 + column * 4;
    let word = |at: usize| -> Result<u32> {
        let bytes = btf_ext.get(at..at + 4).context("its .BTF.ext is too short")?;
        Ok(u32::from_le_bytes(bytes.try_into()?))
    };
    let functions_end = word(field(0, 0))? + word(field(0, 1))?;
    if word(field(1, 0))? < functions_end || word(field(2, 1))? != 0 {
        bail!("its .BTF.ext has relocations, or lines before functions");
    }
    let end = usize::try_from(word(LENGTH)? + functions_end)?;
    for row in [1, 2] {
        btf_ext[field(row, 0)..field(row, 1)].copy_from_slice(&functions_end.to_le_bytes());
        btf_ext[field(row, 1)..field(row + 1, 0)].fill(0);
    }
    btf_ext.truncate(end);
    Ok(end)
}
