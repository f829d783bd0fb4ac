//! Figures by case, and other facts about cases.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// Cases in the order they were measured.
    cases: Vec<String>,
    values: BTreeMap<(String, String), u64>,
    failed: BTreeMap<String, String>,
    /// How other tracers were called: for each command its cases, in order.
    commands: Vec<(Vec<String>, String)>,
    versions: BTreeMap<String, String>,
}

/// A line that `bench` prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Figure { case: String, what: String, value: u64 },
    Failed { case: String, failed: String },
    Command { case: String, command: String },
    Version { program: String, version: String },
}

impl Figures {
    /// Records a line. Other output is ignored.
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
            Ok(Line::Command { case, command }) => {
                match self.commands.iter_mut().find(|(_, known)| *known == command) {
                    Some((cases, _)) => cases.push(case),
                    None => self.commands.push((vec![case], command)),
                }
            }
            Ok(Line::Version { program, version }) => drop(self.versions.insert(program, version)),
            Err(_) => {}
        }
    }

    /// Returns a figure.
    pub fn of(&self, case: &str, what: &str) -> Option<u64> {
        self.values.get(&(case.to_owned(), what.to_owned())).copied()
    }

    /// Returns what a packet costs without a tracer.
    pub fn bare(&self) -> u64 {
        self.of(BARE, COST).unwrap_or_default()
    }

    /// Returns all cases.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(String::as_str)
    }

    /// Returns the instructions added to a packet, by case.
    pub fn costs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.cases().filter(|case| *case != BARE).filter_map(|case| Some((case, self.of(case, COST)?)))
    }

    /// Returns the costs of tracer alone, because those of other tracers are not ours to record.
    pub fn own_costs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.costs().filter(|(case, _)| !self.commands().any(|(cases, _)| cases.iter().any(|peer| peer == case)))
    }

    /// Returns the cases that failed, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.failed.iter().map(|(case, why)| (case.as_str(), why.as_str()))
    }

    /// Returns how other tracers were called, each with its cases.
    pub fn commands(&self) -> impl Iterator<Item = (&[String], &str)> {
        self.commands.iter().map(|(cases, command)| (cases.as_slice(), command.as_str()))
    }

    /// Returns other tracers and their versions.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.versions.iter().map(|(program, version)| (program.as_str(), version.as_str()))
    }

    fn add_case(&mut self, case: &str) {
        if !self.cases.iter().any(|known| known == case) {
            self.cases.push(case.to_owned());
        }
    }
}

impl<'a> Extend<&'a str> for Figures {
    fn extend<T: IntoIterator<Item = &'a str>>(&mut self, lines: T) {
        lines.into_iter().for_each(|line| self.read(line));
    }
}

/// The case without a tracer.
const BARE: &str = "none";
const COST: &str = "instructions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_of_other_tracers_are_told_apart() {
        let mut figures = Figures::default();
        figures.extend([
            r#"{"case":"none","what":"instructions","value":10000}"#,
            r#"{"case":"idle","what":"instructions","value":2500}"#,
            r#"{"case":"pwru-all","command":"pwru udp"}"#,
            r#"{"case":"pwru-all","what":"instructions","value":9000}"#,
            r#"{"case":"pwru-burst","command":"pwru udp"}"#,
        ]);
        assert_eq!(figures.costs().collect::<Vec<_>>(), [("idle", 2500), ("pwru-all", 9000)]);
        assert_eq!(figures.own_costs().collect::<Vec<_>>(), [("idle", 2500)]);
        assert_eq!(figures.commands().map(|(cases, _)| cases.len()).collect::<Vec<_>>(), [2]);
    }
}
