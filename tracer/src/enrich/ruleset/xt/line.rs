//! Formats a rule as a line of `iptables-save`.

/// The parts of the line, each empty if the rule does not have it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Line {
    /// `-s ADDR/LEN` or `! -s …`
    pub(in super::super) source: String,
    /// `-d ADDR/LEN`
    pub(in super::super) destination: String,
    /// `-i NAME`
    pub(in super::super) input: String,
    /// `-o NAME`
    pub(in super::super) output: String,
    /// `-p NAME`
    pub(in super::super) protocol: String,
    /// `-m …` in order.
    pub(in super::super) matches: Vec<String>,
    /// `-j …` or `-g …`
    pub(in super::super) target: String,
}

impl Line {
    /// Formats the line as `-A CHAIN …`.
    pub(in super::super) fn text(&self, chain: &str) -> String {
        let ends = [&self.source, &self.destination, &self.input, &self.output, &self.protocol];
        let parts = ends.into_iter().chain(&self.matches).chain([&self.target]);
        let parts = parts.filter(|part| !part.is_empty());
        parts.fold(format!("-A {}", super::ranges::quoted(chain)), |line, part| format!("{line} {part}"))
    }
}

/// Formats `[! ]option value`.
pub(in super::super) fn option(inverted: bool, option: &str, value: &str) -> String {
    format!("{}{option} {value}", if inverted { "! " } else { "" })
}
