//! Names locations in the kernel's code with a program that the kernel runs for us.
//!
//! Reading all of the kernel's 150,000 symbols takes the kernel 0.4 s, and takes us several megabytes.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use aya_obj::generated::bpf_insn;

use super::{
    load::{load_syscall, run},
    maps,
};
use crate::probe::fold::insn::{CALL, EXIT, LD_IMM64, instruction};

/// Maximum length of a name: a multiple of a word. The stack has 512 bytes.
const ROOM: i16 = 256;
/// The same in words.
const WORDS: usize = ROOM as usize / size_of::<u64>();
/// `BPF_PSEUDO_MAP_VALUE`: the kernel replaces the constant, a map's descriptor, by the address of the map's value.
const MAP_VALUE: u8 = 2;
/// `bpf_snprintf(str, str_size, fmt, data, data_len)`
const SNPRINTF: i32 = 165;

/// Asks the kernel for locations.
pub struct Locations {
    program: OwnedFd,
}

impl Locations {
    /// Loads the program. Fails if the kernel has no such helper (before 5.13) or runs no such program (before 5.14).
    pub fn load() -> io::Result<Self> {
        // The format must be a constant. The program keeps its map.
        let format = maps::constant(b"%pS\0")?;
        let program = load_syscall(&code(format.as_raw_fd()))?;
        Ok(Self { program })
    }

    /// Returns symbol and offset of an address, as in `nf_hook_slow+0x1a`, or the bare address if no symbol is near.
    /// Returns `None` if the name is too long.
    pub fn location(&self, address: u64) -> Option<String> {
        let mut context = [0u64; WORDS];
        context[0] = address;
        run(self.program.as_fd(), &mut context).ok()?;
        let bytes: Vec<u8> = context.iter().flat_map(|word| word.to_ne_bytes()).collect();
        shortened(&bytes).map(str::to_owned)
    }
}

/// Shortens `nf_hook_slow+0x1a/0xb0 [module]` to symbol and offset.
fn shortened(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (text, _) = text.split_once('\0')?;
    match text.split_once('/') {
        Some((place, _)) => Some(place),
        None => text.starts_with("0x").then_some(text),
    }
}

/// Returns the code that replaces the address, the first word of its context, by the name.
fn code(format: i32) -> Vec<bpf_insn> {
    let words = || (0..ROOM).step_by(size_of::<u64>());
    let (name, address) = (-ROOM, -ROOM - 8);
    // r6 = r1; *(u64 *)(r10 + address) = *(u64 *)(r6 + 0)
    let mut code =
        vec![instruction(0xbf, 6, 1, 0, 0), instruction(0x79, 1, 6, 0, 0), instruction(0x7b, 10, 1, address, 0)];
    // *(u64 *)(r10 + name + at) = 0
    code.extend(words().map(|at| instruction(0x7a, 10, 0, name + at, 0)));
    code.extend([
        // r1 = r10 + name; r2 = its room; r3 = the format; r4 = r10 + address; r5 = 8
        instruction(0xbf, 1, 10, 0, 0),
        instruction(0x07, 1, 0, 0, name.into()),
        instruction(0xb7, 2, 0, 0, ROOM.into()),
        instruction(LD_IMM64, 3, MAP_VALUE, 0, format),
        instruction(0, 0, 0, 0, 0),
        instruction(0xbf, 4, 10, 0, 0),
        instruction(0x07, 4, 0, 0, address.into()),
        instruction(0xb7, 5, 0, 0, 8),
        instruction(CALL, 0, 0, 0, SNPRINTF),
    ]);
    // *(u64 *)(r6 + at) = *(u64 *)(r10 + name + at)
    code.extend(words().flat_map(|at| [instruction(0x79, 1, 10, name + at, 0), instruction(0x7b, 6, 1, at, 0)]));
    code.extend([instruction(0xb7, 0, 0, 0, 0), instruction(EXIT, 0, 0, 0, 0)]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_and_the_module_say_nothing_of_the_place() {
        assert_eq!(shortened(b"nf_hook_slow+0x1a/0xb0\0\0"), Some("nf_hook_slow+0x1a"));
        assert_eq!(shortened(b"wg_xmit+0x0/0x10 [wireguard]\0"), Some("wg_xmit+0x0"));
        assert_eq!(shortened(b"0xffffffff81000000\0"), Some("0xffffffff81000000"));
        assert_eq!(shortened(b"a_name_without_its_end"), None);
        assert_eq!(shortened(b"a_name_that_was_cut\0"), None);
    }
}
