//! One flow: its packets in the order they were first seen.

use std::collections::{BTreeMap, HashMap};

use textwrap::core::display_width;

use super::{
    columns::{Columns, ShownRules},
    legend,
    packet::Packets,
    phrase::plural,
    style::{BAD, DIM, GOOD, HEADING, Look, WARN, clean, hang, paint},
};
use crate::{
    marks::Marks,
    model::{Direction, Flow as End, FlowVerdict, Step, Trace, Tuple},
};

/// Maximum number of paths of a flow to show without `-v`. Paths with a drop are always shown.
const MOST_PATHS: usize = 12;

/// Maximum number of translated tuples in a flow's heading.
const MOST_TUPLES: usize = 4;

/// One flow and its steps in order of time.
pub(super) struct Flow<'a> {
    id: u64,
    steps: Vec<&'a Step>,
    end: Option<&'a End>,
}

/// Returns the flows of a trace, in the order they were first seen.
pub(super) fn flows(trace: &Trace) -> Vec<Flow<'_>> {
    let mut flows: Vec<Flow<'_>> = Vec::new();
    let mut index = BTreeMap::new();
    let ends: HashMap<u64, &End> = trace.flows.iter().map(|end| (end.flow, end)).collect();
    for step in &trace.steps {
        let at = *index.entry(step.flow).or_insert_with(|| {
            flows.push(Flow { id: step.flow, steps: Vec::new(), end: ends.get(&step.flow).copied() });
            flows.len() - 1
        });
        flows[at].steps.push(step);
    }
    flows
}

impl Flow<'_> {
    /// Whether the flow has a drop or a finding.
    pub(super) fn has_problem(&self, trace: &Trace) -> bool {
        self.steps.iter().any(|step| step.drop.is_some()) || trace.findings.iter().any(|f| f.flow == self.id)
    }

    /// Renders the heading, then each path.
    pub(super) fn render(&self, trace: &Trace, marks: &Marks, look: Look) -> String {
        let paths = self.paths(trace, look);
        let count: usize = paths.iter().map(Packets::len).sum();
        let Some(tuple) = self.tuple() else { return String::new() };
        let columns = Columns::fit(&paths);
        let about = format!("{} {tuple}, {}", tuple.proto, plural(count, "packet"));
        let first = format!("{}  ", paint(HEADING, format!("Flow {}", self.id)));
        let mut text = hang(&first, &about, look.width);
        let indent = " ".repeat(display_width(&first));
        for line in self.end.map(verdict).into_iter().chain(self.translated(tuple)) {
            text += &format!("\n{}", hang(&indent, &line, look.width));
        }
        text += &format!("\n\n{}\n", columns.header());
        let mut hidden = 0;
        let mut shown = ShownRules::new();
        for (index, path) in paths.iter().enumerate() {
            if index >= MOST_PATHS && !look.verbose && !path.dropped() {
                hidden += path.len();
                continue;
            }
            text += &path.render(trace, tuple, &columns, &mut shown, look);
            text.push('\n');
        }
        if hidden > 0 {
            let more = format!("… and {} on other paths without a drop: -v shows them", plural(hidden, "more packet"));
            text += &format!("{}\n\n", paint(DIM, more));
        }
        text + &legend::render(&self.steps, trace, marks, look)
    }

    /// Lists the flow's other tuples, as seen from the original direction.
    fn translated(&self, tuple: Tuple) -> Vec<String> {
        let mut others: Vec<Tuple> = Vec::new();
        for step in &self.steps {
            let nat = step.nat.as_ref().map(|nat| [nat.before, nat.after]);
            for seen in nat.into_iter().flatten().chain([step.tuple]) {
                let seen = if step.direction == Direction::Reply { seen.reversed() } else { seen };
                if seen != tuple && seen.proto == tuple.proto && !others.contains(&seen) {
                    others.push(seen);
                }
            }
        }
        let more = others.len().saturating_sub(MOST_TUPLES);
        let mut words: Vec<_> = others.iter().take(MOST_TUPLES).map(|tuple| format!("also as {tuple}")).collect();
        words.extend((more > 0).then(|| format!("and {} more", plural(more, "other tuple"))));
        words
    }

    fn paths(&self, trace: &Trace, look: Look) -> Vec<Packets> {
        let mut packets: BTreeMap<u64, Vec<&Step>> = BTreeMap::new();
        for step in &self.steps {
            packets.entry(step.packet).or_default().push(step);
        }
        let mut paths: Vec<Packets> = Vec::new();
        for (id, steps) in &packets {
            let Some(packet) = Packets::new(*id, steps, trace, look) else { continue };
            if !paths.iter_mut().any(|path| path.join(&packet)) {
                paths.push(packet);
            }
        }
        paths
    }

    /// Returns the tuple of the original direction.
    fn tuple(&self) -> Option<Tuple> {
        let orig = self.steps.iter().find(|step| step.direction == Direction::Orig).map(|step| step.tuple);
        orig.or_else(|| self.steps.first().map(|step| step.tuple.reversed()))
    }
}

/// Renders how the flow ended: `answered: the first answer …`.
fn verdict(end: &End) -> String {
    let style = match end.verdict {
        FlowVerdict::Answered => GOOD,
        FlowVerdict::Dropped => BAD,
        FlowVerdict::Refused | FlowVerdict::Held | FlowVerdict::Unknown => WARN,
        FlowVerdict::Delivered | FlowVerdict::Left | FlowVerdict::Absent => HEADING,
    };
    format!("{}: {}", paint(style, end.verdict), clean(&end.title))
}
