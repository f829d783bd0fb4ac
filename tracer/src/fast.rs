//! Maps that are asked for each record: by a hash that is faster than std's, and seeded anew in each process, since
//! senders of packets choose what tuples there are.

/// As std's.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
