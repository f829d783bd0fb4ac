//! From records to lines: tracks, names rules, and keeps the kernel's words at hand.

use crate::{
    decode::Wire,
    kernel::{reasons::Reasons, symbols::Reading},
    model::{Netfilter, Record, Step, Verdict},
    track::{Told, Tracker, Words},
};

use super::{lookups::Lookups, rules::Rules};

/// Turns records into lines.
pub struct Narrator {
    /// Packets and flows.
    pub tracker: Tracker,
    /// Rules.
    pub rules: Rules,
    lookups: Lookups,
    words: KernelWords,
}

struct KernelWords {
    reasons: Reasons,
    symbols: Reading,
}

impl Words for KernelWords {
    fn reason(&mut self, number: u32) -> String {
        self.reasons.name(number)
    }

    fn location(&mut self, address: u64) -> String {
        let symbols = self.symbols.symbols();
        symbols.renew_for(address);
        symbols.location(address)
    }
}

impl Narrator {
    /// Nothing is told yet.
    pub fn new(reasons: Reasons, symbols: Reading) -> Self {
        Self {
            tracker: Tracker::default(),
            rules: Rules::default(),
            lookups: Lookups::default(),
            words: KernelWords { reasons, symbols },
        }
    }

    /// Takes down what is compared with later, before the trace begins.
    pub fn begin(&mut self) {
        self.lookups.evidence.begin();
    }

    /// The lines of a record, in order.
    pub fn tell(&mut self, wire: Wire) -> Vec<Record> {
        let mut lines = Vec::new();
        let mut sentence: Option<Netfilter> = None;
        for told in self.tracker.record(wire, &mut self.words) {
            match told {
                Told::Step(mut tracked) => {
                    lines.extend(self.rules.name(&mut tracked));
                    // The trail of a drop comes at once: its end was told before the rule had a text.
                    let ended = tracked.step.drop.as_ref().and(tracked.step.netfilter.as_mut());
                    if let Some((ended, told)) = ended.zip(sentence.as_ref()) {
                        ended.clone_from(told);
                    }
                    if tracked.locus.is_some() {
                        self.tracker.sentenced(&tracked.step);
                        sentence = tracked.step.netfilter.clone().filter(|told| told.verdict == Some(Verdict::Drop));
                    }
                    lines.push(line(tracked.step));
                }
                Told::Device(device) => lines.push(Record::Device(device)),
            }
        }
        self.lookups.complete(&mut lines, &self.rules);
        lines
    }

    /// The lines that were kept back for a packet's next step, when there will be none.
    pub fn rest(&mut self) -> Vec<Record> {
        let mut lines = self.tracker.rest().into_iter().map(line).collect();
        self.lookups.complete(&mut lines, &self.rules);
        lines
    }

    /// What could not be looked up, as sentences.
    pub fn problems(&mut self) -> Vec<String> {
        [self.rules.problems(), self.lookups.problems()].concat()
    }
}

fn line(step: Step) -> Record {
    if step.drop.is_some() { Record::Drop(step) } else { Record::Step(step) }
}
