//! The end of a report: losses and coverage.

use super::{
    phrase::{heading, plural},
    style::{DIM, GOOD, Look, WARN, clean, hang, paint},
};
use crate::{
    duration,
    model::{Lost, Start, Trace},
};

/// Renders losses and coverage.
pub(super) fn render(trace: &Trace, look: Look) -> String {
    format!("{}\n{}", lost(trace, look), coverage(trace, look))
}

fn lost(trace: &Trace, look: Look) -> String {
    let lines: Vec<_> = if !trace.complete {
        vec!["The capture has no summary: losses unknown.".to_owned()]
    } else if trace.summary.lost == Lost::default() {
        return format!("{}  {}\n", heading("Lost"), paint(GOOD, "nothing was lost"));
    } else {
        let Lost { events, tracked_overflow, missed_probes, unparsed, trails, forgotten_packets, forgotten_flows } =
            trace.summary.lost;
        let counts = [
            (events, "event", "lost because the ring buffer was full: a larger --buffer-size helps"),
            (tracked_overflow, "packet", "not followed because too many were in flight: a narrower filter helps"),
            (missed_probes, "probe hit", "skipped by the kernel"),
            (unparsed, "packet", "whose headers or records could not be parsed"),
            (trails, "drop", "whose path had been evicted for newer packets"),
            (forgotten_packets, "packet", "evicted for newer ones and not in this report: a larger --memory helps"),
            (
                forgotten_flows,
                "flow",
                "evicted for newer ones and counted again if they continued: a larger --memory helps",
            ),
        ];
        let counted = counts.into_iter().filter(|(count, ..)| *count > 0);
        counted.map(|(count, what, why)| format!("{} {why}", plural(count, what))).collect()
    };
    let lines = lines.iter().map(|line| paint(WARN, hang("  ", line, look.prose())) + "\n");
    heading("Lost") + &lines.collect::<String>()
}

fn coverage(trace: &Trace, look: Look) -> String {
    let summary = &trace.summary;
    let mut lines = vec![clean(&summary.coverage).into_owned()];
    let Start { backend, hooks, .. } = &trace.start;
    let attached = format!("{} of {} hooks attached, by {}", hooks.attached, hooks.asked, clean(backend));
    lines.push(match trace.complete {
        true => {
            let packets = plural(summary.packets, "packet");
            let seen = match trace.start.drops {
                true => format!("{packets}, {} with drops", plural(summary.flows, "flow")),
                false => format!("{packets} in {}", plural(summary.flows, "flow")),
            };
            format!("{seen} over {}; {attached}", duration::words(summary.duration_ns))
        }
        false => attached,
    });
    let line = |text: &String| hang("  ", text, look.prose()) + "\n";
    let mut text = heading("Coverage") + &lines.iter().filter(|text| !text.is_empty()).map(line).collect::<String>();
    let (harmless, missing): (Vec<_>, Vec<_>) = hooks.failed.iter().partition(|hook| hook.harmless);
    for hook in missing {
        let why = format!("without {}: {}", clean(&hook.hook), clean(&hook.reason));
        text += &format!("{}\n", paint(WARN, hang("  ", &why, look.prose())));
    }
    for (module, hooks) in &trace.start.joined {
        let joined =
            format!("{} of module {}, which was loaded during the trace", plural(*hooks, "hook"), clean(module));
        text += &format!("{}\n", hang("  ", &format!("with {joined}"), look.prose()));
    }
    for hook in harmless.iter().filter(|_| look.verbose) {
        let why = format!("not needed: {}, {}", clean(&hook.hook), clean(&hook.reason));
        text += &format!("{}\n", paint(DIM, hang("  ", &why, look.prose())));
    }
    if !harmless.is_empty() && !look.verbose {
        text += &format!("  {}\n", paint(DIM, format!("{} not needed here", plural(harmless.len(), "hook"))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Summary;

    #[test]
    fn what_was_let_go_is_said() {
        let lost = Lost { forgotten_packets: 1200, forgotten_flows: 1, ..Lost::default() };
        let summary = Summary { lost, ..Summary::default() };
        let trace = Trace { summary, complete: true, ..Trace::default() };
        let text = anstream::adapter::strip_str(&super::lost(&trace, Look { width: 200, verbose: false })).to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("1200 packets evicted for newer ones") && text.contains("1 flow evicted"), "{text}");
        assert!(text.contains("--memory"), "{text}");
    }
}
