//! What a tracker has seen so far, in numbers and ids.

use std::collections::HashSet;

use super::Tracker;

impl Tracker {
    /// How many packets were seen.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.numbered - self.unreported
    }

    /// How many flows were seen.
    #[must_use]
    pub fn flows(&self) -> u64 {
        self.flows.count()
    }

    /// How many flows were evicted for newer ones. Later packets of such a flow count as another flow.
    #[must_use]
    pub fn forgotten_flows(&self) -> u64 {
        self.flows.forgotten()
    }

    /// How many drops were seen.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.drops
    }

    /// Returns the ids of packets that the kernel side knows by these raw ids, as far as they are not evicted.
    pub fn ids_of(&mut self, raw: &HashSet<u64>) -> HashSet<u64> {
        raw.iter().filter_map(|raw| Some(self.packets.get(raw)?.id)).collect()
    }
}
