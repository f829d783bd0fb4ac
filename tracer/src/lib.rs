//! tracer says where and why a packet disappears inside a Linux node. This is the library behind the program.
//!
//! - [`capture`] reads what a trace saw: [`capture::read`] returns the lines of a file, as [`capture::Record`]s.
//! - [`diagnose`] derives findings from it, the same ones that `tracer report` prints.
//! - [`live`] traces the running kernel: [`live::Builder`] runs a trace into a [`live::Sink`].
//!
//! ```
//! use tracer::{capture::{self, Trace}, diagnose::diagnose};
//!
//! # fn main() -> Result<(), capture::ReadError> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/masquerade.jsonl").as_ref();
//! let trace = capture::read(path)?.collect::<Result<Trace, _>>()?;
//! for finding in diagnose(&trace) {
//!     println!("{}: {}", finding.id, finding.title);
//! }
//! # assert_eq!(diagnose(&trace).len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! `tracer/examples/` has whole programs.
//!
//! Inside, a record passes through `source` → `pipeline` (`decode` → `track` → `enrich`) → `history` → `diagnose` →
//! `output`. `live` and `commands` connect these stages. See `ARCHITECTURE.md`.

pub mod capture;
pub mod diagnose;
#[doc(hidden)]
pub mod internal;
pub mod live;

mod catalog;
mod cli;
mod clock;
mod commands;
mod decode;
mod duration;
mod enrich;
mod explain;
mod fast;
mod history;
mod kernel;
mod marks;
mod model;
mod output;
mod pipeline;
mod probe;
mod source;
mod track;
