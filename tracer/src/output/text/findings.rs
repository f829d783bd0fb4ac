//! Findings: a sentence, then place, reason, cause, rule, packets, evidence and advice.

use std::collections::HashMap;

use anstyle::Style;

use super::{
    phrase::{heading, list, plural},
    place,
    style::{BAD, GOOD, HEADING, Look, PLACE, WARN, clean, hang, pad, paint},
};
use crate::model::{Cause, Confidence, CtState, Finding, FlowVerdict, Severity, Trace};

/// Renders the section, even if there are no findings.
pub(super) fn render(trace: &Trace, look: Look) -> String {
    if trace.findings.is_empty() {
        // The coverage section shows whether that means anything.
        let unknown = trace.flows.iter().any(|flow| flow.verdict == FlowVerdict::Unknown);
        let (none, style) = match (trace.steps.is_empty(), trace.summary.drops.is_empty()) {
            (true, _) => ("No packets to diagnose.", Style::new()),
            (_, true) if unknown => ("No diagnosis: how a flow ended is not known (see above).", WARN),
            (_, true) => ("No problem found.", GOOD),
            (_, false) => ("No diagnosis for the drops below.", WARN),
        };
        return format!("{}  {}\n\n", heading("Findings"), paint(style, none));
    }
    let findings: Vec<_> = alike(&trace.findings).iter().map(|alike| one(alike, trace, look)).collect();
    format!("{}{}\n", heading("Findings"), findings.join("\n"))
}

/// Groups findings of different flows with the same cause at the same place.
fn alike(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places = HashMap::new();
    for finding in findings {
        let Finding { id, r#where, cause, tuple, direction, .. } = finding;
        let place = (id, r#where, &cause.place, &cause.did, &cause.program, tuple.proto, direction);
        let group = *places.entry(place).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(finding);
    }
    groups
}

fn one(alike: &[&Finding], trace: &Trace, look: Look) -> String {
    let Some((finding, others)) = alike.split_first() else { return String::new() };
    let (sign, style, severity) = match finding.severity {
        Severity::Error => ("✗", BAD, "error"),
        Severity::Warning => ("!", WARN.bold(), "warning"),
        Severity::Info => ("i", PLACE.bold(), "info"),
    };
    let confidence = match finding.confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    let id = paint(style, clean(&finding.id));
    let title = format!("{id} ({severity}, {confidence}): {}", paint(HEADING, clean(&finding.title)));
    let mut text = hang(&format!("{} ", paint(style, sign)), &title, look.prose()) + "\n";
    let mut row = |label: &str, value: &str| {
        let values: Vec<_> = value.lines().filter(|line| !line.is_empty()).collect();
        for (index, value) in values.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let bullet = if values.len() > 1 { "• " } else { "" };
            text += &hang(&format!("    {}{bullet}", pad(&paint(PLACE, label), 10)), value, look.prose());
            text.push('\n');
        }
    };
    row("where", &place::in_full(&finding.r#where, trace));
    row("reason", &reason(finding));
    row("cause", &cause(&finding.cause, trace));
    let rule = finding.cause.text.as_deref().map(clean).unwrap_or_default();
    row("rule", &rule);
    let packets = if finding.packets.len() == 1 { "packet" } else { "packets" };
    row(packets, &list(&finding.packets));
    row("also", &also(others));
    row("evidence", &finding.evidence.iter().map(|line| clean(line)).collect::<Vec<_>>().join("\n"));
    row("advice", &finding.advice.lines().map(clean).collect::<Vec<_>>().join("\n"));
    text
}

/// Names the other flows that the finding applies to.
fn also(others: &[&Finding]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let packets: usize = others.iter().map(|finding| finding.packets.len()).sum();
    let mut flows: Vec<_> =
        others.iter().take(FLOWS).map(|finding| format!("{} {}", finding.tuple.proto, finding.tuple)).collect();
    if others.len() > FLOWS {
        flows.push(format!("{} more", others.len() - FLOWS));
    }
    format!("{} of {}: {}", plural(packets, "packet"), plural(others.len(), "more flow"), flows.join(", "))
}

/// Maximum number of other flows to name.
const FLOWS: usize = 3;

fn reason(finding: &Finding) -> String {
    match finding.ct_state {
        CtState::None => clean(&finding.reason).into_owned(),
        state => format!("{}, conntrack state {state}", clean(&finding.reason)),
    }
}

fn cause(cause: &Cause, trace: &Trace) -> String {
    let program = cause.program.as_deref().map(|name| format!("BPF program {}", clean(name)));
    let place = Some(place::in_full(&cause.place, trace)).filter(|place| !place.is_empty());
    let place = [place, program].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match (place.is_empty(), cause.did.is_empty()) {
        (false, false) => format!("{place}: {}", clean(&cause.did)),
        (true, _) => clean(&cause.did).into_owned(),
        (_, true) => place,
    }
}
