//! The frozen configuration.

use tracer_common::Config;

/// The configuration. User space writes it before the programs are loaded; then it is read-only, and its values are
/// constants to the verifier.
#[unsafe(no_mangle)]
static CONFIG: Config = Config {
    filter: tracer_common::Filter {
        src: NO_PREFIX,
        dst: NO_PREFIX,
        host: NO_PREFIX,
        ifname: [0; 2],
        netns: 0,
        mark_mask: 0,
        mark: 0,
        sport: 0,
        dport: 0,
        port: 0,
        version: 0,
        proto_plus_one: 0,
        one_way: 0,
        directed: 0,
        pad: [0; 2],
    },
    layout: tracer_common::Layout::NONE,
    per_cpu_offset: 0,
    prog_active: 0,
    tracepoints_only: 0,
    has_reason: 0,
    has_consume_location: 0,
    trails: 0,
    has_loop: 0,
    counters_per_cpu: 0,
    rdonly_cast: 0,
    log: 0,
};

const NO_PREFIX: tracer_common::Prefix = tracer_common::Prefix { addr: [0; 4], mask: [0; 4] };

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
