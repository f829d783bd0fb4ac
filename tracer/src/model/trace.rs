//! A whole capture, sorted out.

use std::collections::BTreeMap;

use super::{Chain, Device, Finding, Record, Start, Step, Summary};

/// Everything that a run saw and concluded. The text report is a function of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// What ran and what it covered.
    pub start: Start,
    /// Every step, in order of time.
    pub steps: Vec<Step>,
    /// Chains that took part in a verdict.
    pub chains: Vec<Chain>,
    /// Devices that packets passed, by netns and ifindex.
    pub devices: BTreeMap<(u32, u32), Device>,
    /// Conclusions, gravest first.
    pub findings: Vec<Finding>,
    /// What was seen in all.
    pub summary: Summary,
    /// Names of network namespaces by inode number, as far as they have one.
    pub netns_names: BTreeMap<u32, String>,
    /// Whether the summary is there. A capture that was cut off has none, and then nobody knows
    /// what was lost.
    pub complete: bool,
}

impl FromIterator<Record> for Trace {
    /// Sorts the lines of one capture out. Steps are put in order of time; lines that come twice
    /// (`start`, `summary`) count as they come last.
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut trace = Self::default();
        for record in records {
            trace.push(record);
        }
        trace.steps.sort_by_key(|step| step.ts);
        trace
    }
}

impl Trace {
    /// Sorts a line in; steps at the end.
    pub fn push(&mut self, record: Record) {
        match record {
            Record::Start(start) => self.start = start,
            Record::Step(step) | Record::Drop(step) => self.steps.push(step),
            Record::Chain(chain) => self.chains.push(chain),
            Record::Device(device) => {
                self.devices.insert((device.netns, device.ifindex), device);
            }
            Record::Netns { inum, name } => {
                self.netns_names.insert(inum, name);
            }
            Record::Finding(finding) => self.findings.push(finding),
            Record::Summary(summary) => {
                self.summary = summary;
                self.complete = true;
            }
        }
    }
}
