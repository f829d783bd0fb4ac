//! A flag that is only ever raised, so that a feature that nothing uses yet costs one load.

use core::cell::UnsafeCell;

/// A flag that is lowered at the start.
pub struct Raised(UnsafeCell<u32>);

// SAFETY: the word is always read and written whole.
unsafe impl Sync for Raised {}

impl Raised {
    /// A flag that is not raised.
    pub const NO: Self = Self(UnsafeCell::new(0));

    /// Returns whether the flag was raised.
    #[inline(always)]
    pub fn get(&self) -> bool {
        // SAFETY: valid for reads; volatile, because other CPUs write it.
        unsafe { self.0.get().read_volatile() != 0 }
    }

    /// Raises the flag for good.
    #[inline(always)]
    pub fn raise(&self) {
        // SAFETY: valid for writes.
        unsafe { self.0.get().write_volatile(1) }
    }
}
