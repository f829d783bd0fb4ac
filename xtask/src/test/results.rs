//! The results on all kernels, and the table of causes.

use std::{collections::BTreeMap, fmt::Write as _};

use super::counts::Counts;

/// The outcome of a document's variant on a kernel, as `scenarios` reports it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A scenario passed.
    Passed,
    /// A scenario failed.
    Failed,
    /// The failing twin's cause was found, and no problem in the healthy twin.
    Right,
    /// This kernel does not reveal the cause, as documented.
    Unknown,
    /// Anything else.
    Wrong,
    /// The story itself needs a newer kernel.
    NotPlayed,
    /// The failure may be chance, so the variant is played again. Another line reports the result of that.
    Again,
}

impl Outcome {
    /// Parses a line of `scenarios`, such as `right causes/no-route/ipv4 (1.2 s)`, into the outcome and the variant's
    /// name.
    pub fn parse(line: &str) -> Option<(Self, String)> {
        let (word, rest) = line.split_once(' ')?;
        let outcome = match word {
            "ok" => Self::Passed,
            "FAIL" => Self::Failed,
            "right" => Self::Right,
            "unknown" => Self::Unknown,
            "WRONG" => Self::Wrong,
            "not-played" => Self::NotPlayed,
            "again" => Self::Again,
            _ => return None,
        };
        let name = rest.split([' ', ':']).next()?;
        Some((outcome, name.to_owned()))
    }

    fn in_table(self) -> Option<&'static str> {
        match self {
            Self::Passed | Self::Failed | Self::Again => None,
            Self::Right => Some("right"),
            Self::Unknown => Some("unknown"),
            Self::Wrong => Some("WRONG"),
            Self::NotPlayed => Some("not played"),
        }
    }
}

/// Something that failed.
#[derive(Debug, PartialEq)]
pub struct Failure {
    /// What failed, in one line.
    pub what: String,
    /// The first lines of the explanation.
    pub why: Vec<String>,
}

/// Maximum number of lines of a failure to repeat at the end, and of characters in a line.
const WHY_LINES: usize = 3;
const WHY_WIDTH: usize = 400;

/// All results so far.
#[derive(Debug, Default)]
pub struct Results {
    /// Numbers of passed and failed tests.
    pub counts: Counts,
    /// What failed, in order of time.
    pub failures: Vec<Failure>,
    /// What was played twice. No test should need that: a test that may fail by chance is a bug.
    pub played_twice: Vec<String>,
    causes: BTreeMap<String, BTreeMap<&'static str, Outcome>>,
    /// Seconds and name of each variant.
    took: Vec<(f32, String)>,
}

/// Number of slowest variants to show.
const SLOWEST: usize = 10;

impl Results {
    /// Records what a guest has just reported. The guest counts it itself. Returns the failure's index, if it is one.
    pub fn add(&mut self, kernel: &'static str, name: &str, outcome: Outcome) -> Option<usize> {
        if outcome.in_table().is_some() {
            self.causes.entry(name.to_owned()).or_default().insert(kernel, outcome);
        }
        if outcome == Outcome::Again {
            self.played_twice.push(format!("[{kernel}] {name}"));
        }
        matches!(outcome, Outcome::Failed | Outcome::Wrong).then(|| self.failed(format!("[{kernel}] {name}")))
    }

    /// Records how long a variant took, according to its line: `… (1.2 s`. Causes take longer than alone, because
    /// several are played at a time.
    pub fn time(&mut self, kernel: &'static str, name: &str, line: &str) {
        let seconds = line.split_once(" (").and_then(|(_, rest)| rest.split_once(" s")?.0.parse().ok());
        self.took.extend(seconds.map(|seconds| (seconds, format!("[{kernel}] {name}"))));
    }

    /// Returns the slowest scenarios and causes, one per line.
    pub fn slowest(&mut self) -> String {
        self.took.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let lines = self.took.iter().take(SLOWEST).map(|(seconds, what)| format!("slowest: {seconds:6.1} s {what}\n"));
        lines.collect()
    }

