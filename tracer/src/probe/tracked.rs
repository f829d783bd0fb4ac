//! Reads which packets are still in the kernel.

use std::{
    collections::HashSet,
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use tracer_common::tracked::{FILTER_MAP, PROBES, PlaceHead, SLOTS, TABLE_MAP, WAYS};

use super::{object::Created, sys};

/// The kernel side's table of tracked skbs. It is correct while the hooks are attached that see skbs end.
#[derive(Debug)]
pub struct Tracked {
    filter: OwnedFd,
    table: OwnedFd,
    /// Size of a place in bytes.
    place: usize,
}

impl Tracked {
    /// Returns the table of an object; `None` if it cannot be read.
    pub(super) fn of(maps: &Created) -> Option<Self> {
        let table = maps.get(TABLE_MAP)?;
        let place = usize::try_from(table.info().ok()?.value_size()).ok()?;
        let held = |name: &str| maps.get(name)?.fd().as_fd().try_clone_to_owned().ok();
        let read = Self { filter: held(FILTER_MAP)?, table: held(TABLE_MAP)?, place };
        (place >= size_of::<PlaceHead>()).then_some(read)
    }

    /// Returns the raw ids of the packets of which an skb is in the kernel: those whose end was not seen so far.
    ///
    /// # Errors
    /// If the kernel refuses to show the table.
    pub fn packets(&self) -> io::Result<HashSet<u64>> {
        let mut filter = vec![0; SLOTS as usize * size_of::<u64>()];
        sys::element(self.filter.as_fd(), 0, &mut filter)?;
        let mut place = vec![0; self.place];
        let mut packets = HashSet::new();
        for index in places(&filter) {
            sys::element(self.table.as_fd(), index, &mut place)?;
            packets.extend(packet(&place));
        }
        Ok(packets)
    }
}

/// Returns the places that skbs of the filter's slots may have.
fn places(filter: &[u8]) -> impl Iterator<Item = u32> {
    let slots =
        (0..).zip(filter.chunks_exact(size_of::<u64>())).filter(|(_, count)| count.iter().any(|byte| *byte != 0));
    slots.flat_map(|(slot, _): (u32, _)| (0..PROBES).map(move |probe| slot * WAYS + probe))
}

/// Returns the packet of a place that is taken.
fn packet(place: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u64::from_ne_bytes(place.get(at..at + size_of::<u64>())?.try_into().ok()?));
    let skb = word(std::mem::offset_of!(PlaceHead, skb))?;
    (skb != 0).then(|| word(std::mem::offset_of!(PlaceHead, id))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slots_in_use_are_read() {
        let mut filter = vec![0u8; SLOTS as usize * 8];
        filter[2 * 8] = 1;
        assert!(places(&filter).eq(8..16));
        filter[SLOTS as usize * 8 - 1] = 1;
        assert_eq!(places(&filter).last(), Some(tracer_common::tracked::PLACES - 5));
    }

    #[test]
    fn a_place_is_free_or_has_a_packet() {
        let place = |skb: u64, id: u64| [1, skb, id, 0].map(u64::to_ne_bytes).concat();
        assert_eq!(packet(&place(0, 7)), None);
        assert_eq!(packet(&place(0xffff_8880_0000_0000, 7)), Some(7));
        assert_eq!(packet(&[0; 20]), None);
    }
}
