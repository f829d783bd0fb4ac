//! What a scenario expects of tracer.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    capture::Capture,
    document::Values,
    flows::Flows,
    matcher::{contains, matches, mismatch},
};

/// The block `toml expect`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Tracer's exit status.
    pub exit: i32,
    /// Seconds that tracer may take to end, if it has much to report.
    #[serde(default = "two_seconds")]
    pub ends_within: f32,
    /// The findings: these and no others.
    #[serde(default)]
    findings: Vec<Value>,
    /// Whether to ignore findings of severity info that are not listed.
    #[serde(default)]
    other_info: bool,
    /// Each of these must match the end of some flow.
    #[serde(default)]
    verdicts: Vec<Value>,
    /// Each of these must match some drop.
    #[serde(default)]
    drops: Vec<Value>,
    /// Each of these must match some step or drop.
    #[serde(default)]
    steps: Vec<Value>,
    /// What every step and drop must match.
    every_step: Option<Value>,
    /// How steps are sorted into flows.
    flows: Option<Flows>,
    /// What the summary must match.
    summary: Option<Value>,
    /// Texts that `tracer report` must show.
    #[serde(default)]
    pub report: Vec<String>,
}

/// The longest delay that people accept as immediate.
fn two_seconds() -> f32 {
    2.0
}

impl Expect {
    /// Parses the block, with the variant's values in place of `$NAME`.
    pub fn parse(toml: &str, values: &Values) -> Result<Self> {
        read(toml, values)
    }

    /// Returns a sentence for everything that is not as expected.
    pub fn complaints(&self, capture: &Capture) -> Vec<String> {
        let mut complaints = self.about_findings(capture);
        complaints.extend(rivals(capture));
        complaints.extend(self.about_verdicts(capture));
        for (kind, expected) in [("drop", &self.drops), ("step", &self.steps)] {
            let seen: Vec<_> = capture.steps().filter(|step| kind == "step" || step["type"] == kind).collect();
            let missing = expected.iter().filter(|expected| !seen.iter().any(|seen| matches(expected, seen)));
            complaints.extend(missing.map(|missing| format!("no {kind} is like {missing}")));
        }
        if let Some(expected) = &self.every_step {
            // The first mismatch is enough.
            complaints.extend(capture.steps().find_map(|step| {
                mismatch("", expected, step).map(|said| format!("a step does not match every_step: {said}: {step}"))
            }));
        }
        complaints.extend(self.flows.iter().flat_map(|expected| expected.complaints(capture)));
        if let Some(expected) = &self.summary {
            complaints.extend(capture.of("summary").find_map(|summary| mismatch("summary", expected, summary)));
        }
        complaints
    }

    /// Returns a sentence for each text that a report lacks.
    pub fn missing_in_report(&self, report: &str) -> Vec<String> {
        let missing = self.report.iter().filter(|text| !contains(report, text));
        missing.map(|text| format!("the report does not say `{text}`")).collect()
    }

    fn about_findings(&self, capture: &Capture) -> Vec<String> {
        let mut found: Vec<_> = capture.of("finding").collect();
        let mut complaints = claim(&self.findings, &mut found);
        found.retain(|finding| !self.other_info || finding["severity"] != "info");
        complaints.extend(found.iter().map(|finding| format!("unexpected finding: {finding}")));
        complaints
    }

    /// Each flow of a trace that reports passing packets has one verdict. If the verdict is that the flow was dropped, a
    /// finding says where and why.
    fn about_verdicts(&self, capture: &Capture) -> Vec<String> {
        let ends: Vec<_> = capture.of("flow").collect();
        let mut complaints = Vec::new();
        let mut flows: Vec<_> = ends.iter().filter_map(|end| end["flow"].as_u64()).collect();
        flows.sort_unstable();
        let aimed = capture.of("start").all(|start| start["drops"] != true);
        let expected: Vec<_> = if aimed { flows_with_steps(capture).into_iter().collect() } else { Vec::new() };
        if flows != expected {
            complaints.push(format!("flows {flows:?} have a verdict, but flows {expected:?} have steps"));
        }
        let unfounded = ends.iter().find(|end| end["verdict"] == "dropped" && end["findings"] == json!([]));
        complaints.extend(unfounded.map(|end| format!("no finding says why a flow was dropped: {end}")));
        let missing = self.verdicts.iter().filter(|expected| !ends.iter().any(|end| matches(expected, end)));
        complaints.extend(missing.map(|missing| format!("no flow ended like {missing}, but like {ends:?}")));
        complaints
    }
}

