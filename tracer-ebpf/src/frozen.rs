//! The frozen configuration.

use tracer_common::Config;

/// The configuration. User space writes it before the programs are loaded; then it is read-only, and its values are
/// constants to the verifier.
#[unsafe(no_mangle)]
static CONFIG: Config = Config::UNSET;

/// Returns the address of [`CONFIG`]. Its fields must be read through [`field!`] or by other volatile reads.
#[inline(always)]
pub fn config() -> *const Config {
    &raw const CONFIG
}

/// Reads a field of the configuration. The read is volatile, so that the compiler does not assume the initial
/// value.
macro_rules! field {
    ($($field:tt)+) => {
        // SAFETY: the static is valid for reads; user space writes it before the program exists.
        unsafe { core::ptr::read_volatile(&raw const (*$crate::frozen::config()).$($field)+) }
    };
}
pub(crate) use field;
