//! A hash map for per-record lookups, with a faster hash than std's. The hash is seeded per process because senders of
//! packets choose the tuples.

/// std's `HashMap` with a faster hash.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