/// Two errors must not name different causes for the one end of a packet. Copies of a packet may have several ends.
pub fn rivals(capture: &Capture) -> Vec<String> {
    let mut ends: BTreeMap<u64, usize> = BTreeMap::new();
    for packet in capture.of("drop").filter_map(|drop| drop["packet"].as_u64()) {
        *ends.entry(packet).or_default() += 1;
    }
    let mut named: BTreeMap<u64, &Value> = BTreeMap::new();
    let mut complaints = Vec::new();
    for finding in capture.of("finding").filter(|finding| finding["severity"] == "error") {
        let packets = finding["packets"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        for packet in packets.filter(|packet| ends.get(packet).is_none_or(|ends| *ends == 1)) {
            let first = named.entry(packet).or_insert(&finding["id"]);
            if **first != finding["id"] {
                complaints.push(format!("{first} and {} both explain the end of packet {packet}", finding["id"]));
            }
        }
    }
    complaints
}

/// Returns the numbers of the flows that have steps.
fn flows_with_steps(capture: &Capture) -> BTreeSet<u64> {
    capture.steps().filter_map(|step| step["flow"].as_u64()).collect()
}

/// Parses a block of TOML, with the variant's values in place of `$NAME`.
pub fn read<T: DeserializeOwned>(toml: &str, values: &Values) -> Result<T> {
    let text = substitute(toml, values)?;
    toml::from_str(&text).with_context(|| format!("in\n{text}"))
}

/// Removes the first match of each expected finding from `found`. Returns a complaint for each expected finding without
/// a match.
pub fn claim(expected: &[Value], found: &mut Vec<&Value>) -> Vec<String> {
    let mut complaints = Vec::new();
    for expected in expected {
        match found.iter().position(|finding| matches(expected, finding)) {
            Some(place) => {
                found.remove(place);
            }
            None => complaints.push(describe_missing(expected, found)),
        }
    }
    complaints
}

/// Describes a missing finding. The closest finding helps more than the bare statement that none matches.
fn describe_missing(expected: &Value, found: &[&Value]) -> String {
    let same_id = found.iter().find(|finding| finding["id"] == expected["id"]);
    match same_id.and_then(|finding| mismatch("finding", expected, finding)) {
        Some(difference) => difference,
        None => format!("no finding is like {expected}"),
    }
}

/// Replaces `$NAME` by the variant's values.
fn substitute(text: &str, values: &Values) -> Result<String> {
    let mut parts = text.split('$');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|char: char| !char.is_ascii_uppercase() && !char.is_ascii_digit() && char != '_');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        match values.get(name) {
            Some(value) => result.push_str(value),
            None => bail!("`${name}` is not a column of the table of variants"),
        }
        result.push_str(rest);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::tests::example;

    fn complaints(toml: &str) -> Vec<String> {
        Expect::parse(toml, &Values::new()).expect("valid").complaints(&example())
    }

    #[test]
    fn a_fitting_description_has_no_complaints() {
        let toml = r#"
            exit = 1
            every_step = { ports = [443] }
            summary = { lost = { events = 0 } }
            [[findings]]
            id = "untracked-reply-dropped"
            tcp_flags = "SA"
            where = { netns = "A", policy = true }
            [[drops]]
            reason = "NETFILTER_DROP"
            [[verdicts]]
            verdict = "dropped"
            where = { netns = "A" }
            [[steps]]
            hook = "ip_rcv"
        "#;
        assert_eq!(complaints(toml), Vec::<String>::new());
    }

    #[test]
    fn one_end_has_one_cause() {
        let both = |first: &str, second: &str| {
            let mut capture = example();
            capture.repeat_finding(&[first, second]);
            rivals(&capture)
        };
        assert_eq!(both("a", "a"), Vec::<String>::new());
        assert_eq!(both("a", "b"), [r#""a" and "b" both explain the end of packet 7"#]);
    }

    #[test]
    fn unexpected_and_missing_findings_are_named() {
        let said = complaints("exit = 0");
        assert!(said.len() == 1 && said[0].starts_with("unexpected finding"), "{said:?}");
        let said = complaints("exit = 1\n[[findings]]\nid = 'untracked-reply-dropped'\n[[verdicts]]\nverdict = 'left'");
        assert!(said.len() == 1 && said[0].starts_with("no flow ended like"), "{said:?}");
        let said = complaints("exit = 1\n[[findings]]\nid = 'untracked-reply-dropped'\nreason = 'X'");
        assert_eq!(said[0], r#"finding.reason is "NETFILTER_DROP", not "X""#);
    }

    #[test]
    fn each_difference_is_a_sentence() {
        let toml = "exit = 1\nfindings = [{}]\ndrops = [{ reason = 'OTHER' }]\nevery_step = { ports = [80] }\n\
                    summary = { flows = 2 }";
        let said = complaints(toml);
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(said[0], r#"no drop is like {"reason":"OTHER"}"#);
        assert_eq!(said[2], "summary.flows is 1, not 2");
    }

    #[test]
    fn values_are_put_in() {
        let values = Values::from([("PORT".to_owned(), "443".to_owned())]);
        assert_eq!(substitute("ports = [$PORT]", &values).expect("known"), "ports = [443]");
        assert!(substitute("$NOPE", &values).unwrap_err().to_string().contains("$NOPE"));
        assert!(Expect::parse("exit = 0\nfinding = []", &values).is_err());
    }
}
