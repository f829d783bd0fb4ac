//! Divides the memory that a trace may take, and returns large blocks to the kernel.

/// Minimum size of a large block.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 << 10;

/// Returns the bytes for steps: three quarters.
pub fn of_steps(memory: usize) -> usize {
    memory / 4 * 3
}

/// Returns the number of packets and flows to remember while they are in use. Together they take less than the last
/// quarter.
pub fn of_tracker(memory: usize) -> usize {
    memory / 4 / 1024
}

/// Makes the allocator return large blocks to the kernel. At the start, large data is read and soon freed; after the
/// first such block, glibc would begin to keep them.
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a setting of the allocator, which takes any number; no other thread runs yet.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}
