//! A whole capture, sorted by type of line.

use std::{collections::BTreeMap, num::NonZeroU32};

use super::{Chain, Device, Finding, Flow, Pending, Record, Start, Step, Summary, Unmatched};

/// Everything that a run saw and concluded. The text report is a function of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// What the trace ran with and covered.
    pub start: Start,
    /// Every step, in order of time.
    pub steps: Vec<Step>,
    /// Chains that took part in a verdict.
    pub chains: Vec<Chain>,
    /// Devices that packets passed, by netns and ifindex.
    pub devices: BTreeMap<(u32, u32), Device>,
    /// Flows without an end, and what the node said about them.
    pub pending: Vec<Pending>,
    /// What the node could send, if no packet matched.
    pub unmatched: Option<Unmatched>,
    /// The ends of the flows, in the order they were first seen.
    pub flows: Vec<Flow>,
    /// Conclusions, gravest first.
    pub findings: Vec<Finding>,
    /// Totals.
    pub summary: Summary,
    /// Names of network namespaces by inode number. A namespace without a name is absent.
    pub netns_names: BTreeMap<u32, String>,
    /// Whether the capture has its summary. A capture that was cut off has none, and its losses are unknown.
    pub complete: bool,
}

impl FromIterator<Record> for Trace {
    /// Sorts the lines of one capture, and its steps by time. Of a line that occurs twice (`start`, `summary`) the
    /// last one counts.
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
    /// Returns a device of a netns.
    #[must_use]
    pub fn device(&self, netns: u32, ifindex: Option<NonZeroU32>) -> Option<&Device> {
        self.devices.get(&(netns, ifindex?.get()))
    }

    /// Returns the name of a netns, or its inode number if it has no name.
    #[must_use]
    pub fn netns_name(&self, inum: u32) -> String {
        self.netns_names.get(&inum).cloned().unwrap_or_else(|| inum.to_string())
    }

    /// Returns the lines that conclude a capture: what was looked up at its end, the ends of all flows, the findings and
    /// the totals.
    pub fn conclusions(&self) -> impl Iterator<Item = Record> {
        let pending = self.pending.iter().cloned().map(Record::Pending);
        let flows = self.flows.iter().cloned().map(Record::Flow);
        let findings = self.findings.iter().cloned().map(Record::Finding);
        let unmatched = self.unmatched.clone().map(Record::Unmatched);
        pending.chain(unmatched).chain(flows).chain(findings).chain([Record::Summary(self.summary.clone())])
    }

    /// Adds a line. Steps are appended, whatever their time.
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
            Record::Pending(pending) => self.pending.push(pending),
            Record::Unmatched(unmatched) => self.unmatched = Some(unmatched),
            Record::Flow(flow) => self.flows.push(flow),
            Record::Finding(finding) => self.findings.push(finding),
            Record::Summary(summary) => {
                self.summary = summary;
                self.complete = true;
            }
        }
    }
}
