//! Lets programs load from any address with one instruction.
//!
//! `bpf_rdonly_cast` to no type makes any address readable by a load; the helper takes 90 instructions instead. Kernels
//! have the function from 6.2 on, but before 6.17 it requires a structure instead of no type.

use std::num::NonZeroU32;

use aya_obj::generated::{bpf_insn, bpf_prog_type};

use super::{
    fold::insn::{CALL, EXIT, instruction},
    sys,
};
use crate::kernel::Kernel;

/// Source register of a call to a kernel function (`include/uapi/linux/bpf.h`).
const BPF_PSEUDO_KFUNC_CALL: u8 = 2;

/// Returns the BTF id of `bpf_rdonly_cast` if it accepts no type. Loads a small program to find out.
pub fn to_no_type(kernel: &Kernel) -> Option<NonZeroU32> {
    let id = NonZeroU32::new(kernel.vmlinux().function("bpf_rdonly_cast")?)?;
    // r1 is the context. r2 = 0, for no type; call; r0 = *(u64 *)(r0 + 0)
    let code =
        [instruction(0xb7, 2, 0, 0, 0), call(Some(id)), instruction(0x79, 0, 0, 0, 0), instruction(EXIT, 0, 0, 0, 0)];
    sys::load_code(bpf_prog_type::BPF_PROG_TYPE_KPROBE, 0, &code).is_ok().then_some(id)
}

/// Returns a call of the kernel function with this BTF id. Without an id the call is never reached, and the verifier
/// takes 0 for that (`add_kfunc_call`, kernel/bpf/verifier.c).
pub fn call(id: Option<NonZeroU32>) -> bpf_insn {
    instruction(CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id.map_or(0, NonZeroU32::get).cast_signed())
}
