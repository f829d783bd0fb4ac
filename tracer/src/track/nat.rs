//! Translations: which end of a packet was changed, and whether the change reverses an earlier one.

use super::recent::Recent;
use crate::model::{Conntrack, CtState, Direction, Nat, Translation, Tuple};

/// The translations seen: the tuple before each, by the tuple after it.
pub struct Translations(Recent<Tuple, Tuple>);

impl Translations {
    /// Creates a map that holds at most `most` translations (minimum 2).
    pub fn new(most: usize) -> Self {
        Self(Recent::new(most))
    }

    /// Returns the change of a packet's tuple, and keeps it so that replies can be matched to it.
    pub fn note(&mut self, before: Tuple, after: Tuple, direction: Direction, ct: Option<&Conntrack>) -> Translation {
        let undoes = self.0.get(&before.reversed()).is_some_and(|undone| *undone == after.reversed());
        // The flow may be older than the trace. Conntrack still knows who opened it.
        let reply = ct.is_some_and(|ct| matches!(ct.state, CtState::ReplyEstablished | CtState::ReplyRelated));
        let reverses = direction == Direction::Reply && (undoes || reply);
        if !reverses {
            self.0.insert(after, before);
        }
        // Evicted translations belong to flows that are evicted as well, so they need no count.
        drop(self.0.forgotten());
        Translation { kind: kind(before, after, reverses), before, after, reverses }
    }
}

fn kind(before: Tuple, after: Tuple, reverses: bool) -> Nat {
    let source = (before.src, before.sport) != (after.src, after.sport);
    let destination = (before.dst, before.dport) != (after.dst, after.dport);
    // An echo has the same identifier at both ends, so only the addresses show which end changed.
    let (source, destination) = match (before.src != after.src, before.dst != after.dst) {
        (false, false) => (source, destination),
        addresses => addresses,
    };
    match (source, destination) {
        (true, true) => Nat::Both,
        // Reversing SNAT changes the destination of a reply, and reversing DNAT its source.
        (true, false) if reverses => Nat::Dnat,
        (false, true) if !reverses => Nat::Dnat,
        _ => Nat::Snat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Proto;

    fn tuple(src: &str, dst: &str) -> Tuple {
        let end = |text: &str| text.parse().expect("an address");
        Tuple { src: end(src), dst: end(dst), sport: 40000, dport: 443, proto: Proto::TCP }
    }

    #[test]
    fn a_reply_undoes_what_was_done() {
        let mut seen = Translations::new(16);
        let (pod, node) = (tuple("10.0.0.1", "192.0.2.9"), tuple("198.51.100.1", "192.0.2.9"));
        let out = seen.note(pod, node, Direction::Orig, None);
        assert_eq!((out.kind, out.reverses), (Nat::Snat, false));
        let back = seen.note(node.reversed(), pod.reversed(), Direction::Reply, None);
        assert_eq!((back.kind, back.reverses), (Nat::Snat, true));
    }

    #[test]
    fn a_destination_is_dnat_also_when_seen_from_its_reply() {
        let mut seen = Translations::new(16);
        let (service, backend) = (tuple("10.0.0.1", "10.96.0.1"), tuple("10.0.0.1", "10.0.0.7"));
        assert_eq!(seen.note(service, backend, Direction::Orig, None).kind, Nat::Dnat);
        let back = seen.note(backend.reversed(), service.reversed(), Direction::Reply, None);
        assert_eq!((back.kind, back.reverses), (Nat::Dnat, true));
    }

    #[test]
    fn another_translation_of_a_reply_undoes_nothing() {
        let mut seen = Translations::new(16);
        let other = seen.note(tuple("10.0.0.1", "10.0.0.2"), tuple("10.0.0.9", "10.0.0.2"), Direction::Reply, None);
        assert_eq!((other.kind, other.reverses), (Nat::Snat, false));
    }
}
