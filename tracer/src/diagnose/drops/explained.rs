//! A family's explanation of a drop.

use super::{super::firewall::on_device, Dropped};
use crate::model::{Cause, Confidence, CtState, Finding, Severity, Where};

/// An explanation. The rest of the finding follows from the drop.
pub struct Explained {
    /// Stable id, described in `docs/findings.md`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Continues "the TCP SYN … was dropped on eth0 in netns A: ", without a full stop.
    pub why: String,
    /// Where it happened, if more than netns and device is known.
    pub place: Option<Where>,
    /// The cause.
    pub cause: Cause,
    /// Sentences. The one about the end itself is appended to them.
    pub evidence: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// Sentences, one per line.
    pub advice: String,
}

impl Explained {
    /// Builds the finding about the drop.
    pub fn finding(mut self, dropped: &Dropped<'_>) -> Finding {
        let step = dropped.step;
        self.evidence.push(dropped.end());
        Finding {
            id: self.id.to_owned(),
            // Packets to all neighbours are repeated, and carry no user data.
            severity: if dropped.tuple().is_to_the_link() { Severity::Info } else { self.severity },
            title: format!("{} was dropped {}: {}", dropped.packet(), dropped.place(), self.why),
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
