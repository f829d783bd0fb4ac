//! The output of `tracer explain`: a drop reason, a finding's document, or the list of both.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use super::{
    style::{DIM, HEADING, Look, hang, paint},
    unless_closed,
};
use crate::explain::{
    documents,
    reasons::{self, DropReason, Loss},
};

/// Writes a drop reason. Returns `Break` if the reader has closed the pipe.
///
/// # Errors
/// Returns every error of writing to `out`, except a closed pipe.
pub fn write_reason(out: &mut impl Write, reason: &DropReason, look: Look) -> io::Result<ControlFlow<()>> {
    let raised = match reason.functions {
        [] => String::new(),
        functions => format!("{}, {}", functions.join(", "), reason.file),
    };
    let facts = [
        ("raised by", raised),
        ("kernels", reason.kernels()),
        ("loss", loss(reason.loss).to_owned()),
        ("findings", reason.findings.join(", ")),
        ("counters", reason.counters.join(", ")),
        ("advice", reason.advice.to_owned()),
    ];
    let mut text = format!("{}\n\n{}\n\n", paint(HEADING, reason.name), hang("  ", reason.meaning, look.prose()));
    for (what, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        text += &format!("{}\n", hang(&format!("  {}  ", paint(DIM, format!("{what:9}"))), fact, look.prose()));
    }
    written(out, &text)
}

fn loss(loss: Loss) -> &'static str {
    match loss {
        Loss::Always => "the packet does not reach its destination",
        Loss::Depends => "depends on the case",
        Loss::Never => "none: nothing is missing at the receiver",
    }
}

/// Writes a section of `docs/findings.md`: paragraphs and lists, the heading first.
///
/// # Errors
/// As [`write_reason`].
pub fn write_document(out: &mut impl Write, section: &str, look: Look) -> io::Result<ControlFlow<()>> {
    let mut blocks = section.trim_end().split("\n\n");
    let mut text = format!("{}\n", paint(HEADING, blocks.next().unwrap_or_default()));
    for block in blocks {
        text += &format!("\n{}\n", render(&without_links(block), look.prose()));
    }
    written(out, &text)
}

/// Wraps a paragraph or a list. The first words of a paragraph may be its title, in `**`.
fn render(block: &str, width: usize) -> String {
    if item(block).is_some() {
        let mut items: Vec<(&str, String)> = Vec::new();
        for line in block.lines() {
            match (item(line), items.last_mut()) {
                (Some((mark, text)), _) => items.push((mark, text.to_owned())),
                (None, Some((_, text))) => *text += &format!(" {}", line.trim()),
                (None, None) => {}
            }
        }
        let items = items.iter().map(|(mark, text)| hang(&format!("  {mark} "), text, width));
        return items.collect::<Vec<_>>().join("\n");
    }
    let line = block.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        Some((title, rest)) => hang("", &format!("{}{rest}", paint(HEADING, title)), width),
        None => hang("", &line, width),
    }
}

/// Splits a line that begins an item of a list, such as `- one` or `1. one`.
fn item(line: &str) -> Option<(&str, &str)> {
    let (mark, text) = line.split_once(' ')?;
    let number = mark.strip_suffix('.').is_some_and(|number| number.parse::<u8>().is_ok());
    (mark == "-" || number).then_some((mark, text))
}

/// Replaces Markdown's links by their texts.
fn without_links(text: &str) -> String {
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match plain.rfind('[') {
            Some(open) => drop(plain.remove(open)),
            None => plain += "](",
        }
        plain += part.split_once(')').map_or(part, |(_, rest)| rest);
    }
    plain
}

/// Writes the ids of all findings and the names of all drop reasons.
///
/// # Errors
/// As [`write_reason`].
pub fn write_list(out: &mut impl Write, look: Look) -> io::Result<ControlFlow<()>> {
    let names = |names: Vec<&str>| hang("  ", &names.join(", "), look.prose());
    let mut text = format!("{}\n{}\n", paint(HEADING, "Findings"), names(documents::ids().collect()));
    for (family, rows) in reasons::FAMILIES {
        let heading = paint(HEADING, format!("Drop reasons: {family}"));
        text += &format!("\n{heading}\n{}\n", names(rows.iter().map(|row| row.name).collect()));
    }
    written(out, &text)
}

fn written(out: &mut impl Write, text: &str) -> io::Result<ControlFlow<()>> {
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    const LOOK: Look = Look { width: 80, verbose: false };

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<ControlFlow<()>>) -> String {
        let mut out = Vec::new();
        assert!(write(&mut out).expect("a Vec takes everything").is_continue());
        strip_str(&String::from_utf8(out).expect("UTF-8")).to_string()
    }

    #[test]
    fn reasons_and_findings_at_80_columns() {
        let reason = reasons::find("IP_RPFILTER").expect("a row");
        insta::assert_snapshot!("explain_reason_80", text(|out| write_reason(out, reason, LOOK)));
        let section = documents::section("firewall-drop").expect("a section");
        insta::assert_snapshot!("explain_finding_80", text(|out| write_document(out, section, LOOK)));
        insta::assert_snapshot!("explain_list_80", text(|out| write_list(out, LOOK)));
    }

    #[test]
    fn links_become_their_texts() {
        assert_eq!(without_links("a [`b`](#b), [c](d) (e)."), "a `b`, c (e).");
        assert_eq!(without_links("a](b)"), "a](");
    }
}
