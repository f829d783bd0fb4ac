//! Turns records into lines: tracks packets, names rules, asks the node, and provides the kernel's words.

mod evidence;
mod lookups;
mod rules;

use std::sync::Arc;

use lookups::Lookups;
use rules::Rules;

use crate::{
    catalog::Catalog,
    decode::Wire,
    kernel::{reasons::Reasons, symbols::Symbols},
    model::{Name, Netfilter, NodeFact, Record, Step, Verdict},
    track::{Observed, Tracker, Words},
};

/// Turns records into lines.
pub struct Pipeline {
    /// Packets and flows.
    pub tracker: Tracker,
    rules: Rules,
    lookups: Lookups,
    words: Box<dyn Words>,
    observed: Vec<Observed>,
    lines: Vec<Record>,
}

/// The words of the running kernel.
pub struct KernelWords {
    /// Names of drop reasons.
    pub reasons: Reasons,
    /// Names of locations in its code.
    pub symbols: Symbols,
}

impl Words for KernelWords {
    fn reason(&mut self, number: u32) -> Name {
        self.reasons.name(number)
    }

    fn location(&mut self, address: u64) -> Name {
        self.symbols.location(address)
    }
}

impl Pipeline {
    /// Creates an empty pipeline. `most` is passed to [`Tracker::new`].
    pub fn new(words: impl Words + 'static, catalog: Arc<Catalog>, most: usize) -> Self {
        Self {
            tracker: Tracker::new(catalog, most),
            rules: Rules::default(),
            lookups: Lookups::default(),
            words: Box::new(words),
            observed: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Takes snapshots for later comparison, and begins the trace at this time, in nanoseconds since boot.
    pub fn begin(&mut self, boot_time_ns: u64) {
        self.tracker.begin_at(boot_time_ns);
        self.lookups.evidence.begin();
    }

    /// Returns the lines of a record, in order. The caller drains them.
    pub fn process(&mut self, wire: Wire) -> &mut Vec<Record> {
        let lines = &mut self.lines;
        let mut drop_verdict: Option<Box<Netfilter>> = None;
        self.tracker.record(wire, self.words.as_mut(), &mut self.observed);
        for observed in self.observed.drain(..) {
            match observed {
                Observed::Step(mut tracked) => {
                    self.rules.name(&mut tracked, lines);
                    // A trail comes as a whole, so the tracker has made the step of its end before the rule had a text.
                    let ended = tracked.step.drop.as_ref().and(tracked.step.netfilter.as_mut());
                    if let Some((ended, verdict)) = ended.zip(drop_verdict.as_ref()) {
                        ended.clone_from(verdict);
                    }
                    if tracked.locus.is_some() {
                        self.tracker.keep_rule_text(&tracked.step);
                        let dropped = tracked
                            .step
                            .netfilter
                            .as_ref()
                            .filter(|netfilter| netfilter.verdict == Some(Verdict::Drop));
                        drop_verdict = dropped.cloned();
                    }
                    lines.push(line(tracked.step));
                }
                Observed::Device(device) => lines.push(Record::Device(device)),
            }
        }
        self.lookups.complete(lines, &self.rules);
        lines
    }

    /// Returns the lines that were held back until a packet's next step, when no more records come.
    pub fn finish(&mut self) -> Vec<Record> {
        let mut lines = self.tracker.rest().into_iter().map(line).collect();
        self.lookups.complete(&mut lines, &self.rules);
        lines
    }

    /// Returns the node's answers about the step at which a packet without an end was seen last.
    pub fn about(&mut self, step: &Step) -> Vec<NodeFact> {
        self.lookups.evidence.about(step, &self.rules)
    }

    /// Returns sentences about lookups that failed or were not made.
    pub fn problems(&mut self) -> Vec<String> {
        [self.rules.problems(), self.lookups.problems()].concat()
    }
}

fn line(step: Step) -> Record {
    if step.drop.is_some() { Record::Drop(step) } else { Record::Step(step) }
}
