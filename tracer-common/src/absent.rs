//! What a record writes as 0 if there is none, because the wire has no `Option`. User space reads it here.

use core::num::{NonZeroU32, NonZeroU64};

use crate::event::{OuterDetails, Step, Tuple};

impl Step {
    /// Returns the ifindex, if there is a device.
    #[must_use]
    pub const fn ifindex(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.ifindex)
    }

    /// Returns the location, if it is known.
    #[must_use]
    pub const fn location(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.location)
    }
}

impl OuterDetails {
    /// Returns the outermost tuple, unless it is the packet's own.
    #[must_use]
    pub fn tuple(&self) -> Option<&Tuple> {
        (self.tuple.version != 0).then_some(&self.tuple)
    }
}
