//! The report for people.

use std::{
    fmt::Display,
    io::{self, Write},
    ops::ControlFlow,
};

use super::{
    drops, findings, flow,
    style::{DIM, HEADING, Look, clean, hang, paint},
    tail, unless_closed,
};
use crate::{marks::Marks, model::Trace};

/// Flows without trouble that are told without `-v`.
const MOST_FLOWS: usize = 10;

/// Writes the report: each flow's packets and their paths, then the findings, then the drops, then
/// what was lost and what was covered; of a trace of drops, the drops first. `marks` says what marks mean. Colours are always written; `out` takes them away where they
/// are not wanted ([`super::stdout`]). `Break` where the reader is gone.
///
/// # Errors
/// What writing to `out` gives, except a closed pipe.
pub fn write_report(out: &mut impl Write, trace: &Trace, marks: &Marks, look: Look) -> io::Result<ControlFlow<()>> {
    let (drops, findings) = (drops::render(trace, look) + "\n", findings::render(trace, look));
    let (first, second) = if trace.start.drops { (drops, findings) } else { (findings, drops) };
    // Where drops are all that is asked for, their summary comes first, and the ways only if wanted.
    let ways = if trace.start.drops && !look.verbose { String::new() } else { flows(trace, marks, look) };
    let report = [headline(trace, look), ways, first, second, tail::render(trace, look)];
    unless_closed(out.write_all(report.concat().as_bytes()).and_then(|()| out.flush()))
}

fn headline(trace: &Trace, look: Look) -> String {
    let start = &trace.start;
    let filter = if start.filter.is_empty() { "all traffic".into() } else { clean(&start.filter) };
    let facts = format!("on {}, kernel {}, tracer {}", clean(&start.node), clean(&start.kernel), clean(&start.version));
    format!("{}\n\n", hang("", &format!("{} {}", paint(HEADING, filter), paint(DIM, facts)), look.width))
}

fn flows(trace: &Trace, marks: &Marks, look: Look) -> String {
    let flows = flow::flows(trace);
    if flows.is_empty() && trace.start.drops {
        return String::new();
    }
    if flows.is_empty() {
        return hang("", "No packet matched. Is the traffic running, and does it pass this node?", look.prose())
            + "\n\n";
    }
    let mut text = String::new();
    let mut calm = 0;
    for flow in flows {
        let troubled = flow.troubled(trace);
        calm += usize::from(!troubled);
        if troubled || look.verbose || calm <= MOST_FLOWS {
            text += &flow.render(trace, marks, look);
        }
    }
    if calm > MOST_FLOWS && !look.verbose {
        let more = format!("… and {} without a drop: -v shows them", plural(calm - MOST_FLOWS, "more flow"));
        text += &format!("{}\n\n", paint(DIM, more));
    }
    text
}

/// A section's heading.
pub(super) fn heading(text: &str) -> String {
    format!("{}\n", paint(HEADING, text))
}

/// `1 packet`, `2 packets`.
pub(super) fn plural(count: impl TryInto<u64> + Copy + Display, what: &str) -> String {
    let one = count.try_into().is_ok_and(|count: u64| count == 1);
    format!("{count} {what}{}", if one { "" } else { "s" })
}

/// `1, 3 and 5`; long lists end in a count.
pub(super) fn list(ids: &[u64]) -> String {
    const MOST: usize = 6;
    let words = |ids: &[u64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ids {
        [] => String::new(),
        [only] => only.to_string(),
        ids if ids.len() > MOST => format!("{} and {} more", words(&ids[..MOST - 1]), ids.len() - (MOST - 1)),
        [most @ .., last] => format!("{} and {last}", words(most)),
    }
}

/// A time as people say it: `14 µs`, `12.3 ms`, `1.036 s`.
pub(super) fn time(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{} µs", ns / 1000),
        1_000_000..1_000_000_000 => format!("{}.{} ms", ns / 1_000_000, ns / 100_000 % 10),
        _ => format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1000),
    }
}

/// Milliseconds with three decimals.
pub(super) fn millis(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1000 % 1000)
}

#[cfg(test)]
mod tests {
    use super::{list, millis, plural, time};

    #[test]
    fn numbers_in_words() {
        assert_eq!(plural(1_usize, "packet"), "1 packet");
        assert_eq!(plural(0_u64, "packet"), "0 packets");
        assert_eq!(list(&[4, 7, 9]), "4, 7 and 9");
        assert_eq!(list(&[1, 2, 3, 4, 5, 6, 7]), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!([time(14_000), time(12_345_000), time(1_036_000_000)], ["14 µs", "12.3 ms", "1.036 s"]);
        assert_eq!(millis(1_234_567), "1.234");
    }
}
