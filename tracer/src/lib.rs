//! tracer says where and why a packet disappears inside a Linux node.
//!
//! A record passes through `source` → `pipeline` (`decode` → `track` → `enrich`) → `history` → `diagnose` → `output`.
//! `commands` connects these stages. See `ARCHITECTURE.md`.

pub mod capture;
pub mod catalog;
pub mod cli;
mod clock;
pub mod commands;
pub mod decode;
pub mod diagnose;
pub mod enrich;
mod fast;
pub mod history;
pub mod kernel;
pub mod live;
pub mod marks;
pub mod model;
pub mod output;
pub mod pipeline;
pub mod probe;
pub mod source;
pub mod track;
