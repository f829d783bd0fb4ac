//! How JSON writes a number that there may be none of: as 0.

use std::num::NonZeroU32;

use serde::{Deserialize as _, Deserializer, Serializer};

pub fn serialize<S: Serializer>(number: &Option<NonZeroU32>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(number.map_or(0, NonZeroU32::get))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    u32::deserialize(deserializer).map(NonZeroU32::new)
}
