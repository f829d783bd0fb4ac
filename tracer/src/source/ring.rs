//! Reads the ring buffer of a live run.

use aya::maps::{MapData, RingBuf};
use tokio::io::{Interest, unix::AsyncFd};

use crate::{
    decode::{Wire, decode},
    probe::Probe,
};

/// The ring buffer, which is read as records come.
pub struct Ring(AsyncFd<RingBuf<MapData>>);

/// The records that were waiting in the ring buffer.
#[derive(Default)]
pub struct Batch {
    /// Records in the order in which the kernel reserved them.
    pub records: Vec<Wire>,
    /// Records that could not be decoded.
    pub undecoded: u64,
}

/// Maximum number of records taken at once, because signals and the clock need their turn.
const BATCH: usize = 4096;

impl Ring {
    /// Takes the ring buffer out of the probe's maps.
    ///
    /// # Errors
    /// One sentence if the object and this program do not fit, which is a defect of the build.
    pub fn of(probe: &mut Probe) -> Result<Self, String> {
        let map = probe.events.take().ok_or_else(|| "the eBPF object has no ring buffer".to_owned())?;
        let ring = RingBuf::try_from(map).map_err(|error| format!("the ring buffer is unusable: {error}"))?;
        // SAFETY: the ring buffer owns its descriptor and keeps it until it is dropped.
        unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) }
            .map(Self)
            .map_err(|error| format!("the ring buffer cannot be polled: {error}"))
    }

    /// Waits until a record is available.
    pub async fn ready(&mut self) {
        if let Ok(mut guard) = self.0.readable_mut().await {
            guard.clear_ready();
        }
    }

    /// Takes the available records without waiting.
    pub fn take(&mut self) -> Batch {
        let mut batch = Batch::default();
        let ring = self.0.get_mut();
        while batch.records.len() < BATCH
            && let Some(item) = ring.next()
        {
            match decode(&item) {
                Some(record) => batch.records.push(record),
                None => batch.undecoded += 1,
            }
        }
        batch
    }
}
