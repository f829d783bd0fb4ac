//! What is remembered as long as it is in use: of what never ends by itself, the latest.

use std::hash::Hash;

use crate::fast::Map;

/// A map of a bounded size. What has not been asked for while half as many others were is forgotten.
pub struct Recent<K, V> {
    young: Map<K, V>,
    old: Map<K, V>,
    gone: Vec<V>,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Of so many at most, at least two.
    pub fn new(most: usize) -> Self {
        Self { young: Map::default(), old: Map::default(), gone: Vec::new(), half: (most / 2).max(1) }
    }

    /// What is remembered of a key, which is in use thereby.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        self.rejuvenate(key);
        self.young.get_mut(key)
    }

    /// The same; made where nothing is remembered.
    pub fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.rejuvenate(&key);
        if !self.young.contains_key(&key) {
            self.make_room();
        }
        self.young.entry(key).or_insert_with(make)
    }

    /// Remembers a value.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        self.make_room();
        self.young.insert(key, value);
    }

    /// Forgets a key that has had its time.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// What was forgotten since this was asked last.
    pub fn forgotten(&mut self) -> Vec<V> {
        std::mem::take(&mut self.gone)
    }

    /// All that is remembered.
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

    /// The young grow old where they are half of all, and those that were old already are forgotten.
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
