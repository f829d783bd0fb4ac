//! Results for people and programs: one file or folder for each format. The outputs of a trace are [`Sink`]s.
//!
//! Invariant: computes no facts. The model holds everything that is printed; this module adds only words, order and
//! colour.

mod capture;
mod check;
mod explain;
mod json;
mod phrase;
mod pipe;
mod progress;
mod schema;
mod sink;
mod style;
#[cfg(test)]
mod tests;
mod text;

pub use capture::unwritable;
pub use check::write_check;
pub use explain::{write_document, write_list, write_reason};
pub use json::JsonLines;
pub use pipe::unless_closed;
pub use progress::{Counts, Progress, Show};
pub use schema::write_schema;
pub use sink::{Sink, SinkError, capture_file, on_stdout};
pub use style::{Look, stdout};
