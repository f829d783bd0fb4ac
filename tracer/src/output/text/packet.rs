//! Packets that took the same path, shown once.

use super::{
    columns::{Columns, ShownRules},
    path::{Row, rows},
    phrase, place,
    style::{BAD, HEADING, Look, PLACE, hang, paint},
    tone::Tone,
};
use crate::{
    duration,
    model::{Direction, Step, TcpFlags, Trace, Tuple},
};

/// Packets of one flow, direction and kind that took the same path.
pub(super) struct Packets {
    ids: Vec<u64>,
    direction: Direction,
    flags: Option<TcpFlags>,
    tuple: Tuple,
    /// The path, with the times of the first packet.
    pub(super) rows: Vec<Row>,
}

impl Packets {
    /// Describes one packet from its steps in order of time.
    pub(super) fn new(id: u64, steps: &[&Step], trace: &Trace, look: Look) -> Option<Self> {
        let first = steps.first()?;
        let rows = rows(steps, trace, look.verbose);
        Some(Self { ids: vec![id], direction: first.direction, flags: first.tcp_flags, tuple: first.tuple, rows })
    }

    /// Adds the packets of `other` if they took the same path. Returns whether they did.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let kind = |packets: &Self| (packets.direction, packets.flags, packets.tuple);
        let same = kind(self) == kind(other)
            && self.rows.len() == other.rows.len()
            && self.rows.iter().zip(&other.rows).all(|(a, b)| a.says == b.says);
        if same {
            self.ids.extend(&other.ids);
        }
        same
    }

    /// Returns the number of packets.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the packets were dropped.
    pub(super) fn dropped(&self) -> bool {
        self.rows.iter().any(|row| row.says.tone == Tone::Bad)
    }

    /// Returns the time of the first packet's first step, in nanoseconds since boot.
    pub(super) fn start(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.ts)
    }

    /// Renders the heading and the path.
    pub(super) fn render(
        &self,
        trace: &Trace,
        flow: Tuple,
        columns: &Columns,
        shown: &mut ShownRules,
        look: Look,
    ) -> String {
        let arrow = match self.direction {
            Direction::Orig => "→",
            Direction::Reply => "←",
        };
        let kind = self.flags.map(TcpFlags::names).filter(|names| !names.is_empty());
        let kind = kind.unwrap_or_else(|| self.tuple.proto.to_string());
        let started = self.start().saturating_sub(trace.start.boot_time_ns);
        let mut about = match self.ids.len() {
            1 => format!("packet {} at {}", phrase::list(&self.ids), duration::words(started)),
            _ => {
                format!(
                    "packets {} on the same path, the first at {}",
                    phrase::list(&self.ids),
                    duration::words(started)
                )
            }
        };
        if self.tuple != flow && self.tuple != flow.reversed() {
            about = format!("{about}, as {}", self.tuple);
        }
        let arrow = paint(if self.dropped() { BAD } else { PLACE }, arrow);
        let heading = hang(&format!("{arrow} "), &format!("{}, {about}", paint(HEADING, kind)), look.width);
        let mut lines = vec![heading];
        let mut before: Option<&Row> = None;
        let mut visited = Vec::new();
        for row in &self.rows {
            let netns = row.says.netns;
            if columns.netns && netns != 0 && visited.last() != Some(&netns) {
                let way = match (visited.is_empty(), visited.contains(&netns)) {
                    (true, _) => "in",
                    (false, false) => "on to",
                    (false, true) => "back in",
                };
                visited.push(netns);
                lines.push(format!("  {}", paint(PLACE, format!("{way} {}", place::netns(netns, trace)))));
            }
            lines.push(columns.row(row, before, self.start(), shown, look));
            before = Some(row);
        }
        lines.join("\n") + "\n"
    }
}
