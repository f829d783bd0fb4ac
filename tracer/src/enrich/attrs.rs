//! Decodes netlink attributes by kind, whatever the bytes, and encodes them. Numbers are in network order, as in
//! nf_tables. What netlink-packet-route knows, its own types decode ([`Attrs::decoded`]).

use ::bytes::Buf as _;
use netlink_packet_core::{DecodeError, NlaBuffer, NlasIterator};

use super::bytes;

/// A sequence of attributes (`struct nlattr`, include/uapi/linux/netlink.h). Reading stops at the first malformed one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attrs<'a>(pub(super) &'a [u8]);

impl<'a> Attrs<'a> {
    /// Iterates over (kind without flags, value).
    pub(super) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        NlasIterator::new(self.0).filter_map(|nla| {
            let nla = nla.ok()?;
            let (kind, len) = (nla.kind(), usize::from(nla.length()));
            Some((kind, nla.into_inner().get(HEADER..len)?))
        })
    }

    /// Iterates over what a decoder of netlink-packet-route makes of each attribute, without those that it refuses.
    ///
    /// Attributes are decoded one by one because the decoders of whole messages fail if they refuse any attribute: one
    /// that a newer kernel has made longer, or an alias (`ip link set alias`) that is not UTF-8.
    pub(super) fn decoded<T>(
        self,
        decode: impl Fn(&NlaBuffer<&'a [u8]>) -> Result<T, DecodeError>,
    ) -> impl Iterator<Item = T> {
        NlasIterator::new(self.0).filter_map(move |nla| decode(&nla.ok()?).ok())
    }

    /// Returns the value of the first attribute of this kind.
    pub(super) fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// Returns the attributes nested in the first one of this kind; none if it is absent.
    pub(super) fn nested(self, kind: u16) -> Attrs<'a> {
        Attrs(self.get(kind).unwrap_or_default())
    }

    /// Reads a byte.
    pub(super) fn u8(self, kind: u16) -> Option<u8> {
        self.get(kind)?.try_get_u8().ok()
    }

    /// Reads a number in network order, like every number in nf_tables' attributes.
    pub(super) fn u16(self, kind: u16) -> Option<u16> {
        self.get(kind)?.try_get_u16().ok()
    }

    /// Reads a number in network order.
    pub(super) fn u32(self, kind: u16) -> Option<u32> {
        self.get(kind)?.try_get_u32().ok()
    }

    /// Reads a number in network order.
    pub(super) fn u64(self, kind: u16) -> Option<u64> {
        self.get(kind)?.try_get_u64().ok()
    }

    /// Reads a NUL-terminated string.
    pub(super) fn text(self, kind: u16) -> Option<String> {
        self.get(kind).map(bytes::text)
    }
}

/// Size of an attribute's header: length and kind, two bytes each.
const HEADER: usize = 4;

/// Encodes an attribute; empty if `value` is longer than an attribute can be.
pub(super) fn encode(kind: u16, value: &[u8]) -> Vec<u8> {
    let Ok(len) = u16::try_from(HEADER + value.len()) else { return Vec::new() };
    let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Encodes a string attribute.
pub(super) fn encode_text(kind: u16, text: &str) -> Vec<u8> {
    encode(kind, &[text.as_bytes(), &[0]].concat())
}
