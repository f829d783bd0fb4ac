//! Numbers, marks, durations and sizes as people write them.

use std::{num::NonZeroU64, time::Duration};

/// Longest timeout. Nobody waits longer, and the sum of clock and timeout cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Smallest ring buffer. Its size must be a power of two and whole pages, and no kernel has pages above 64 KiB.
const SMALLEST_BUFFER: u64 = 64 << 10;
const LARGEST_BUFFER: u64 = 1 << 30;

/// Smallest memory limit. With less, hardly any flow would be remembered from its request to its reply.
const SMALLEST_MEMORY: usize = 1 << 20;

/// Parses a port.
pub(super) fn port(flag: &str, text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        format!("{flag} `{text}` is not a port: give a number from 1 to 65535 (names are not looked up)")
    })
}

/// Parses `V[/M]` into value and mask. Without M, the mask is all bits.
pub(super) fn mark(text: &str) -> Result<(u32, u32), String> {
    let number = |part: &str| {
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        digits.map_or_else(|| part.parse(), |digits| u32::from_str_radix(digits, 16)).map_err(|_| {
            format!("--mark `{text}` is not a mark: give a 32-bit number, decimal or 0x…, as in 0xd00/0xf00")
        })
    };
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (number(value)?, number(mask)?),
        None => (number(text)?, u32::MAX),
    };
    if value & !mask != 0 {
        return Err(format!(
            "--mark {value:#x}/{mask:#x} can never match because the value has bits outside the mask; did you mean \
             {:#x}/{mask:#x}?",
            value & mask
        ));
    }
    Ok((value, mask))
}

/// Parses a number of packets.
pub(super) fn count(text: &str) -> Result<NonZeroU64, String> {
    text.parse().map_err(|_| format!("--count `{text}` is not a number of packets: give a whole number from 1"))
}

/// Parses a duration.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        format!("--timeout `{text}` is not a duration: give a number and a unit, as in 10s, 2m or 1h30m")
    })?;
    if duration.is_zero() || duration > LONGEST {
        return Err(format!("--timeout `{text}` is out of range: give more than 0s and at most 365d"));
    }
    Ok(duration)
}

/// Parses a size in bytes and rounds it up to a valid ring buffer size.
pub(super) fn buffer_size(text: &str) -> Result<u32, String> {
    let bytes = bytes(text).filter(|bytes| (1..=LARGEST_BUFFER).contains(bytes));
    let size = bytes.and_then(|bytes| u32::try_from(bytes.max(SMALLEST_BUFFER).next_power_of_two()).ok());
    size.ok_or_else(|| {
        format!(
            "--buffer-size `{text}` is not a size: give bytes, or a number with K, M or G, from 64K to 1G, as in 16M"
        )
    })
}

/// Parses the memory limit of a trace.
pub(super) fn memory(text: &str) -> Result<usize, String> {
    let bytes = bytes(text).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes >= SMALLEST_MEMORY).ok_or_else(|| {
        format!("--memory `{text}` is not a size: give bytes, or a number with K, M or G, from 1M, as in 512M")
    })
}

/// Parses bytes, with or without a unit.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{buffer_size, count, mark, memory, port, timeout};

    #[test]
    fn ports() {
        assert_eq!(port("--port", "443"), Ok(443));
        for wrong in ["0", "65536", "-1", "https", "", "80-90", "0x50"] {
            assert!(port("--port", wrong).is_err_and(|error| error.starts_with("--port `")), "{wrong}");
        }
    }

    #[test]
    fn marks() {
        assert_eq!(mark("0xd00/0xf00"), Ok((0xd00, 0xf00)));
        assert_eq!(mark("32"), Ok((32, u32::MAX)));
        assert_eq!(mark("0XD00/3840"), Ok((0xd00, 0xf00)));
        assert!(mark("0x1d00/0xf00").is_err_and(|error| error.ends_with("did you mean 0xd00/0xf00?")));
        for wrong in ["", "d00", "0x", "1/", "/1", "0x100000000", "-1"] {
            assert!(mark(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_and_durations() {
        assert_eq!(count("3").map(u64::from), Ok(3));
        assert!(count("0").is_err() && count("many").is_err());
        assert_eq!(timeout("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(timeout("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "10", "0s", "-1s", "1000y", "soon", "99999999999999999999s"] {
            assert!(timeout(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn memory_has_a_least() {
        assert_eq!([memory("512M"), memory("1048576"), memory("2g")], [Ok(512 << 20), Ok(1 << 20), Ok(2 << 30)]);
        for wrong in ["0", "1K", "1048575", "M", "", "1.5G", "99999999999G"] {
            assert!(memory(wrong).is_err_and(|error| error.starts_with("--memory `")), "{wrong}");
        }
    }

    #[test]
    fn buffers_are_rounded_up() {
        assert_eq!(buffer_size("4M"), Ok(4 << 20));
        assert_eq!(buffer_size("5000000"), Ok(8 << 20));
        assert_eq!(buffer_size("1"), Ok(64 << 10));
        assert_eq!(buffer_size("1GiB"), Ok(1 << 30));
        for wrong in ["0", "2G", "4X", "M", "", "1.5M", "18446744073709551615G"] {
            assert!(buffer_size(wrong).is_err(), "{wrong}");
        }
    }
}
