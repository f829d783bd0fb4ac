//! A kprobe that takes long. While it runs, its processor runs no program of any other kprobe, whatever interrupts it.

use core::{ffi::c_void, ptr};

use aya_ebpf::{helpers::generated::bpf_loop, macros::kprobe, programs::ProbeContext};

/// The most that the kernel allows (`BPF_MAX_LOOPS`, kernel/bpf/bpf_iter.c).
const ROUNDS: u32 = 1 << 23;

/// Does nothing for a long time.
#[kprobe]
fn spin(_ctx: ProbeContext) -> u32 {
    // SAFETY: the callback uses no context.
    unsafe { bpf_loop(ROUNDS, again as *mut c_void, ptr::null_mut(), 0) };
    0
}

#[inline(never)]
extern "C" fn again(_round: u32, _nothing: *mut c_void) -> i64 {
    0
}
