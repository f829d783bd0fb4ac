//! Collects the worst drops so far, which a trace of drops shows while it runs.

use std::collections::HashMap;

use crate::{
    diagnose::diagnose,
    history::drop_counts::{DropCounts, place},
    model::{Drop, DropCount, Record, Start, Step, Trace, Where},
};

/// Maximum number of rows that are shown.
const ROWS: usize = 12;

/// The drops so far, each with the cause that its own steps show. The report also has causes that only the other
/// direction of the flow shows.
pub struct WorstDrops {
    counts: DropCounts,
    /// Chains, devices and names of netns, for later drops.
    known: Trace,
    causes: HashMap<(Drop, Where), Option<String>>,
}

impl WorstDrops {
    /// Creates an empty collection.
    pub fn new() -> Self {
        // What passes is not reported, so that what is missing proves nothing.
        let known = Trace { start: Start { drops: true, ..Start::default() }, ..Trace::default() };
        Self { counts: DropCounts::new(true), known, causes: HashMap::new() }
    }

    /// Counts the drop in the lines of one packet's end.
    pub fn note(&mut self, lines: &[Record]) {
        let mut steps = Vec::new();
        for line in lines {
            match line {
                Record::Step(step) | Record::Drop(step) => steps.push(step.clone()),
                Record::Chain(chain) => self.known.chains.push(chain.clone()),
                Record::Device(device) => {
                    self.known.devices.insert((device.netns, device.ifindex), device.clone());
                }
                Record::Netns { inum, name } => {
                    self.known.netns_names.insert(*inum, name.clone());
                }
                _ => {}
            }
        }
        let Some(drop) = steps.iter().rfind(|step| step.drop.is_some()).cloned() else { return };
        let cause = self.cause(&drop, steps);
        self.counts.add(&drop, cause.as_deref());
    }

    /// Returns the worst drops so far, the number of further rows, and the trace that holds the names.
    pub fn worst(&self) -> (Vec<DropCount>, usize, &Trace) {
        let mut worst = self.counts.worst_first();
        let more = worst.len().saturating_sub(ROWS);
        worst.truncate(ROWS);
        (worst, more, &self.known)
    }

    /// Diagnoses each kind of drop once. The next one of its kind is assumed to have the same cause.
    fn cause(&mut self, step: &Step, steps: Vec<Step>) -> Option<String> {
        let key = (step.drop.clone()?, place(step));
        if let Some(known) = self.causes.get(&key) {
            return known.clone();
        }
        self.known.steps = steps;
        let findings = diagnose(&self.known);
        self.known.steps = Vec::new();
        let cause = findings.first().map(|finding| finding.id.clone());
        self.causes.insert(key, cause.clone());
        cause
    }
}
