//! Drops, worst first: a table in the report, and on stderr while a trace of drops runs.

use super::{
    phrase::heading,
    place,
    style::{BAD, DIM, Look, clean, hang, pad, paint},
};
use crate::model::{DropCount, Trace};

/// Renders the section.
pub(super) fn render(trace: &Trace, look: Look) -> String {
    let drops = &trace.summary.drops;
    if drops.is_empty() {
        let none =
            if trace.complete { "none seen within the coverage below" } else { "unknown: the capture has no summary" };
        return format!("{}  {none}\n", heading("Drops"));
    }
    heading("Drops") + &table(drops, trace, look)
}

/// Renders one row for each entry. Of `trace`, only names are used.
pub(in super::super) fn table(drops: &[DropCount], trace: &Trace, look: Look) -> String {
    let by_cause = drops.iter().any(|drop| drop.cause.is_some());
    let why = |drop: &DropCount| clean(drop.cause.as_deref().unwrap_or(&drop.reason)).into_owned();
    let title = if by_cause { "cause" } else { "reason" };
    let width = drops.iter().map(|drop| why(drop).chars().count()).max().unwrap_or(0).max(title.len());
    let header = format!("  {:>7}  {}  where", "packets", pad(title, width));
    let mut text = format!("{}\n", paint(DIM, header).trim_end());
    for drop in drops {
        let why = pad(&paint(BAD, why(drop)), width);
        text += &hang(&format!("  {:>7}  {why}  ", drop.packets), &details(drop, by_cause, trace, look), look.width);
        text.push('\n');
    }
    text
}

/// Names flow, device and rule of a drop. Adds the kernel's reason if the row is titled by cause. Adds the code's
/// location if no chain is known, or with `verbose`.
fn details(drop: &DropCount, by_cause: bool, trace: &Trace, look: Look) -> String {
    let flow = drop.tuple.map(|tuple| format!("{} {tuple}", tuple.proto));
    let words = Some(place::words(&drop.r#where, trace)).filter(|words| !words.is_empty());
    let reason = (by_cause && drop.cause.is_some()).then(|| clean(&drop.reason).into_owned());
    let ruled = drop.r#where.chain.is_some() && !look.verbose;
    let location = Some(clean(&drop.location)).filter(|location| !location.is_empty() && !ruled);
    let location = location.map(|location| format!("in {location}"));
    [flow, words, reason, location].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
