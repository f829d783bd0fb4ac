//! Traces live: a [`Builder`] says which packets and how, and runs the trace into a [`Sink`].
//!
//! ```no_run
//! use std::{error::Error, ops::ControlFlow::{self, Continue}, time::Duration};
//! use tracer::{capture::{Record, Trace}, live::{Builder, Filter, Sink}};
//!
//! struct Print;
//!
//! impl Sink for Print {
//!     fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, Box<dyn Error + Send + Sync>> {
//!         println!("{record:?}");
//!         Ok(Continue(()))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn Error>> {
//! let filter = Filter { dst: Some("10.0.0.5/32".parse()?), dport: Some(443), ..Filter::default() };
//! let trace = Builder::new().filter(filter).timeout(Duration::from_secs(10)).run(&mut Print)?;
//! println!("{} packets, {} findings", trace.summary.packets, trace.findings.len());
//! # Ok(())
//! # }
//! ```
//!
//! A trace needs the privileges of `tracer`: see [`Builder::check`].

mod ending;
mod error;
mod filter;
mod pending;
mod privileges;
mod run;
mod start;
mod summary;
mod unmatched;
mod worst;

use std::{
    num::NonZeroU64,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use crate::{
    model::{Host, Trace},
    output::Show,
};

pub use crate::{
    cli::Filter,
    output::{Sink, SinkError},
    probe::Backend,
};
pub(crate) use ending::End;
pub use error::Error;
/// A network, for [`Filter`].
pub use ipnet::IpNet;
pub(crate) use privileges::check as check_privileges;
pub(crate) use start::modules;

/// What to trace and how. [`Self::run`] traces.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it runs"]
pub struct Builder {
    pub(crate) filter: Filter,
    /// Hosts that the filter named.
    pub(crate) hosts: Vec<Host>,
    pub(crate) drops: bool,
    pub(crate) backend: Backend,
    pub(crate) buffer_size: u32,
    pub(crate) memory: usize,
    pub(crate) count: Option<NonZeroU64>,
    pub(crate) timeout: Option<Duration>,
    /// Maximum number of hooks, to measure what one costs.
    pub(crate) limit: Option<usize>,
    pub(crate) show: Show,
}

impl Builder {
    /// Traces all packets, by the best backend, until the sink ends the trace.
    pub fn new() -> Self {
        Self {
            filter: Filter::default(),
            hosts: Vec::new(),
            drops: false,
            backend: Backend::Auto,
            buffer_size: 4 << 20,
            memory: 512 << 20,
            count: None,
            timeout: None,
            limit: None,
            show: Show::Log,
        }
    }

    /// Traces only these packets, and the replies to them.
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// Reports only dropped packets, each with its steps (`--drops`).
    pub fn drops(self, drops: bool) -> Self {
        Self { drops, ..self }
    }

    /// Attaches hooks by this method.
    pub fn backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// Sets the size of the ring buffer in bytes. It is rounded up to a power of two, from 64 KiB to 1 GiB. The
    /// default is 4 MiB.
    pub fn buffer_size(self, bytes: u32) -> Self {
        Self { buffer_size: bytes.clamp(64 << 10, 1 << 30).next_power_of_two(), ..self }
    }

    /// Limits the memory for packets and flows, to at least 1 MiB. The default is 512 MiB. The oldest are evicted when
    /// it is full, and counted in the summary.
    pub fn memory(self, bytes: usize) -> Self {
        Self { memory: bytes.max(1 << 20), ..self }
    }

    /// Ends the trace after this many packets.
    pub fn count(self, packets: NonZeroU64) -> Self {
        Self { count: Some(packets), ..self }
    }

    /// Ends the trace after this time.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Checks whether this process may trace, and whether the filter makes sense: whether its network namespace and
    /// device exist, and whether any packet can match. Attaches nothing.
    ///
    /// # Errors
    /// [`Error::Privileges`] or [`Error::Filter`].
    pub fn check(&self) -> Result<(), Error> {
        self.checked().map(drop)
    }

    /// Traces until the timeout, the number of packets, or the sink ends the trace. Returns everything that was
    /// retained, with the findings and the summary.
    ///
    /// This blocks the thread, and must not be called from async code. Nothing stays in the kernel, however the trace
    /// ends. Problems that do not end the trace, such as a hook that cannot be attached, are logged as warnings of the
    /// `tracing` crate.
    ///
    /// # Errors
    /// [`Error`] if the trace cannot be started, or the sink fails.
    pub fn run(self, sink: &mut dyn Sink) -> Result<Trace, Error> {
        let (end, ended) = mpsc::channel();
        self.run_until(end, ended, sink)
    }

    /// Traces like [`Self::run`], and ends also if `ended` receives something. The trace sends to `end` itself when it
    /// has seen enough.
    pub(crate) fn run_until(self, end: Sender<End>, ended: Receiver<End>, sink: &mut dyn Sink) -> Result<Trace, Error> {
        run::run(&self, self.checked()?, end, ended, sink)
    }

    /// Returns the filter in the form that the kernel side reads.
    fn checked(&self) -> Result<tracer_common::Filter, Error> {
        privileges::check().map_err(Error::Privileges)?;
        match self.filter.contradiction() {
            Some(contradiction) => Err(Error::Filter(contradiction)),
            None => filter::resolve(&self.filter).map_err(Error::Filter),
        }
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
