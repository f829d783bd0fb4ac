//! Parses the file in which users list the meanings of their marks (`docs/marks.md`).

use std::{fmt, str::FromStr};

use super::{Mark, Marks};

/// A line that cannot be parsed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong with it and what to do, without a full stop.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Mistake {}

impl FromStr for Marks {
    type Err = Mistake;

    /// Parses lines `VALUE[/MASK] words…` with numbers in decimal or 0x…. Ignores empty lines, and comments that begin
    /// with `#` at the start of a line or after white space.
    fn from_str(text: &str) -> Result<Self, Mistake> {
        let mut own = Vec::new();
        // Editors of other systems begin a file with a byte-order mark.
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = without_comment(line).trim();
            if !line.is_empty() {
                own.push(mark(line).map_err(|what| Mistake { line: index + 1, what })?);
            }
        }
        Ok(Self { own })
    }
}

fn without_comment(line: &str) -> &str {
    let begins = |at: usize| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').map(|(at, _)| at).find(|at| begins(*at));
    comment.map_or(line, |at| &line[..at])
}

fn mark(line: &str) -> Result<Mark, String> {
    let (number, words) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (value, mask) = match number.split_once('/') {
        Some((value, mask)) => (self::number(number, value)?, self::number(number, mask)?),
        None => (self::number(number, number)?, u32::MAX),
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return Err(format!(
            "`{number}` has no meaning: write its meaning after the mark, as in `0x10/0xf0 from the backup host`"
        ));
    }
    if mask == 0 {
        return Err(format!("`{number}` matches every mark: give a mask with at least one bit, as in 0x10/0xf0"));
    }
    if value & !mask != 0 {
        let meant = value & mask;
        return Err(format!(
            "`{number}` can never match because the value has bits outside the mask: did you mean {meant:#x}/{mask:#x}?"
        ));
    }
    Ok(Mark { value, mask, words })
}

fn number(whole: &str, part: &str) -> Result<u32, String> {
    let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let plain = |digits: &str| !digits.starts_with('+');
    let number = match digits {
        Some(digits) if plain(digits) => u32::from_str_radix(digits, 16).ok(),
        None if plain(part) => part.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        format!(
            "`{}` is not a mark: begin the line with a 32-bit number, decimal or 0x…, as in 0x10/0xf0, or with # for a \
             comment",
            whole.escape_debug()
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Mark, Marks};

    fn mistake(text: &str) -> String {
        text.parse::<Marks>().expect_err(text).to_string()
    }

    #[test]
    fn lines_and_comments() {
        let text = "\u{feff}# ours\r\n\n 0x10/0xf0\tfrom  the backup host # since May\n256 rack#7\n";
        let marks: Marks = text.parse().expect("a good file");
        assert_eq!(marks.own[0], Mark { value: 0x10, mask: 0xf0, words: "from the backup host".into() });
        assert_eq!(marks.own[1], Mark { value: 256, mask: u32::MAX, words: "rack#7".into() });
        assert_eq!("".parse::<Marks>(), Ok(Marks::default()));
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        assert!(
            mistake("# good\nblue 0x1\n")
                .starts_with("line 2: `blue` is not a mark: begin the line with a 32-bit number")
        );
        assert!(mistake("0x10").starts_with("line 1: `0x10` has no meaning: write its meaning after the mark"));
        assert!(mistake("0x10 # all").contains("has no meaning"));
        assert!(mistake("0/0 all").contains("matches every mark"));
        assert!(mistake("0x1d00/0xf00 x").ends_with("did you mean 0xd00/0xf00?"));
        for wrong in ["0x x", "1/ x", "/1 x", "0x100000000 x", "-1 x", "+1 x", "0x+1 x", "1/2/3 x"] {
            assert!(mistake(wrong).contains("is not a mark"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::vec((any::<u32>(), 1..=u32::MAX, "[a-z]{1,8}( [a-z]{1,8}){0,3}"), 0..8)) {
            let mut text = String::new();
            for (value, mask, words) in &entries {
                text += &format!("{:#x}/{mask} {words} # {words}\n\n", value & mask);
            }
            let marks: Marks = text.parse().expect("a good file");
            let own: Vec<_> = entries.into_iter().map(|(value, mask, words)| Mark { value: value & mask, mask, words }).collect();
            prop_assert_eq!(marks.own, own);
        }

        #[test]
        fn any_text_is_read_or_refused_at_one_of_its_lines(text in "(\\PC|[\n\t#/0-9x ]){0,60}") {
            if let Err(mistake) = text.parse::<Marks>() {
                prop_assert!((1..=text.lines().count()).contains(&mistake.line));
                prop_assert_eq!(mistake.to_string().lines().count(), 1);
            }
        }

        #[test]
        fn a_mark_means_what_its_line_says(value in 1..=u32::MAX, words in "[a-z]{1,8}") {
            let marks: Marks = format!("{value} {words}").parse().expect("a good file");
            prop_assert_eq!(marks.meaning(value), Some(words));
            prop_assert_eq!(marks.meaning(value ^ 1), Marks::default().meaning(value ^ 1));
        }

        #[test]
        fn any_mark_can_be_asked_for(mark in any::<u32>()) {
            let meaning = Marks::default().meaning(mark);
            prop_assert!(meaning.is_none_or(|words| words.contains(": ")));
        }
    }
}
