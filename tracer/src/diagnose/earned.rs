//! Lowers the confidence of findings that have not earned it.

use crate::{
    fast::Map,
    model::{Confidence, Finding, Severity, Trace},
};

/// `certain` means that every link was seen on the packet. A finding that cites no step of its packets is `likely` at
/// most, and so are two findings of errors that name different causes for the one end of a packet.
pub fn check(trace: &Trace, findings: &mut [Finding]) {
    let mut drops: Map<u64, usize> = Map::default();
    for step in trace.steps.iter().filter(|step| step.drop.is_some()) {
        *drops.entry(step.packet).or_default() += 1;
    }
    let mut about: Map<u64, Vec<usize>> = Map::default();
    for (index, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.severity == Severity::Error) {
        // Copies of a packet may end for different reasons.
        for packet in finding.packets.iter().filter(|packet| drops.get(packet).is_none_or(|count| *count == 1)) {
            about.entry(*packet).or_default().push(index);
        }
    }
    let mut unearned: Vec<usize> = (0..findings.len()).filter(|index| !cites_its_packets(&findings[*index])).collect();
    for rivals in about.into_values() {
        if rivals.iter().any(|index| findings[*index].id != findings[rivals[0]].id) {
            unearned.extend(rivals);
        }
    }
    for index in unearned {
        let confidence = &mut findings[index].confidence;
        *confidence = (*confidence).max(Confidence::Likely);
    }
}

/// Whether the evidence cites a step of one of the packets: see `Facts::cite`.
fn cites_its_packets(finding: &Finding) -> bool {
    finding.evidence.iter().any(|line| {
        let packet = line.strip_prefix("packet ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        packet.is_some_and(|packet| finding.packets.contains(&packet))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, CtState, Direction, Drop, Step, Where};

    fn finding(id: &str, packet: u64, evidence: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: Severity::Error,
            title: String::new(),
            flow: 1,
            direction: Direction::Orig,
            tuple: Step::sample().tuple,
            packets: vec![packet],
            r#where: Where::default(),
            reason: "NOT_SPECIFIED".into(),
            ct_state: CtState::None,
            cause: Cause::default(),
            evidence: vec![evidence.to_owned()],
            confidence: Confidence::Certain,
            advice: String::new(),
        }
    }

    fn checked(drops_of_1: usize, mut findings: Vec<Finding>) -> Vec<Confidence> {
        let drop = || Some(Drop { reason: "NOT_SPECIFIED".into(), location: "f+0x1".into() });
        let steps = (0..drops_of_1).map(|_| Step { drop: drop(), ..Step::sample() }).collect();
        check(&Trace { steps, ..Trace::default() }, &mut findings);
        findings.into_iter().map(|finding| finding.confidence).collect()
    }

    const SEEN: &str = "packet 1 at 1.000 ms (ts 1000000): dropped";

    #[test]
    fn certain_cites_the_packet() {
        assert_eq!(checked(1, vec![finding("a", 1, SEEN)]), [Confidence::Certain]);
        assert_eq!(checked(1, vec![finding("a", 2, SEEN)]), [Confidence::Likely]);
        assert_eq!(checked(1, vec![finding("a", 1, "the counter rose")]), [Confidence::Likely]);
    }

    #[test]
    fn two_causes_of_one_end_are_not_certain() {
        let both = || vec![finding("a", 1, SEEN), finding("b", 1, SEEN)];
        assert_eq!(checked(1, both()), [Confidence::Likely; 2]);
        assert_eq!(checked(2, both()), [Confidence::Certain; 2], "each copy has an end of its own");
        let mut mild = both();
        mild[1].severity = Severity::Info;
        assert_eq!(checked(1, mild), [Confidence::Certain; 2]);
    }
}