    /// Adds a line to the explanation of a failure.
    pub fn explain(&mut self, failure: usize, line: &str) {
        if let Some(Failure { why, .. }) = self.failures.get_mut(failure)
            && why.len() < WHY_LINES
        {
            why.push(line.chars().take(WHY_WIDTH).collect());
        }
    }

    /// Records a failure that no guest has counted.
    pub fn fail(&mut self, what: String) {
        self.counts += Counts::FAILURE;
        self.failed(what);
    }

    /// Records a failure that was counted elsewhere. Returns its index.
    pub fn failed(&mut self, what: String) -> usize {
        self.failures.push(Failure { what, why: Vec::new() });
        self.failures.len() - 1
    }

    /// Returns causes and kernels as a Markdown table; `None` if no cause was played.
    pub fn table(&self, kernels: &[&'static str]) -> Option<String> {
        if self.causes.is_empty() {
            return None;
        }
        let mut table = format!("| cause | {} |\n|---|{}\n", kernels.join(" | "), "---|".repeat(kernels.len()));
        for (name, outcomes) in &self.causes {
            let cells = kernels.iter().map(|kernel| outcomes.get(kernel).and_then(|outcome| outcome.in_table()));
            let cells: Vec<_> = cells.map(|cell| cell.unwrap_or("–")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(table, "| {} | {} |", name.trim_start_matches("causes/"), cells.join(" | "));
        }
        let sum = |outcome| {
            let of = |kernel: &&str| self.causes.values().filter(|all| all.get(kernel) == Some(&outcome)).count();
            kernels.iter().map(|kernel| of(kernel).to_string()).collect::<Vec<_>>().join(" | ")
        };
        for outcome in [Outcome::Right, Outcome::Unknown, Outcome::NotPlayed, Outcome::Wrong] {
            let _ = writeln!(table, "| **{}** | {} |", outcome.in_table().unwrap_or_default(), sum(outcome));
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_guest() {
        let parsed = |line| Outcome::parse(line).map(|(outcome, name)| (outcome, name.clone()));
        assert_eq!(parsed("right causes/a/ipv4 (1.2 s)"), Some((Outcome::Right, "causes/a/ipv4".to_owned())));
        assert_eq!(parsed("not-played causes/b: needs kernel 6.6"), Some((Outcome::NotPlayed, "causes/b".to_owned())));
        assert_eq!(parsed("    WRONG inside"), None);
        assert_eq!(parsed("  set up: 8 of 32"), None);
    }

    #[test]
    fn the_slowest_come_first_and_what_was_played_twice_is_known() {
        let mut results = Results::default();
        for (name, line) in [("a", "ok a (1.5 s, tracer ended in 1.10 s)"), ("b", "right b (20.5 s)"), ("c", "FAIL c")]
        {
            results.time("6.1", name, line);
        }
        assert_eq!(results.slowest(), "slowest:   20.5 s [6.1] b\nslowest:    1.5 s [6.1] a\n");
        assert_eq!(results.add("6.1", "causes/a", Outcome::Again), None);
        assert_eq!(results.played_twice, ["[6.1] causes/a"]);
        assert!(results.table(&["6.1"]).is_none());
    }

    #[test]
    fn the_table_has_a_row_for_each_cause() {
        let mut results = Results::default();
        results.add("5.10", "causes/a", Outcome::Unknown);
        results.add("7.3", "causes/a", Outcome::Wrong);
        let failure = results.add("7.3", "healthy/x", Outcome::Failed).expect("a failure");
        for line in 0..5 {
            results.explain(failure, &line.to_string());
        }
        let table = results.table(&["5.10", "6.1", "7.3"]).expect("a table");
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "| cause | 5.10 | 6.1 | 7.3 |");
        assert_eq!(lines[2], "| a | unknown | – | WRONG |");
        assert_eq!(lines[6], "| **WRONG** | 0 | 0 | 1 |");
        let failures: Vec<_> =
            results.failures.iter().map(|failure| (failure.what.as_str(), failure.why.len())).collect();
        assert_eq!(failures, [("[7.3] causes/a", 0), ("[7.3] healthy/x", WHY_LINES)]);
    }
}
