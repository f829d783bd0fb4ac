//! The kernel side's table of tracked skbs, as far as user space reads it.

/// Number of slots of the filter, each a count of skbs (`u64`): a power of two.
pub const SLOTS: u32 = 1 << 13;
/// Number of places in the table that belong to a slot of the filter.
pub const WAYS: u32 = 4;
/// Number of places to try from there on, including those of the next slot.
pub const PROBES: u32 = 8;
/// Number of places.
pub const PLACES: u32 = SLOTS * WAYS + PROBES;

/// The beginning of a place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct PlaceHead {
    /// Number of claims, including that of the skb that has the place.
    pub claims: u64,
    /// The skb that has the place, 0 if none has.
    pub skb: u64,
    /// Raw id of its packet.
    pub id: u64,
}

/// Name of the map with the filter.
pub const FILTER_MAP: &str = ".data.filter";
/// Name of the map with the table.
pub const TABLE_MAP: &str = "TRACKED";
