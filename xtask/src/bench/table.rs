//! Formats the figures of a run as Markdown.

use std::fmt::Write as _;

use super::figures::Figures;

/// Formats the figures that were measured in a guest.
pub fn markdown(figures: &Figures) -> String {
    let mut text = costs(figures);
    text.push_str(&floods(figures));
    text.push_str(&peers(figures));
    text
}

/// Formats the figures that were measured without a kernel.
pub fn offline(figures: &Figures) -> String {
    let mut text = "| flows, memory | records | records/s | ns/record: decode, track, retain | ns/record: diagnose | \
                    packets evicted | flows evicted | peak resident, KiB |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let whats = [
        "records",
        "records_per_second",
        "follow_ns_per_record",
        "diagnose_ns_per_record",
        "forgotten_packets",
        "forgotten_flows",
        "peak_resident_kib",
    ];
    for case in figures.cases() {
        let _ = writeln!(text, "| {case} | {} |", cells(figures, case, &whats));
    }
    text
}

fn costs(figures: &Figures) -> String {
    let bare = figures.bare();
    let mut text = format!(
        "A packet that is not traced takes {bare} instructions.\n\n\
         | case | instructions added | ratio | runs/packet | attach, ms | detach, ms | release, ms | resident, KiB |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    for (case, cost) in figures.costs() {
        // Two digits are plenty for a ratio.
        let hundredths = (bare + cost) * 100 / bare.max(1);
        let ratio = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let cells = cells(figures, case, &["runs", "attach_ms", "detach_ms", "gone_ms", "resident_kib"]);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {case} | {cost} | {ratio} | {cells} |");
    }
    for (case, why) in figures.failed() {
        let _ = writeln!(text, "| {case} | failed: {} | | | | | | |", why.replace(['|', '\n'], " "));
    }
    text
}

fn floods(figures: &Figures) -> String {
    let mut text = String::new();
    for case in figures.cases().filter(|case| figures.of(case, "sent").is_some()) {
        if text.is_empty() {
            text.push_str(
                "\n| packets at once | sent | not followed | records read | records lost | user space, instructions/record | resident, KiB |\n\
                 |---|---|---|---|---|---|---|\n",
            );
        }
        let whats = ["sent", "overflow", "events", "lost", "user_instructions_per_event", "resident_kib"];
        let _ = writeln!(text, "| {case} | {} |", cells(figures, case, &whats));
    }
    text
}

/// Lists which versions ran, and how they were called.
fn peers(figures: &Figures) -> String {
    let mut text = String::new();
    let versions: Vec<_> = figures.versions().map(|(program, version)| format!("{program} {version}")).collect();
    if figures.commands().next().is_some() {
        let _ = writeln!(text, "\nOther tracers are Debian's {}:\n\n```", versions.join(" and "));
        figures.commands().for_each(|(cases, command)| {
            let _ = writeln!(text, "# {}\n{command}", cases.join(", "));
        });
        text.push_str("```\n");
    }
    text
}

fn cells(figures: &Figures, case: &str, whats: &[&str]) -> String {
    let cell = |what: &&str| figures.of(case, what).map_or_else(|| "–".to_owned(), |value| value.to_string());
    whats.iter().map(cell).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows() {
        let mut figures = Figures::default();
        figures.extend([
            r#"{"case":"none","what":"instructions","value":10000}"#,
            r#"{"case":"idle","what":"instructions","value":2500}"#,
            r#"{"case":"idle","what":"runs","value":13}"#,
            r#"{"case":"other","failed":"no\nway"}"#,
            r#"{"program":"pwru","version":"1.0"}"#,
            r#"{"case":"pwru-all","command":"pwru udp"}"#,
            r#"{"case":"pwru-all","what":"instructions","value":9000}"#,
            "something else",
        ]);
        let table = markdown(&figures);
        assert!(table.contains("| idle | 2500 | 1.25 | 13 | – | – | – | – |"), "{table}");
        assert!(table.contains("| other | failed: no way |"), "{table}");
        assert!(table.ends_with("Debian's pwru 1.0:\n\n```\n# pwru-all\npwru udp\n```\n"), "{table}");
    }
}
