//! Looks up addresses of kernel symbols with a program that the kernel runs for us.
//!
//! Given names, `kprobe.multi` goes through all of the kernel's 150,000 symbols, which takes as long as loading ten
//! programs.

use std::{
    ffi::CStr,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use super::load::{load_syscall, run};
use crate::probe::fold::insn::{CALL, EXIT, instruction};

/// Maximum length of a name with its terminating zero: a multiple of a word.
const NAME: i16 = 64;
/// The same in words.
const WORDS: usize = NAME as usize / size_of::<u64>();
/// `bpf_kallsyms_lookup_name(name, size, flags, result)`
const KALLSYMS_LOOKUP_NAME: i32 = 179;

/// Returns the address of each symbol, or `None` if the kernel has no such helper, hides addresses, or lacks one of the
/// symbols.
pub fn addresses<'a>(symbols: impl IntoIterator<Item = &'a CStr>) -> Option<Vec<u64>> {
    let program = load().inspect_err(|error| tracing::debug!("no look-up of symbols: {error}")).ok()?;
    symbols.into_iter().map(|symbol| address(program.as_fd(), symbol)).collect()
}

fn address(program: BorrowedFd<'_>, symbol: &CStr) -> Option<u64> {
    let mut context = [0u64; WORDS];
    for (to, from) in context.iter_mut().zip(symbol.to_bytes().chunks(8)) {
        let mut word = [0; 8];
        word[..from.len()].copy_from_slice(from);
        *to = u64::from_ne_bytes(word);
    }
    run(program, &mut context).ok()?;
    (context[0] != 0).then_some(context[0])
}

/// Loads a program that replaces the name in its context by the address. The address is zero if there is no such
/// symbol, or if the name has no terminating zero.
fn load() -> io::Result<OwnedFd> {
    let words = || (0..NAME).step_by(size_of::<u64>());
    let name = -NAME;
    let mut code = vec![instruction(0xbf, 6, 1, 0, 0)];
    // r1 = *(u64 *)(r6 + at); *(u64 *)(r10 + name + at) = r1; *(u64 *)(r6 + at) = 0
    let copy = |at: i16| {
        [instruction(0x79, 1, 6, at, 0), instruction(0x7b, 10, 1, name + at, 0), instruction(0x7a, 6, 0, at, 0)]
    };
    code.extend(words().flat_map(copy));
    code.extend([
        // *(u64 *)(r10 + name - 8) = 0
        instruction(0x7a, 10, 0, name - 8, 0),
        // r1 = r10 + name; r2 = the size; r3 = no flags; r4 = r10 + name - 8
        instruction(0xbf, 1, 10, 0, 0),
        instruction(0x07, 1, 0, 0, name.into()),
        instruction(0xb7, 2, 0, 0, NAME.into()),
        instruction(0xb7, 3, 0, 0, 0),
        instruction(0xbf, 4, 10, 0, 0),
        instruction(0x07, 4, 0, 0, i32::from(name) - 8),
        instruction(CALL, 0, 0, 0, KALLSYMS_LOOKUP_NAME),
        // r1 = *(u64 *)(r10 + name - 8); *(u64 *)(r6 + 0) = r1; r0 = 0
        instruction(0x79, 1, 10, name - 8, 0),
        instruction(0x7b, 6, 1, 0, 0),
        instruction(0xb7, 0, 0, 0, 0),
        instruction(EXIT, 0, 0, 0, 0),
    ]);
    load_syscall(&code)
}
