//! Scenarios as readable documents: how they are parsed, and how their expectations are compared
//! with what tracer wrote. The runner in `bin/scenarios` does everything that touches the system.
//!
//! Invariant: no I/O here but [`document::find`] and [`cause::find`], which read a folder.

pub mod capture;
pub mod cause;
pub mod document;
pub mod expect;
mod fences;
mod flows;
mod matcher;
mod table;
pub mod verdict;
pub mod version;
