//! Variables of the kernel that each CPU has its own of.

use aya_ebpf::helpers::generated::bpf_get_smp_processor_id;

use crate::{
    frozen::field,
    read::{Probed, Read},
};

/// What is added to a variable's address on this CPU (`__per_cpu_offset`); 0 where it is not known.
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

/// Whether the kernel runs no program of a kprobe here: what happens has interrupted one, or a system call on a map
/// (`bpf_prog_active`, kernel/trace/bpf_trace.c). Not to be asked by a program of a kprobe.
#[inline(always)]
pub fn skips_kprobes() -> bool {
    let active = field!(prog_active);
    active != 0 && Probed::at::<u32>((active + offset()) as *const u8, 0) != 0
}
