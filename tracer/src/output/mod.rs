//! Results for people and programs: one format, one file.
//!
//! Invariant: computes no facts. What is printed stands in the model; here it only gets words,
//! order and colour.

mod change;
mod check;
mod columns;
mod drops;
mod findings;
mod flow;
mod headers;
mod hooks;
mod icmp;
mod json;
mod legend;
mod node;
mod packet;
mod path;
mod phrase;
mod pipe;
mod place;
mod program;
mod progress;
#[cfg(test)]
mod sample;
mod style;
mod tail;
mod text;
mod tone;
mod tunnel;
mod words;

pub use check::write_check;
pub use json::JsonLines;
pub use pipe::unless_closed;
pub use progress::{Counts, Progress, Show};
pub use style::{Look, stderr, stdout};
pub use text::write_report;
