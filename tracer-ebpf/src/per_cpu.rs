//! The kernel's per-CPU variables.

use aya_ebpf::helpers::generated::bpf_get_smp_processor_id;

use crate::{
    frozen::field,
    read::{Probed, Read},
};

/// Returns what to add to a variable's address on this CPU (`__per_cpu_offset`), 0 if unknown.
#[inline(always)]
pub fn offset() -> u64 {
    let offsets = field!(per_cpu_offset);
    if offsets == 0 {
        return 0;
    }
    // SAFETY: helper without arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    Probed::at((offsets + u64::from(cpu) * 8) as *const u8, 0)
}

/// Returns whether the kernel skips kprobe programs here, because this code has interrupted one, or a system call
/// on a map (`bpf_prog_active`, kernel/trace/bpf_trace.c). Must not be called in a kprobe program.
#[inline(always)]
pub fn skips_kprobes() -> bool {
    let active = field!(prog_active);
    active != 0 && Probed::at::<u32>((active + offset()) as *const u8, 0) != 0
}
