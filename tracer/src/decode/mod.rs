//! Decodes bytes of the ring buffer into records of the wire ABI.
//!
//! Invariant: total. Any bytes result in a record or `None`, never in a panic.
//!
//! Records are read where they lie in the ring buffer. [`bytes::Bytes`] would cost another copy and a reference count
//! for each, as many instructions as decoding itself.

use std::mem::MaybeUninit;

use bytes::Buf as _;
use tracer_common::{
    Chain, Change, ChangeDetails, Conntrack, Decision, Device, Dropped, Header, Mark, Outer, OuterDetails, Peer,
    PeerDetails, Step, Verdict, kind,
};

use crate::model::Name;

/// A record as the kernel side wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wire {
    /// A packet at a hook.
    Step(Step),
    /// A packet and what a table, chain or rule did to it.
    Verdict(Box<Verdict>),
    /// The conntrack entry that a packet points to.
    Conntrack(Conntrack),
    /// Names of an nftables chain.
    Chain(Box<Chain>),
    /// A packet after something ran over it that may have changed it.
    Change(Box<Change>),
    /// A packet's outermost headers have changed.
    Outer(Outer),
    /// A device.
    Device(Device),
    /// A WireGuard peer.
    Peer(Peer),
    /// A packet's end, with its trail.
    Dropped(Box<Dropped>),
}

impl Wire {
    /// Returns the header that precedes every record.
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::Step(step) => &step.header,
            Self::Verdict(verdict) => &verdict.step.header,
            Self::Conntrack(entry) => &entry.header,
            Self::Chain(chain) => &chain.header,
            Self::Change(change) => &change.step.header,
            Self::Outer(outer) => &outer.header,
            Self::Device(device) => &device.header,
            Self::Peer(peer) => &peer.header,
            Self::Dropped(dropped) => &dropped.step.header,
        }
    }
}

/// Returns the record in `bytes`, or `None` if they are cut short or of an unknown kind.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Wire> {
    let mut header = bytes;
    match header.try_get_u16_ne().ok()? {
        kind::STEP => read(bytes).map(Wire::Step),
        kind::VERDICT => read(bytes).map(Box::new).map(Wire::Verdict),
        kind::CONNTRACK => read(bytes).map(Wire::Conntrack),
        kind::CHAIN => read(bytes).map(Box::new).map(Wire::Chain),
        kind::CHANGE => read(bytes).map(Box::new).map(Wire::Change),
        kind::OUTER => read(bytes).map(Wire::Outer),
        kind::DEVICE => read(bytes).map(Wire::Device),
        kind::PEER => read(bytes).map(Wire::Peer),
        kind::DROPPED => read(bytes).map(Box::new).map(Wire::Dropped),
        _ => None,
    }
}

/// Returns a NUL-padded name as text. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn name(bytes: &[u8]) -> Name {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into()
}

/// Reads the details of a [`Mark`] of the flight recorder from the marks that follow it. Returns `None` if they are too
/// few.
#[must_use]
pub fn details<T: Plain>(marks: &[Mark]) -> Option<T> {
    // SAFETY: marks are plain integers without padding.
    let bytes = unsafe { std::slice::from_raw_parts(marks.as_ptr().cast::<u8>(), size_of_val(marks)) };
    read(bytes)
}

/// Types of the wire ABI: any bit pattern is a valid value.
pub trait Plain: Copy {}
impl Plain for Decision {}
impl Plain for ChangeDetails {}
impl Plain for OuterDetails {}
impl Plain for PeerDetails {}
impl Plain for Step {}
impl Plain for Verdict {}
impl Plain for Conntrack {}
impl Plain for Chain {}
impl Plain for Change {}
impl Plain for Outer {}
impl Plain for Device {}
impl Plain for Peer {}
impl Plain for Dropped {}

fn read<T: Plain>(mut bytes: &[u8]) -> Option<T> {
    let mut record = MaybeUninit::<T>::zeroed();
    // SAFETY: the slice covers the value, whose bytes are all zero.
    let to = unsafe { std::slice::from_raw_parts_mut(record.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
    bytes.try_copy_to_slice(to).ok()?;
    // SAFETY: `Plain` types are integers without padding, so any bytes are a value.
    Some(unsafe { record.assume_init() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..3000), kind in 0u16..11) {
            let mut bytes = bytes;
            if bytes.len() >= 2 {
                bytes[..2].copy_from_slice(&kind.to_ne_bytes());
            }
            let _ = decode(&bytes);
        }

        #[test]
        fn any_name_is_text(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = name(&bytes);
            prop_assert!(!text.contains('\0'));
        }
    }

    #[test]
    fn a_record_that_is_cut_short_is_nothing() {
        let sizes = [
            (kind::STEP, size_of::<Step>()),
            (kind::VERDICT, size_of::<Verdict>()),
            (kind::CONNTRACK, size_of::<Conntrack>()),
            (kind::CHAIN, size_of::<Chain>()),
            (kind::CHANGE, size_of::<Change>()),
            (kind::OUTER, size_of::<Outer>()),
            (kind::DEVICE, size_of::<Device>()),
            (kind::PEER, size_of::<Peer>()),
            (kind::DROPPED, size_of::<Dropped>()),
        ];
        for (kind, size) in sizes {
            // The first byte is not aligned, as it need not be in a file.
            let bytes = [&[0][..], &kind.to_ne_bytes(), &vec![0xa5; size - 2]].concat();
            let wire = decode(&bytes[1..]).expect("a whole record");
            assert_eq!((wire.header().kind, wire.header().ts), (kind, 0xa5a5_a5a5_a5a5_a5a5));
            assert_eq!(decode(&bytes[1..size]), None);
        }
    }
}
