//! Reads numbers and strings from bytes that may be too short.

/// Reads two bytes at `at` in host byte order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_ne_bytes)
}

/// Reads two bytes at `at` in network order.
pub(super) fn be16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_be_bytes)
}

/// Reads four bytes at `at` in host byte order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

/// Returns the `N` bytes at `at`.
pub(super) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    slice_at(bytes, at, N)?.try_into().ok()
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
pub(super) fn host_number(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        1 => bytes.first().copied().map(u64::from),
        2 => u16_at(bytes, 0).map(u64::from),
        4 => u32_at(bytes, 0).map(u64::from),
        8 => array_at(bytes, 0).map(u64::from_ne_bytes),
        _ => None,
    }
}

/// Reads a number of up to eight bytes in network order.
pub(super) fn net_number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Reads an address of four or sixteen bytes.
pub(super) fn ip(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => array_at::<4>(bytes, 0).map(Into::into),
        16 => array_at::<16>(bytes, 0).map(Into::into),
        _ => None,
    }
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
