//! How a field of a kernel structure is read.

use core::{cell::UnsafeCell, mem::MaybeUninit};

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use tracer_common::ABSENT;

/// A way to read kernel memory. What cannot be read, or does not exist in this kernel, reads as zero.
pub trait Read {
    /// The value at `base + offset`. `T` must be valid for every bit pattern.
    fn at<T: Copy>(base: *const u8, offset: u16) -> T;
}

/// Loads through a pointer whose type the verifier knows (fentry, fexit, `tp_btf` arguments and
/// what is reached from them): a third cheaper than the helper.
pub struct Typed;

impl Read for Typed {
    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if offset == ABSENT {
            return nothing();
        }
        // SAFETY: the verifier proves the type and the kernel's exception table catches a bad
        // address; an invalid pointer reads as zero.
        unsafe { base.add(usize::from(offset)).cast::<T>().read_volatile() }
    }
}

/// Reads through `bpf_probe_read_kernel`: any address, anywhere.
pub struct Probed;

impl Read for Probed {
    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if offset == ABSENT {
            return nothing();
        }
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the helper fills the destination, with zeroes where it fails.
        unsafe {
            bpf_probe_read_kernel(
                value.as_mut_ptr().cast(),
                size_of::<T>() as u32,
                base.wrapping_add(usize::from(offset)).cast(),
            );
            value.assume_init()
        }
    }
}

impl Probed {
    /// Reads `len` bytes at `base + offset` to where they shall stay, without a detour over the stack.
    #[inline(always)]
    pub fn into(to: *mut u8, len: u32, base: *const u8, offset: u16) {
        let from = if offset == ABSENT { core::ptr::null() } else { base.wrapping_add(usize::from(offset)) };
        copy(to, from, len);
    }
}

/// Copies `len` bytes to `to`; false where that failed.
#[inline(always)]
pub fn copy(to: *mut u8, from: *const u8, len: u32) -> bool {
    // SAFETY: callers pass a destination of at least `len` bytes; the helper checks the source.
    unsafe { bpf_probe_read_kernel(to.cast(), len, from.cast()) == 0 }
}

/// Zero, as nobody but us knows.
#[inline(always)]
pub fn zero() -> u64 {
    static ZERO: Unknown = Unknown(UnsafeCell::new(0));
    // SAFETY: valid for reads; volatile, for the compiler's sake.
    unsafe { ZERO.0.get().read_volatile() }
}

struct Unknown(UnsafeCell<u64>);

// SAFETY: only ever read.
unsafe impl Sync for Unknown {}

#[inline(always)]
fn nothing<T: Copy>() -> T {
    // SAFETY: `T` is an integer, a pointer or an array of integers wherever this is used.
    unsafe { MaybeUninit::zeroed().assume_init() }
}
