//! What closes a report: drops, what was lost, what was covered.

use super::{
    place,
    style::{BAD, DIM, GOOD, Look, WARN, clean, hang, pad, paint},
    text::{heading, plural, time},
};
use crate::model::{DropCount, Lost, Start, Trace};

/// All three sections.
pub(super) fn render(trace: &Trace, look: Look) -> String {
    format!("{}\n{}\n{}", drops(trace, look), lost(trace, look), coverage(trace, look))
}

fn drops(trace: &Trace, look: Look) -> String {
    let drops = &trace.summary.drops;
    if drops.is_empty() {
        let none = if trace.complete { "none seen, within the coverage below" } else { "not counted" };
        return format!("{}  {none}\n", heading("Drops"));
    }
    let width = drops.iter().map(|drop| clean(&drop.reason).chars().count()).max().unwrap_or(0).max("reason".len());
    let header = format!("  {:>7}  {}  where", "packets", pad("reason", width));
    let mut text = format!("{}{}\n", heading("Drops"), paint(DIM, header));
    for drop in drops {
        let reason = pad(&paint(BAD, clean(&drop.reason)), width);
        text += &hang(&format!("  {:>7}  {reason}  ", drop.packets), &whereabouts(drop, trace, look), look.width);
        text.push('\n');
    }
    text
}

/// Device and rule; the code's location too where there is no rule to blame.
fn whereabouts(drop: &DropCount, trace: &Trace, look: Look) -> String {
    let words = place::words(&drop.r#where, trace);
    let location = clean(&drop.location);
    match (words.is_empty(), drop.r#where.chain.is_some() && !look.verbose) {
        (true, _) => format!("in {location}"),
        (false, true) => words,
        (false, false) => format!("{words}, in {location}"),
    }
}

fn lost(trace: &Trace, look: Look) -> String {
    let lines: Vec<_> = if !trace.complete {
        vec!["The capture ends before its summary: nobody knows what was lost.".to_owned()]
    } else if trace.summary.lost == Lost::default() {
        return format!("{}  {}\n", heading("Lost"), paint(GOOD, "nothing was lost"));
    } else {
        let Lost { events, tracked_overflow, missed_probes, unparsed } = trace.summary.lost;
        let counts = [
            (events, "event", "for which the buffer had no room: a larger --buffer-size helps"),
            (tracked_overflow, "packet", "not followed, as too many were under way: a narrower filter helps"),
            (missed_probes, "probe hit", "that the kernel skipped"),
            (unparsed, "packet", "whose headers or records could not be read"),
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
            let (packets, flows) = (plural(summary.packets, "packet"), plural(summary.flows, "flow"));
            format!("{packets} in {flows} over {}; {attached}", time(summary.duration_ns))
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
    for hook in harmless.iter().filter(|_| look.verbose) {
        let why = format!("not needed: {}, {}", clean(&hook.hook), clean(&hook.reason));
        text += &format!("{}\n", paint(DIM, hang("  ", &why, look.prose())));
    }
    if !harmless.is_empty() && !look.verbose {
        text += &format!("  {}\n", paint(DIM, format!("{} not needed here", plural(harmless.len(), "hook"))));
    }
    text
}
