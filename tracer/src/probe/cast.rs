//! Loads from any address: `bpf_rdonly_cast` to no type lets code read it by one instruction, where the helper takes
//! ninety. Kernels from 6.2 on have the function, those before 6.17 want a structure instead of no type.

use aya_obj::generated::{bpf_insn, bpf_prog_type};

use super::{
    fold::insn::{CALL, EXIT, instruction},
    sys,
};
use crate::kernel::Kernel;

/// What a call of a function of the kernel has in the place of its source register (`include/uapi/linux/bpf.h`).
const BPF_PSEUDO_KFUNC_CALL: u8 = 2;

/// BTF id of the function where it does that, else 0: found out by trying.
pub fn to_no_type(kernel: &Kernel) -> u32 {
    let id = kernel.types("").and_then(|types| types.function("bpf_rdonly_cast")).unwrap_or(0);
    // r2 = 0, for no type; the first argument is the context; r0 = *(u64 *)(r0 + 0)
    let code = [instruction(0xb7, 2, 0, 0, 0), call(id), instruction(0x79, 0, 0, 0, 0), instruction(EXIT, 0, 0, 0, 0)];
    if id != 0 && sys::load_code(bpf_prog_type::BPF_PROG_TYPE_KPROBE, 0, &code).is_ok() { id } else { 0 }
}

/// Calls the kernel's function of a BTF id.
pub fn call(id: u32) -> bpf_insn {
    instruction(CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id.cast_signed())
}
