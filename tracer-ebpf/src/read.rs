//! How a field of a kernel structure is read.

use core::{cell::UnsafeCell, mem::MaybeUninit};

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use tracer_common::{ABSENT, RDONLY_CAST};

use crate::frozen::field;

/// A way to read kernel memory. What cannot be read, or does not exist in this kernel, reads as zero.
pub trait Read {
    /// How to read what [`Read::pointer`] gives.
    type Beyond: Read;

    /// The value at `base + offset`. `T` must be valid for every bit pattern.
    fn at<T: Copy>(base: *const u8, offset: u16) -> T;

    /// The pointer at `base + offset`.
    #[inline(always)]
    fn pointer(base: *const u8, offset: u16) -> *const u8 {
        Self::at(base, offset)
    }
}

/// Loads through a pointer whose type the verifier knows (fentry and fexit arguments and what is reached from
/// them): a tenth of what the helper takes.
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

/// Loads through `tp_btf` arguments. The verifier trusts them: their fields need no check at run time. But whether it
/// may trust what a pointer among them leads to, it looks up by name among all types of the kernel: 3 ms for each in an
/// emulated guest, so a pointer is loaded from the mere address where the kernel lets us.
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

/// See [`Trusted`].
pub struct Followed;

impl Read for Followed {
    type Beyond = Self;

    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if casts() { Probed::at(base, offset) } else { Typed::at(base, offset) }
    }
}

/// Reads any address, anywhere: by loads where the kernel lets us, else through `bpf_probe_read_kernel`.
pub struct Probed;

impl Read for Probed {
    type Beyond = Self;

    #[inline(always)]
    fn at<T: Copy>(base: *const u8, offset: u16) -> T {
        if offset == ABSENT {
            return nothing();
        }
        if casts() {
            // SAFETY: as above.
            return unsafe { castable(base).add(usize::from(offset)).cast::<T>().read_volatile() };
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

/// Reads `N` words: at once where it takes the helper, since each call costs as much as twenty of them. False where the
/// helper could not read all of them: then all are zero. Where it takes loads, only words that cannot be read are.
#[inline(always)]
pub fn words<const N: usize>(to: &mut MaybeUninit<[u64; N]>, from: *const u8) -> bool {
    if !casts() {
        return copy(to.as_mut_ptr().cast(), from, size_of::<[u64; N]>() as u32);
    }
    let from = castable(from).cast::<u64>();
    for word in 0..N {
        // SAFETY: inside; a bad address reads as zero.
        unsafe { to.as_mut_ptr().cast::<u64>().add(word).write(from.add(word).read_volatile()) };
    }
    true
}

/// Whether the kernel makes any address one to load from.
#[inline(always)]
pub fn casts() -> bool {
    field!(rdonly_cast) != 0
}

/// The same address, of which the verifier knows from here on that a load from it does no harm: what cannot be read is
/// zero (`bpf_rdonly_cast` to no type, kernel/bpf/verifier.c, 6.17). The verifier makes a move of the call.
#[inline(always)]
pub fn castable(address: *const u8) -> *const u8 {
    let loadable: *const u8;
    // SAFETY: the loader puts the kernel's function here (`probe/object.rs`), which returns its argument.
    unsafe {
        core::arch::asm!(
            "r2 = 0",
            "call {cast}",
            cast = const RDONLY_CAST,
            inlateout("r1") address => _,
            lateout("r0") loadable,
            lateout("r2") _, lateout("r3") _, lateout("r4") _, lateout("r5") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    loadable
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
