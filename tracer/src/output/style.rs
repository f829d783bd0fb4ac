//! Colours, widths, and escaping of text from outside.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Stdout},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, core::display_width};

use crate::cli::Color;

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const PLACE: Style = AnsiColor::Cyan.on_default();
pub(super) const CHANGED: Style = Style::new().bold();

/// How a report is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Look {
    /// Width in columns.
    pub width: usize,
    /// Whether to show every step, with kernel functions and packet ids.
    pub verbose: bool,
}

impl Look {
    /// Uses the width of the terminal on stdout, or 100 columns without one.
    #[must_use]
    pub fn for_stdout(verbose: bool) -> Self {
        let width = terminal_size::terminal_size_of(io::stdout()).map_or(100, |(width, _)| usize::from(width.0));
        Self { width: width.clamp(60, 160), verbose }
    }

    /// Uses the width of the terminal on stderr, or 80 columns without one.
    pub(super) fn for_stderr() -> Self {
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        Self { width: width.clamp(60, 160), verbose: false }
    }

    /// Returns the width for sentences: longer lines are hard to read.
    pub(super) fn prose(self) -> usize {
        self.width.clamp(60, 100)
    }
}

/// Returns stdout without colours if they are not wanted: `NO_COLOR`, no terminal, `--color never`.
#[must_use]
pub fn stdout(color: Color) -> AutoStream<Stdout> {
    AutoStream::new(io::stdout(), choice(color))
}

pub(super) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Escapes control characters. Names and rule texts come from outside and must not control the terminal.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Fills `text` with spaces up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(display_width(text))))
}

/// Wraps `text` at spaces. The first line begins with `first`; the others are indented by its width.
pub(super) fn hang(first: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(display_width(first));
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, hang, paint};

    #[test]
    fn nothing_from_outside_moves_the_cursor() {
        assert_eq!(clean("eth0"), "eth0");
        assert_eq!(clean("a\x1b[2Jb\n"), r"a\u{1b}[2Jb\n");
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(hang("- ", "one two", 10), "- one two");
        let text = hang("- ", &format!("{} two", paint(super::BAD, "one")), 10);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(hang("- ", "one two three", 10), "- one two\n  three");
    }
}
