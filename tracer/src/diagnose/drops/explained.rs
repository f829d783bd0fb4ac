//! What a family says of a drop.

use super::{super::firewall::on_device, Dropped};
use crate::model::{Cause, Confidence, CtState, Finding, Severity, Where};

/// An explanation; the rest of the finding follows from the drop.
pub struct Explained {
    /// Stable id, told in `docs/findings.md`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What goes on after "the SYN of tcp … is dropped on eth0 of netns A: ", without a full stop.
    pub why: String,
    /// Where it happened, if more is known than netns and device.
    pub place: Option<Where>,
    /// What made it so.
    pub cause: Cause,
    /// Sentences beside that about the end itself, which comes last by itself.
    pub evidence: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// Sentences, one a line.
    pub advice: String,
}

impl Explained {
    /// As a finding about the drop.
    pub fn finding(mut self, dropped: &Dropped<'_>) -> Finding {
        let step = dropped.step;
        self.evidence.push(dropped.end());
        Finding {
            id: self.id.to_owned(),
            // Said to all neighbours, again and again: nobody's payload.
            severity: if dropped.tuple().is_to_the_link() { Severity::Info } else { self.severity },
            title: format!("{} is dropped {}: {}", dropped.packet(), dropped.place(), self.why),
            flow: step.flow,
            direction: step.direction,
            tuple: step.tuple,
            packets: vec![step.packet],
            r#where: self.place.unwrap_or_else(|| on_device(step)),
            reason: dropped.drop.reason.clone(),
            ct_state: step.ct.as_ref().map_or(CtState::None, |ct| ct.state),
            cause: self.cause,
            evidence: self.evidence,
            confidence: self.confidence,
            advice: self.advice,
        }
    }
}

impl Default for Explained {
    fn default() -> Self {
        Self {
            id: "",
            severity: Severity::Error,
            why: String::new(),
            place: None,
            cause: Cause::default(),
            evidence: Vec::new(),
            confidence: Confidence::Certain,
            advice: String::new(),
        }
    }
}
