//! A bounded map that keeps what is in use. It is for entries that have no end of their own.

use std::hash::Hash;

use crate::fast::Map;

/// A map of a bounded size. An entry that is not used while half as many others are is evicted.
pub struct Recent<K, V> {
    young: Map<K, V>,
    old: Map<K, V>,
    gone: Vec<V>,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Creates a map that holds at most `most` entries (minimum 2).
    pub fn new(most: usize) -> Self {
        Self { young: Map::default(), old: Map::default(), gone: Vec::new(), half: (most / 2).max(1) }
    }

    /// Looks up a key and marks its entry as used.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        self.rejuvenate(key);
        self.young.get_mut(key)
    }

    /// Looks up a key, inserting a value if there is none, and marks its entry as used.
    pub fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.rejuvenate(&key);
        if !self.young.contains_key(&key) {
            self.make_room();
        }
        self.young.entry(key).or_insert_with(make)
    }

    /// Inserts a value, replacing the key's old one.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        self.make_room();
        self.young.insert(key, value);
    }

    /// Removes a key that is no longer needed. Its value does not count as evicted.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// Takes the values that were evicted since the last call.
    pub fn forgotten(&mut self) -> Vec<V> {
        std::mem::take(&mut self.gone)
    }

    /// All values.
    pub fn values(&mut self) -> impl Iterator<Item = &mut V> {
        self.old.values_mut().chain(self.young.values_mut())
    }

    fn rejuvenate(&mut self, key: &K) {
        if !self.old.is_empty()
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.make_room();
            self.young.insert(key, value);
        }
    }

    /// When the young generation has reached half of the capacity, evicts the old generation and makes the young
    /// one the old.
    fn make_room(&mut self) {
        if self.young.len() >= self.half {
            let old = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.gone.extend(old.into_values());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Recent;

    #[test]
    fn what_is_in_use_stays() {
        let mut recent = Recent::new(8);
        for number in 0..100 {
            recent.insert(number, number);
            assert_eq!(recent.get(&0), Some(&mut 0), "after {number}");
        }
        assert_eq!(recent.get(&50), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_unsaid(keys in proptest::collection::vec(0u8..40, 0..200), most in 2usize..20) {
            let mut recent = Recent::new(most);
            let mut made = 0;
            let mut forgotten = 0;
            for key in keys {
                recent.get_or_insert(key, || { made += 1; key });
                forgotten += recent.forgotten().len();
                prop_assert!(recent.values().count() <= most);
                prop_assert_eq!(recent.values().count() + forgotten, made);
            }
        }
    }
}
