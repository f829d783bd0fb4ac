//! A flag that is only ever raised: what nobody needs yet costs one load.

use core::cell::UnsafeCell;

/// Lowered at the start.
pub struct Raised(UnsafeCell<u32>);

// SAFETY: a word that is read and written whole.
unsafe impl Sync for Raised {}

impl Raised {
    /// Not raised.
    pub const NO: Self = Self(UnsafeCell::new(0));

    /// Whether it was raised.
    #[inline(always)]
    pub fn get(&self) -> bool {
        // SAFETY: valid for reads; volatile, since other CPUs write it.
        unsafe { self.0.get().read_volatile() != 0 }
    }

    /// Raises it, for good.
    #[inline(always)]
    pub fn raise(&self) {
        // SAFETY: valid for writes.
        unsafe { self.0.get().write_volatile(1) }
    }
}
