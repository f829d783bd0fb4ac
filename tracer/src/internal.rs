//! What this workspace needs beyond the public API. It may change at any time.

/// The program: `main` is a binary, which sees only what its library publishes.
pub use crate::{cli::Status, commands::run};

/// The stages of a live run, for `tests/src/bin/offline`, which measures them one by one on synthetic records.
pub use crate::{
    catalog::Catalog,
    decode::{Wire, decode},
    history::{History, Retained, memory},
    pipeline::Pipeline,
    track::Words,
};
