//! Short texts that come again and again.

/// A name of a hook, device, table, chain: kept in place where it is short, shared where it is long, so that a copy
/// takes no memory of its own.
pub type Name = smol_str::SmolStr;
