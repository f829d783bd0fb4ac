//! Packets that took the same path, told once.

use std::collections::BTreeSet;

use anstyle::Style;
use textwrap::core::display_width;

use super::{
    path::{Row, rows},
    style::{BAD, CHANGED, DIM, HEADING, Look, PLACE, WARN, hang, pad, paint},
    text,
    words::Tone,
};
use crate::model::{CtState, Direction, Step, TcpFlags, Trace, Tuple};

/// Rules whose text was told: long ones are told once.
pub(super) type Told = BTreeSet<(String, String)>;

/// Packets of one flow, direction and kind that took the same path.
pub(super) struct Packets {
    ids: Vec<u64>,
    direction: Direction,
    flags: Option<TcpFlags>,
    tuple: Tuple,
    /// The path, with the times of the first of them.
    pub(super) rows: Vec<Row>,
}

impl Packets {
    /// One packet, by its steps in order of time.
    pub(super) fn new(id: u64, steps: &[&Step], look: Look) -> Option<Self> {
        let first = steps.first()?;
        let rows = rows(steps, look.verbose);
        Some(Self { ids: vec![id], direction: first.direction, flags: first.tcp_flags, tuple: first.tuple, rows })
    }

    /// Takes the packets of `other` in if they took the same path.
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

    /// How many packets.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether they were dropped.
    pub(super) fn dropped(&self) -> bool {
        self.rows.iter().any(|row| row.says.tone == Tone::Bad)
    }

    /// Nanoseconds since boot of the first step of the first of them.
    fn start(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.ts)
    }

    /// Heading and path.
    pub(super) fn render(&self, trace: &Trace, flow: Tuple, columns: &Columns, told: &mut Told, look: Look) -> String {
        let arrow = match self.direction {
            Direction::Orig => "→",
            Direction::Reply => "←",
        };
        let kind = self.flags.map(TcpFlags::names).filter(|names| !names.is_empty());
        let kind = kind.unwrap_or_else(|| self.tuple.proto.to_string());
        let started = self.start().saturating_sub(trace.start.boot_time_ns);
        let mut about = match self.ids.len() {
            1 => format!("packet {} at {}", text::list(&self.ids), text::time(started)),
            _ => format!("packets {} on the same path, the first at {}", text::list(&self.ids), text::time(started)),
        };
        if self.tuple != flow && self.tuple != flow.reversed() {
            about = format!("{about}, as {}", self.tuple);
        }
        let arrow = paint(if self.dropped() { BAD } else { PLACE }, arrow);
        let heading = hang(&format!("{arrow} "), &format!("{}, {about}", paint(HEADING, kind)), look.width);
        let mut lines = vec![heading];
        let mut before: Option<&Row> = None;
        for row in &self.rows {
            if columns.netns && row.says.netns != 0 && before.is_none_or(|before| before.says.netns != row.says.netns) {
                lines.push(format!("  {}", paint(PLACE, format!("in {}", super::place::netns(row.says.netns, trace)))));
            }
            lines.push(columns.row(row, before, self.start(), told, look));
            before = Some(row);
        }
        lines.join("\n") + "\n"
    }
}

/// Widths of the columns, 0 where a column has nothing to say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Columns {
    /// Whether packets pass through more than one netns.
    pub(super) netns: bool,
    time: usize,
    device: usize,
    mark: usize,
    ct: usize,
}

impl Columns {
    /// Wide enough for all of them.
    pub(super) fn fit(paths: &[Packets]) -> Self {
        let mut fit = Self { time: "0.000".len(), device: "device".len(), ..Self::default() };
        let mut known = paths.iter().flat_map(|path| &path.rows).map(|row| row.says.netns).filter(|netns| *netns != 0);
        fit.netns = known.next().is_some_and(|first| known.any(|netns| netns != first));
        for (path, row) in paths.iter().flat_map(|path| path.rows.iter().map(move |row| (path, row))) {
            fit.time = fit.time.max(text::millis(row.ts.saturating_sub(path.start())).len());
            fit.device = fit.device.max(display_width(&row.says.ifname));
            if row.says.mark != 0 {
                fit.mark = fit.mark.max("mark".len()).max(mark(row.says.mark).len());
            }
            if row.says.ct != CtState::None {
                fit.ct = fit.ct.max("conntrack".len()).max(row.says.ct.to_string().len());
            }
        }
        fit
    }

    /// The line over the columns.
    pub(super) fn header(&self) -> String {
        let line = self.line(["ms", "device", "mark", "conntrack"].map(str::to_owned));
        paint(DIM, format!("{line}what happens"))
    }

    fn row(&self, row: &Row, before: Option<&Row>, start: u64, told: &mut Told, look: Look) -> String {
        let before = before.map(|row| &row.says);
        let says = &row.says;
        // The first row is measured against a packet that nobody has touched yet.
        let (ifname, old_mark, ct) = before.map_or(("", 0, CtState::None), |row| (&row.ifname, row.mark, row.ct));
        let unless = |same: bool, style: Style, text: String| if same { String::new() } else { paint(style, text) };
        let ct_style = match says.ct {
            CtState::Untracked | CtState::Invalid => WARN.bold(),
            _ => CHANGED,
        };
        let cells = [
            text::millis(row.ts.saturating_sub(start)),
            unless(says.ifname == ifname, PLACE, says.ifname.clone()),
            unless(says.mark == old_mark, CHANGED, mark(says.mark)),
            unless(says.ct == ct, ct_style, says.ct.to_string()),
        ];
        let mut what = says.what.join(", ");
        if let Some(rule) = &says.rule
            && (told.insert((what.clone(), rule.clone())) || look.verbose)
        {
            what = format!("{what}: {rule}");
        }
        let (what, style) = match says.tone {
            Tone::Quiet => (what, Style::new()),
            Tone::Notable => (what, WARN),
            Tone::Bad => (format!("✗ {what}"), BAD),
        };
        let left = self.line(cells);
        let text = hang(&" ".repeat(display_width(&left)), &what, look.width);
        let text: Vec<_> = text.lines().map(|line| paint(style, line.trim_start())).collect();
        let indent = format!("\n{}", " ".repeat(display_width(&left)));
        format!("{left}{}", text.join(&indent))
    }

    fn line(&self, [time, device, mark, ct]: [String; 4]) -> String {
        let mut line = format!("  {}{}  ", " ".repeat(self.time.saturating_sub(time.len())), paint(DIM, &time));
        for (cell, width) in [(device, self.device), (mark, self.mark), (ct, self.ct)] {
            if width > 0 {
                line = format!("{line}{}  ", pad(&cell, width));
            }
        }
        line
    }
}

fn mark(mark: u32) -> String {
    if mark == 0 { "0".to_owned() } else { format!("{mark:#x}") }
}
