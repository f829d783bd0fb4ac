//! The kernel side's own log of rare events, with `TRACER_LOG=trace`.

use std::os::fd::{AsFd as _, OwnedFd};

use aya_log::EbpfLogger;
use tracing_log::LogTracer;

use super::sys;

/// Reads what the programs log.
pub struct KernelLog(EbpfLogger<LogTracer>);

impl KernelLog {
    /// Opens the log of loaded programs, if it is on. Programs that log nothing do not know it.
    pub fn of(programs: &[OwnedFd]) -> Option<Self> {
        if !is_on() {
            return None;
        }
        let ids = programs.iter().filter_map(|program| sys::program_id(program.as_fd()).ok());
        let mut logs = ids.filter_map(|id| EbpfLogger::init_from_id_with_logger(id, LogTracer::new()).ok());
        let log = logs.next();
        if log.is_none() {
            tracing::debug!("no program of ours logs anything");
        }
        log.map(Self)
    }

    /// Writes what was logged since the last call.
    pub fn write(&mut self) {
        self.0.flush();
    }
}

/// Whether rare events are logged.
pub fn is_on() -> bool {
    tracing::enabled!(tracing::Level::TRACE)
}

/// Returns the size of the log's ring buffer in bytes. A map must have some size even if nobody writes to it, and a ring
/// buffer a power of two of whole pages (`ringbuf_map_alloc`, kernel/bpf/ringbuf.c), which take 64 KiB at most.
pub fn size() -> u32 {
    const LARGEST_PAGE: u32 = 64 << 10;
    if is_on() { 2 * LARGEST_PAGE } else { LARGEST_PAGE }
}
