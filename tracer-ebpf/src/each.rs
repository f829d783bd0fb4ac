//! Loops that the verifier accepts: long ones through `bpf_loop`, and short ones that are not unrolled.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;

use crate::frozen::field;

/// Number of iterations if the kernel has no `bpf_loop` (before 5.17).
const WITHOUT_BPF_LOOP: u32 = 64;

/// Calls `visit` with `walk` until it returns 1, at most `limit` times ([`WITHOUT_BPF_LOOP`] times without
/// `bpf_loop`).
///
/// Returns false if the limit ended the loop, so there may be more to visit. With `bpf_loop`, the result is also
/// false if the last permitted call returned 1.
///
/// `visit` must not be inlined: without `bpf_loop`, the loader removes the references to it, and the kernel refuses
/// a function that nothing calls.
#[inline(always)]
pub fn each<W>(limit: u32, visit: unsafe extern "C" fn(u32, *mut W) -> i64, walk: &mut W) -> bool {
    if field!(has_loop) != 0 {
        // SAFETY: the callback takes what is passed here.
        let calls = unsafe { bpf_loop(limit, visit as *mut c_void, core::ptr::from_mut(walk).cast(), 0) };
        return calls < i64::from(limit);
    }
    for index in 0..WITHOUT_BPF_LOOP {
        // SAFETY: `walk` is what `visit` takes, and valid for the call.
        if unsafe { visit(index, walk) } != 0 {
            return true;
        }
    }
    false
}

/// Returns a range over which the compiler does not unroll a loop. The body of such a loop exists once, and takes
/// its place on the stack once.
#[inline(always)]
pub fn rolled(first: u32, end: u32) -> core::ops::Range<u32> {
    let mut hidden = u64::from(first);
    // SAFETY: the empty assembly leaves the register unchanged.
    unsafe { core::arch::asm!("", inout("r3") hidden, options(pure, nomem, nostack, preserves_flags)) };
    hidden as u32..end
}
