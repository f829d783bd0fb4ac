//! The clock that the kernel side stamps its records with.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Returns the nanoseconds since boot, suspended time included (`CLOCK_BOOTTIME`, as `bpf_ktime_get_boot_ns`), or 0 if
/// the kernel refuses.
pub fn boot_time_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}
