//! Builds findings about a packet's end.

use std::collections::{HashMap, hash_map::Entry};

use super::drops::reason;
use crate::model::{Cause, Confidence, CtState, Finding, Name, Severity, Step, Where};

/// A detector's part of a finding. The rest follows from the step that the finding is about.
pub struct Draft {
    /// Stable id.
    pub id: &'static str,
    /// One sentence.
    pub title: String,
    /// Where it happened.
    pub place: Where,
    /// The cause.
    pub cause: Cause,
    /// Sentences.
    pub evidence: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// Sentences, one per line.
    pub advice: String,
}

impl Draft {
    /// Builds a finding of severity `Error` about the packet that was dropped at this step.
    pub fn about(self, end: &Step) -> Finding {
        Finding {
            id: self.id.to_owned(),
            severity: Severity::Error,
            title: self.title,
            flow: end.flow,
            direction: end.direction,
            tuple: end.tuple,
            packets: vec![end.packet],
            r#where: self.place,
            reason: end.drop.as_ref().map_or_else(Name::default, |drop| drop.reason.clone()),
            ct_state: end.ct.as_ref().map_or(CtState::None, |ct| ct.state),
            cause: self.cause,
            evidence: self.evidence,
            confidence: self.confidence,
            advice: self.advice,
        }
    }
}

/// Merges findings of the same id, flow, direction, place and cause: keeps the first of the most certain ones, with
/// the packets of all. If only the kernel's reason is known, its sentence is the cause.
pub fn merged(found: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for mut found in found {
        let Finding { id, flow, direction, r#where, cause, .. } = &found;
        let reason = (id == reason::ID).then(|| cause.did.clone());
        let place = (id.clone(), *flow, *direction, r#where.clone(), cause.place.clone(), cause.text.clone(), reason);
        match places.entry(place) {
            Entry::Occupied(at) => {
                let known = &mut findings[*at.get()];
                add(&mut known.packets, std::mem::take(&mut found.packets));
                if found.confidence < known.confidence {
                    *known = Finding { packets: std::mem::take(&mut known.packets), ..found };
                }
            }
            Entry::Vacant(free) => {
                free.insert(findings.len());
                findings.push(found);
            }
        }
    }
    findings
}

/// Adds packets, skipping a repeated one, because a packet that was copied may be dropped more than once.
fn add(packets: &mut Vec<u64>, more: Vec<u64>) {
    for packet in more {
        if packets.last() != Some(&packet) {
            packets.push(packet);
        }
    }
}
