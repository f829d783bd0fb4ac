//! Durations in words.

/// Formats a duration in nanoseconds as people say it: `14 µs`, `12.3 ms`, `1.036 s`.
pub fn words(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{} µs", ns / 1000),
        1_000_000..1_000_000_000 => format!("{}.{} ms", ns / 1_000_000, ns / 100_000 % 10),
        _ => format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn each_size_has_its_unit() {
        assert_eq!([words(14_000), words(12_345_000), words(1_036_000_000)], ["14 µs", "12.3 ms", "1.036 s"]);
    }
}
