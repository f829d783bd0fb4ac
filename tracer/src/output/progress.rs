//! The progress of a run, shown on stderr.

use std::{
    fmt,
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{phrase::plural, style::Look, text::drops};
use crate::{
    cli::{Format, View},
    model::{DropCount, Trace},
};

/// How much of the progress is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Show {
    /// Nothing: `-q`.
    Nothing,
    /// Single lines, because stderr is not a terminal, or JSON Lines scroll on the same terminal.
    Lines,
    /// One line that is kept up to date.
    Live,
    /// Warnings in the log, because there is no user at a terminal.
    Log,
}

impl Show {
    /// Chooses what fits the flags and where stdout and stderr go.
    #[must_use]
    pub fn for_view(view: &View) -> Self {
        let scrolling = view.format == Format::Json && std::io::stdout().is_terminal();
        match (view.quiet, std::io::stderr().is_terminal() && !scrolling) {
            (true, _) => Self::Nothing,
            (false, true) => Self::Live,
            (false, false) => Self::Lines,
        }
    }
}

/// What has been seen so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
    /// Drops.
    pub drops: u64,
    /// Everything that was lost.
    pub lost: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (packets, flows) = (plural(self.packets, "packet"), plural(self.flows, "flow"));
        write!(f, "{packets}, {flows}, {}, {} lost", plural(self.drops, "drop"), self.lost)
    }
}

/// The status line. It disappears from the terminal when it is finished or dropped.
#[derive(Debug)]
pub struct Progress {
    show: Show,
    bar: ProgressBar,
    tracing: String,
}

impl Progress {
    /// Creates the progress without showing anything yet. `filter` is the filter in words, empty for all traffic.
    #[must_use]
    pub fn new(filter: &str, show: Show) -> Self {
        let target = if show == Show::Live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self::on(ProgressBar::with_draw_target(None, target), filter, show)
    }

    fn on(bar: ProgressBar, filter: &str, show: Show) -> Self {
        style(&bar, "{spinner} {wide_msg}");
        let filter = if filter.is_empty() { "all traffic" } else { filter };
        Self { show, bar, tracing: format!("tracing {filter}") }
    }

    /// Shows a preparation step, such as `attaching 36 hooks`; live only.
    pub fn preparing(&self, what: &str) {
        self.bar.set_message(format!("{what} …"));
        self.bar.tick();
    }

    /// Reports that every probe is attached.
    pub fn started(&self) {
        match self.show {
            Show::Nothing | Show::Log => {}
            Show::Lines => say(&format!("{} — Ctrl-C to stop", self.tracing)),
            Show::Live => {
                self.update(Counts::default());
                self.bar.enable_steady_tick(Duration::from_millis(150));
            }
        }
    }

    /// Shows new counts. This is cheap enough to call for every batch of events.
    pub fn update(&self, counts: Counts) {
        if self.show == Show::Live {
            // The filter comes last, because a narrow terminal may cut it off.
            self.bar.set_message(format!("{counts} — Ctrl-C to stop — {}", self.tracing));
        }
    }

    /// Shows new counts like [`Self::update`], with the worst drops below. `more` is the number of rows left out.
    /// `names` is only used to look up names.
    pub fn update_drops(&self, counts: Counts, worst: &[DropCount], more: usize, names: &Trace) {
        self.update(counts);
        if self.show == Show::Live && !worst.is_empty() {
            if self.bar.prefix().is_empty() {
                style(&self.bar, "{spinner} {wide_msg}\n{prefix}");
            }
            let mut table = drops::table(worst, names, Look::for_stderr()).trim_end().to_owned();
            if more > 0 {
                table += &format!("\n  and {more} more, listed in the report");
            }
            self.bar.set_prefix(table);
        }
    }

    /// Prints a message that stays on the screen, or logs it.
    pub fn note(&self, message: &str) {
        match self.show {
            Show::Nothing => {}
            Show::Lines | Show::Live => self.bar.suspend(|| say(message)),
            Show::Log => tracing::info!("{message}"),
        }
    }

    /// Prints a warning that stays on the screen, or logs it.
    pub fn warn(&self, message: &str) {
        match self.show {
            Show::Nothing => {}
            Show::Lines | Show::Live => self.bar.suspend(|| say(&format!("warning: {message}"))),
            Show::Log => tracing::warn!("{message}"),
        }
    }

    /// Removes the status line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
}

/// Prints a line. Unlike `eprintln!`, this ignores a closed stderr, which must not end a run.
fn say(message: &str) {
    _ = writeln!(std::io::stderr(), "tracer: {message}");
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressBar, ProgressDrawTarget};

    use super::{Counts, Progress, Show};
    use crate::model::{DropCount, Trace, Where};

    #[test]
    fn the_worst_drops_stand_below_the_counts() {
        let terminal = InMemoryTerm::new(10, 80);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let progress = Progress::on(ProgressBar::with_draw_target(None, target), "port 9", Show::Live);
        let drop = |packets, cause: &str| DropCount {
            reason: "NOT_SPECIFIED".into(),
            location: "ip_error+0x1a".into(),
            packets,
            cause: Some(cause.to_owned()),
            flow: None,
            tuple: None,
            r#where: Where::default(),
        };
        progress.started();
        let counts = Counts { packets: 5, flows: 2, drops: 5, lost: 0 };
        progress.update_drops(Counts::default(), &[], 0, &Trace::default());
        progress.update_drops(counts, &[drop(4, "firewall-drop"), drop(1, "no-socket")], 0, &Trace::default());
        let shown = terminal.contents();
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[0].contains("5 packets, 2 flows, 5 drops, 0 lost"), "{shown}");
        assert!(lines.len() == 4 && lines[2].contains("4  firewall-drop"), "{shown}");
        progress.update_drops(counts, &[drop(4, "firewall-drop")], 3, &Trace::default());
        assert!(terminal.contents().ends_with("and 3 more, listed in the report"), "{}", terminal.contents());
        progress.finish();
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn counts_in_words() {
        let counts = Counts { packets: 12, flows: 2, drops: 1, lost: 0 };
        assert_eq!(counts.to_string(), "12 packets, 2 flows, 1 drop, 0 lost");
    }
}
