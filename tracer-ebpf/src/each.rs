//! Loops over what the kernel has many of.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;

use crate::frozen::field;

/// The longest loop where the kernel has no `bpf_loop` (before 5.17).
const WITHOUT_BPF_LOOP: u32 = 64;

/// Calls `visit` with `walk` until it returns 1, at most `limit` times. False where it never did: there was
/// more than was looked at. `visit` must not be inlined: without `bpf_loop`, the loader takes out the
/// references to it, and a function that nobody calls is refused.
#[inline(always)]
pub fn each<W>(limit: u32, visit: unsafe extern "C" fn(u32, *mut W) -> i64, walk: &mut W) -> bool {
    if field!(has_loop) != 0 {
        // SAFETY: the callback takes what is passed here.
        let calls = unsafe { bpf_loop(limit, visit as *mut c_void, core::ptr::from_mut(walk).cast(), 0) };
        return calls < i64::from(limit);
    }
    for index in 0..WITHOUT_BPF_LOOP {
        // SAFETY: as above.
        if unsafe { visit(index, walk) } != 0 {
            return true;
        }
    }
    false
}

/// A short loop that the compiler does not unroll: code that is there once takes its place on the stack once, too.
#[inline(always)]
pub fn rolled(first: u32, end: u32) -> core::ops::Range<u32> {
    let mut hidden = u64::from(first);
    // SAFETY: leaves the register alone.
    unsafe { core::arch::asm!("", inout("r3") hidden, options(pure, nomem, nostack, preserves_flags)) };
    hidden as u32..end
}
