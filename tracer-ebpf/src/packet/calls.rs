//! Keeps the arguments of calls in progress for kretprobes, which no longer see them.

use aya_ebpf::{
    EbpfContext,
    macros::map,
    maps::HashMap,
    programs::{ProbeContext, RetProbeContext},
};

use crate::{attach::Args, read::Probed};

/// The first three arguments of a call.
#[derive(Clone, Copy)]
pub struct Call([u64; 3]);

impl Args for Call {
    type Read = Probed;
    const OF_KPROBE: bool = true;

    #[inline(always)]
    fn arg(&self, n: usize) -> *const u8 {
        self.0[n] as *const u8
    }
}

/// Calls in progress, by their stack pointer at entry: unique, whatever interrupts them.
#[map]
static CALLS: HashMap<u64, Call> = HashMap::with_max_entries(4096, 0);

/// Remembers the arguments of the call that begins here.
#[inline(always)]
pub fn keep(args: &ProbeContext) {
    let call = Call([Args::arg(args, 0) as u64, Args::arg(args, 1) as u64, Args::arg(args, 2) as u64]);
    if CALLS.insert(stack_pointer(args), &call, 0).is_err() {
        crate::packet::count(tracer_common::counter::EVENTS);
    }
}

/// Removes and returns the arguments of the call that returns here.
#[inline(always)]
pub fn take(ctx: &RetProbeContext) -> Option<Call> {
    let sp = stack_pointer(ctx);
    // The call's return address is off the stack by now. Kernels also differ by a word or two in what the return
    // trampoline reports as the stack pointer.
    for words in [1, 2, 0] {
        let key = sp.wrapping_sub(words * 8);
        if let Some(call) = CALLS.get_ptr(key) {
            // SAFETY: the pointer is into the map, and nothing else uses this call's slot.
            let call = unsafe { *call };
            let _gone = CALLS.remove(key);
            return Some(call);
        }
    }
    None
}

#[inline(always)]
fn stack_pointer(ctx: &impl EbpfContext) -> u64 {
    let regs = ctx.as_ptr().cast::<aya_ebpf::bindings::pt_regs>();
    // SAFETY: the context of a kprobe is the saved registers.
    unsafe {
        #[cfg(bpf_target_arch = "x86_64")]
        return (*regs).rsp;
        #[cfg(bpf_target_arch = "aarch64")]
        return (*regs.cast::<aya_ebpf::bindings::user_pt_regs>()).sp;
    }
}
