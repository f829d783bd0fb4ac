//! Headings, counts, lists and times as people write them.

use std::fmt::Display;

use super::style::{HEADING, paint};

/// A section's heading.
pub(super) fn heading(text: &str) -> String {
    format!("{}\n", paint(HEADING, text))
}

/// `1 packet`, `2 packets`.
pub(super) fn plural(count: impl TryInto<u64> + Copy + Display, what: &str) -> String {
    let one = count.try_into().is_ok_and(|count: u64| count == 1);
    format!("{count} {what}{}", if one { "" } else { "s" })
}

/// `1, 3 and 5`; long lists end in a count.
pub(super) fn list(ids: &[u64]) -> String {
    const MOST: usize = 6;
    let words = |ids: &[u64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ids {
        [] => String::new(),
        [only] => only.to_string(),
        ids if ids.len() > MOST => format!("{} and {} more", words(&ids[..MOST - 1]), ids.len() - (MOST - 1)),
        [most @ .., last] => format!("{} and {last}", words(most)),
    }
}

/// Milliseconds with three decimals.
pub(super) fn millis(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1000 % 1000)
}

#[cfg(test)]
mod tests {
    use super::{list, millis, plural};

    #[test]
    fn numbers_in_words() {
        assert_eq!(plural(1_usize, "packet"), "1 packet");
        assert_eq!(plural(0_u64, "packet"), "0 packets");
        assert_eq!(list(&[4, 7, 9]), "4, 7 and 9");
        assert_eq!(list(&[1, 2, 3, 4, 5, 6, 7]), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(millis(1_234_567), "1.234");
    }
}
