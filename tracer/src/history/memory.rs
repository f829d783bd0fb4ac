//! How the memory that a trace may take is shared out, and given back.

/// What large blocks are.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 << 10;

/// Bytes for steps: three quarters.
pub fn of_steps(memory: usize) -> usize {
    memory / 4 * 3
}

/// How many packets and flows are remembered while they are under way: together they take less than the last quarter.
pub fn of_tracker(memory: usize) -> usize {
    memory / 4 / 1024
}

/// What is read at the start is large and soon let go. glibc would begin to keep such blocks after the first.
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a setting of the allocator, which takes any number; no other thread runs yet.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}
