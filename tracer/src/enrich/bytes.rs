//! Reads numbers, addresses and strings from bytes that may be too short. Members of a structure that follow one
//! another are read by [`Buf`] alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Buf;

/// Reads two bytes at `at` in host byte order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.try_get_u16_ne().ok()
}

/// Reads two bytes at `at` in network order.
pub(super) fn be16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.try_get_u16().ok()
}

/// Reads four bytes at `at` in host byte order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.try_get_u32_ne().ok()
}

/// Returns the `len` bytes at `at`.
pub(super) fn slice_at(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// Returns a C string: the bytes up to the first NUL, or all of them.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Returns the C string in the `len` bytes at `at`.
pub(super) fn text_at(bytes: &[u8], at: usize, len: usize) -> Option<String> {
    slice_at(bytes, at, len).map(text)
}

/// Reads a number of one, two, four or eight bytes in host byte order.
pub(super) fn host_number(mut bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        len @ (1 | 2 | 4 | 8) => bytes.try_get_uint_ne(len).ok(),
        _ => None,
    }
}

/// Reads a number of up to eight bytes in network order.
pub(super) fn net_number(mut bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        len @ ..=8 => bytes.try_get_uint(len).ok(),
        _ => None,
    }
}

/// Reads an address of four or sixteen bytes.
pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => ipv4(bytes).map(Into::into),
        16 => ipv6(bytes).map(Into::into),
        _ => None,
    }
}

/// Reads an IPv4 address.
pub(super) fn ipv4(mut bytes: impl Buf) -> Option<Ipv4Addr> {
    bytes.try_get_u32().ok().map(Ipv4Addr::from_bits)
}

/// Reads an IPv6 address.
pub(super) fn ipv6(mut bytes: impl Buf) -> Option<Ipv6Addr> {
    bytes.try_get_u128().ok().map(Ipv6Addr::from_bits)
}

/// Formats bytes as `0x` and two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Returns the number of leading one bits if no other bit is set.
pub(super) fn prefix_len(mask: &[u8]) -> Option<u32> {
    let ones = mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let leading = mask.iter().take_while(|byte| **byte == 0xff).count();
    let rest = mask.get(leading).map_or(0, |byte| byte.leading_ones());
    (u32::try_from(leading).ok()? * 8 + rest == ones).then_some(ones)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_any_width() {
        assert_eq!(u16_at(&[0, 1, 0, 9], 1), Some(u16::from_ne_bytes([1, 0])));
        assert_eq!(be16_at(&[0, 1, 2], 1), Some(0x102));
        assert_eq!(u32_at(&[1; 5], 1), Some(0x0101_0101));
        assert_eq!((u16_at(&[1], 0), u32_at(&[1; 5], 2), be16_at(&[1; 5], 6)), (None, None, None));
        assert_eq!(
            [1, 2, 4, 8].map(|len| host_number(&vec![0xff; len])),
            [0xff, 0xffff, 0xffff_ffff, u64::MAX].map(Some)
        );
        assert_eq!([0, 3, 9].map(|len| host_number(&vec![0; len])), [None; 3]);
        assert_eq!([&[][..], &[1], &[1, 2, 3]].map(net_number), [0, 1, 0x1_0203].map(Some));
        assert_eq!((net_number(&[0xff; 8]), net_number(&[0; 9])), (Some(u64::MAX), None));
    }

    #[test]
    fn addresses_of_both_families() {
        assert_eq!(ip(&[10, 0, 0, 1]), Some([10, 0, 0, 1].into()));
        let mut v6 = [0; 16];
        (v6[0], v6[15]) = (0xfd, 1);
        assert_eq!(ip(&v6), Some(v6.into()));
        assert_eq!((ip(&[0; 5]), ipv4(&[0; 3][..]), ipv6(&[0; 15][..])), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_at_any_place(bytes in prop::collection::vec(any::<u8>(), 0..24), at in any::<prop::sample::Index>()) {
            for at in [at.index(bytes.len() + 8), usize::MAX] {
                prop_assert_eq!(u16_at(&bytes, at).is_some(), at <= bytes.len() && bytes.len() - at >= 2);
                prop_assert_eq!(u32_at(&bytes, at).is_some(), at <= bytes.len() && bytes.len() - at >= 4);
                prop_assert_eq!(be16_at(&bytes, at), u16_at(&bytes, at).map(u16::to_be));
                let _ = (text_at(&bytes, at, 16), slice_at(&bytes, at, usize::MAX));
            }
            let _ = (host_number(&bytes), net_number(&bytes), ip(&bytes), text(&bytes), prefix_len(&bytes));
        }
    }
}
