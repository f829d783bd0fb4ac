//! Scenarios as readable documents. Parses them, and compares their expectations with tracer's output. The runner in
//! `bin/scenarios` does everything that touches the system.
//!
//! Invariant: no I/O except in [`document::find`] and [`cause::find`], which read a folder.

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
