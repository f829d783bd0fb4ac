//! Looks up what the kernel side can only point at: network namespaces, interfaces, rule text.
//!
//! Invariant: read-only. Nothing here changes a ruleset, resets a counter, loads a module or moves
//! one of the program's own threads into another netns. A look-up that fails is a value that says
//! why; data from the kernel or from a tool never panics.

pub mod netns;
pub mod ruleset;
