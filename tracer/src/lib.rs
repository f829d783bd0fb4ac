//! tracer says where and why a packet disappears inside a Linux node.
//!
//! The way through the house: `source` → `decode` → `track` → `enrich` → `diagnose` → `output`;
//! `run` puts them together. See `ARCHITECTURE.md`.

pub mod cli;
pub mod decode;
pub mod diagnose;
pub mod enrich;
mod fast;
pub mod kernel;
pub mod marks;
pub mod model;
pub mod output;
pub mod probe;
pub mod run;
pub mod source;
pub mod track;
