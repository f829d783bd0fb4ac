//! Rows in columns that are as wide as their contents.

use std::collections::BTreeSet;

use anstyle::Style;
use textwrap::core::display_width;

use super::{
    packet::Packets,
    path::Row,
    phrase,
    style::{BAD, CHANGED, DIM, Look, PLACE, WARN, hang, pad, paint},
    tone::Tone,
};
use crate::model::CtState;

/// Rules whose text was already shown. Without `verbose`, each text is shown once.
pub(super) type ShownRules = BTreeSet<(String, String)>;

/// Widths of the columns; 0 for a column that stays empty.
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
    /// Makes the columns wide enough for all rows.
    pub(super) fn fit(paths: &[Packets]) -> Self {
        let mut fit = Self { time: "0.000".len(), device: "device".len(), ..Self::default() };
        let mut known = paths.iter().flat_map(|path| &path.rows).map(|row| row.says.netns).filter(|netns| *netns != 0);
        fit.netns = known.next().is_some_and(|first| known.any(|netns| netns != first));
        for (path, row) in paths.iter().flat_map(|path| path.rows.iter().map(move |row| (path, row))) {
            fit.time = fit.time.max(phrase::millis(row.ts.saturating_sub(path.start())).len());
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

    /// Renders the line above the columns.
    pub(super) fn header(&self) -> String {
        let line = self.line(["ms", "device", "mark", "conntrack"].map(str::to_owned));
        paint(DIM, format!("{line}what happens"))
    }

    /// Renders one row. Cells that are the same as in the row `before` are left blank.
    pub(super) fn row(
        &self,
        row: &Row,
        before: Option<&Row>,
        start: u64,
        shown: &mut ShownRules,
        look: Look,
    ) -> String {
        let before = before.map(|row| &row.says);
        let says = &row.says;
        // The first row is compared with a packet that nothing has changed yet.
        let (ifname, old_mark, ct) = before.map_or(("", 0, CtState::None), |row| (&row.ifname, row.mark, row.ct));
        let unless = |same: bool, style: Style, text: String| if same { String::new() } else { paint(style, text) };
        let ct_style = match says.ct {
            CtState::Untracked | CtState::Invalid => WARN.bold(),
            _ => CHANGED,
        };
        let cells = [
            phrase::millis(row.ts.saturating_sub(start)),
            unless(says.ifname == ifname, PLACE, says.ifname.clone()),
            unless(says.mark == old_mark, CHANGED, mark(says.mark)),
            unless(says.ct == ct, ct_style, says.ct.to_string()),
        ];
        let mut what = says.what.join(", ");
        if let Some(rule) = &says.rule
            && (shown.insert((what.clone(), rule.clone())) || look.verbose)
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
        let below = " ".repeat(display_width(&left) + 2);
        let facts = says.facts.iter().map(|fact| format!("\n{}", hang(&below, fact, look.width)));
        format!("{left}{}{}", text.join(&indent), facts.collect::<String>())
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
