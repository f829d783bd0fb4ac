//! Figures by case, and the table of them.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// Cases in the order of their measurement.
    cases: Vec<String>,
    values: BTreeMap<(String, String), u64>,
    failed: BTreeMap<String, String>,
}

/// A line of `bench`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Figure { case: String, what: String, value: u64 },
    Failed { case: String, failed: String },
}

impl Figures {
    /// Takes a line, if it is one.
    pub fn read(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Line::Figure { case, what, value }) => {
                self.add_case(&case);
                self.values.insert((case, what), value);
            }
            Ok(Line::Failed { case, failed }) => {
                self.add_case(&case);
                self.failed.insert(case, failed);
            }
            Err(_) => {}
        }
    }

    /// A figure.
    pub fn of(&self, case: &str, what: &str) -> Option<u64> {
        self.values.get(&(case.to_owned(), what.to_owned())).copied()
    }

    /// Instructions added to a packet, by case.
    pub fn costs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.cases.iter().filter(|case| *case != BARE).filter_map(|case| Some((case.as_str(), self.of(case, COST)?)))
    }

    /// Everything as Markdown.
    pub fn table(&self) -> String {
        let bare = self.of(BARE, COST).unwrap_or_default();
        let mut text = format!(
            "A packet takes {bare} instructions where nobody traces it.\n\n\
             | case | instructions added | ratio | attach, ms | detach, ms | gone, ms | resident, KiB |\n|---|---|---|---|---|---|---|\n"
        );
        for (case, cost) in self.costs() {
            // Two digits are plenty for a ratio.
            let hundredths = (bare + cost) * 100 / bare.max(1);
            let ratio = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let cells =
                ["attach_ms", "detach_ms", "gone_ms", "resident_kib"].map(|what| self.cell(case, what)).join(" | ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {case} | {cost} | {ratio} | {cells} |");
        }
        for (case, why) in &self.failed {
            let _ = writeln!(text, "| {case} | failed: {} | | | | | |", why.replace(['|', '\n'], " "));
        }
        let floods: Vec<_> = self.cases.iter().filter(|case| self.of(case, "sent").is_some()).collect();
        if !floods.is_empty() {
            text.push_str(
                "\n| packets at once | sent | not followed | records read | records lost | user space, instructions a record | resident, KiB |\n\
                 |---|---|---|---|---|---|---|\n",
            );
        }
        for case in floods {
            let whats = ["sent", "overflow", "events", "lost", "user_instructions_per_event", "resident_kib"];
            let _ = writeln!(text, "| {case} | {} |", whats.map(|what| self.cell(case, what)).join(" | "));
        }
        text
    }

    /// Those without a kernel, as Markdown.
    pub fn offline_table(&self) -> String {
        let mut text = "| flows, memory | records | records a second | ns a record: decoded, followed, kept | ns a record: diagnosed | \
                        packets let go | flows forgotten | peak resident, KiB |\n|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        let whats = [
            "records",
            "records_per_second",
            "follow_ns_per_record",
            "diagnose_ns_per_record",
            "forgotten_packets",
            "forgotten_flows",
            "peak_resident_kib",
        ];
        for case in &self.cases {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {case} | {} |", whats.map(|what| self.cell(case, what)).join(" | "));
        }
        text
    }

    fn cell(&self, case: &str, what: &str) -> String {
        self.of(case, what).map_or_else(|| "–".to_owned(), |value| value.to_string())
    }

    fn add_case(&mut self, case: &str) {
        if !self.cases.iter().any(|known| known == case) {
            self.cases.push(case.to_owned());
        }
    }
}

/// What it costs without a tracer.
const BARE: &str = "none";
const COST: &str = "instructions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows() {
        let mut figures = Figures::default();
        for line in [
            r#"{"case":"none","what":"instructions","value":10000}"#,
            r#"{"case":"idle","what":"instructions","value":2500}"#,
            r#"{"case":"other","failed":"no\nway"}"#,
            "something else",
        ] {
            figures.read(line);
        }
        let table = figures.table();
        assert!(table.contains("| idle | 2500 | 1.25 | – | – | – | – |"), "{table}");
        assert!(table.contains("| other | failed: no way |"), "{table}");
        assert_eq!(figures.costs().collect::<Vec<_>>(), [("idle", 2500)]);
    }
}
