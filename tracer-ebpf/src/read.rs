//! Reads fields of kernel structures.

use core::{cell::UnsafeCell, mem::MaybeUninit};

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use tracer_common::{ABSENT, placeholder};

use crate::frozen::field;

/// A method of reading kernel memory. A field that cannot be read, or does not exist in this kernel, reads as zero.
pub trait Read {
    /// How to read through a pointer that [`Read::pointer`] returns.
    type Beyond: Read;

    /// Reads the value at `base + offset`. `T` must be valid for every bit pattern.
    fn at<T: Copy>(base: *const u8, offset: u16) -> T;

    /// Reads the pointer at `base + offset`.
    #[inline(always)]
    fn pointer(base: *const u8, offset: u16) -> *const u8 {
        Self::at(base, offset)
    }
}

/// Loads through a pointer whose type the verifier knows: fentry and fexit arguments, and what is reached from
/// them. A load takes a tenth of what the helper takes.
pub struct Typed;

impl Read for Typed {
    type Beyond = Self;

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

/// Loads through `tp_btf` arguments, which the verifier trusts: their fields need no check at run time.
///
/// To decide whether it may trust a pointer found in them, the verifier looks the type up by name among all types
/// of the kernel. Each look-up takes 3 ms in an emulated guest. Therefore pointers are loaded from the plain
/// address if the kernel permits that.
pub struct Trusted;

impl Read for Trusted {
    type Beyond = Followed;

    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        Typed::at(base, offset)
    }

    #[inline(always)]
    fn pointer(base: *const u8, offset: u16) -> *const u8 {
        Followed::at(base, offset)
    }
}

/// Reads what the pointers in `tp_btf` arguments lead to: see [`Trusted`].
pub struct Followed;

impl Read for Followed {
    type Beyond = Self;

    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if casts() { Probed::at(base, offset) } else { Typed::at(base, offset) }
    }
}

/// Reads any address: by loads if the kernel permits them, else through `bpf_probe_read_kernel`.
pub struct Probed;

impl Read for Probed {
    type Beyond = Self;

    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if offset == ABSENT {
            return nothing();
        }
        if casts() {
            // SAFETY: a bad address reads as zero.
            return unsafe { castable(base).add(usize::from(offset)).cast::<T>().read_volatile() };
        }
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the helper fills the destination, with zeroes if it fails.
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
    /// Reads `len` bytes at `base + offset` straight into their destination, without a detour over the stack.
    #[inline(always)]
    pub fn into(to: *mut u8, len: u32, base: *const u8, offset: u16) {
        let from = if offset == ABSENT { core::ptr::null() } else { base.wrapping_add(usize::from(offset)) };
        copy(to, from, len);
    }
}

/// Copies `len` bytes to `to`. Returns false if that fails.
#[inline(always)]
pub fn copy(to: *mut u8, from: *const u8, len: u32) -> bool {
    // SAFETY: callers pass a destination of at least `len` bytes; the helper checks the source.
    unsafe { bpf_probe_read_kernel(to.cast(), len, from.cast()) == 0 }
}

/// Reads `N` words; returns false if they could not be read.
///
/// The helper reads all of them at once, because each call costs as much as twenty words. If it cannot read all of
/// them, all are zero. With loads, only the words that cannot be read are zero, and the result is always true.
#[inline(always)]
pub fn words<const N: usize>(to: &mut MaybeUninit<[u64; N]>, from: *const u8) -> bool {
    if !casts() {
        return copy(to.as_mut_ptr().cast(), from, size_of::<[u64; N]>() as u32);
    }
    let from = castable(from).cast::<u64>();
    for word in 0..N {
        // SAFETY: the destination has `N` words; a bad address reads as zero.
        unsafe { to.as_mut_ptr().cast::<u64>().add(word).write(from.add(word).read_volatile()) };
    }
    true
}

/// Returns whether the kernel lets programs load from any address.
#[inline(always)]
pub fn casts() -> bool {
    field!(rdonly_cast) != 0
}

/// Returns the same address, from which the verifier permits loads.
///
/// A load from it does no harm: what cannot be read is zero (`bpf_rdonly_cast` to no type, kernel/bpf/verifier.c,
/// 6.17). The verifier turns the call into a move.
#[inline(always)]
pub fn castable(address: *const u8) -> *const u8 {
    let loadable: *const u8;
    // SAFETY: the loader puts a call of the kernel's function here (`probe/object.rs`), which returns its argument.
    unsafe {
        core::arch::asm!(
            "r2 = 0",
            "call {cast}",
            cast = const placeholder::RDONLY_CAST,
            inlateout("r1") address => _,
            lateout("r0") loadable,
            lateout("r2") _, lateout("r3") _, lateout("r4") _, lateout("r5") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    loadable
}

/// Returns zero, which neither the compiler nor the verifier knows.
#[inline(always)]
pub fn zero() -> u64 {
    static ZERO: Unknown = Unknown(UnsafeCell::new(0));
    // SAFETY: valid for reads; volatile, so that the compiler does not assume the value.
    unsafe { ZERO.0.get().read_volatile() }
}

struct Unknown(UnsafeCell<u64>);

// SAFETY: the value is only ever read.
unsafe impl Sync for Unknown {}

#[inline(always)]
fn nothing<T: Copy>() -> T {
    // SAFETY: every caller's `T` is an integer, a pointer or an array of integers.
    unsafe { MaybeUninit::zeroed().assume_init() }
}
