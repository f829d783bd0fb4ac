//! Short texts that recur.

/// A name of a hook, device, table or chain. A short name is stored in place and a long one is shared, so that a
/// copy allocates nothing.
pub type Name = smol_str::SmolStr;
