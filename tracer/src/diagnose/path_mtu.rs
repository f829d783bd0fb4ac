//! Whether a sender learns that its packets are too big.

use super::facts::Facts;
use crate::model::Step;

/// A sender that learns sends no packet of that size after this time. On a busy node it repeats a segment before it
/// has read the error. Only the third repetition, 1.4 s after the first, proves that it does not learn.
const LEARNED_NS: u64 = 1_000_000_000;

/// Returns the drop farthest in time from `drop`, among the drops of its flow and direction that `like` accepts.
/// `None` unless they span more time than a sender takes to learn.
pub fn not_learned<'a>(facts: &Facts<'a>, drop: &Step, like: impl Fn(&'a Step) -> bool) -> Option<&'a Step> {
    let alike = || facts.drops_of(drop.flow).filter(|step| step.direction == drop.direction && like(step));
    let (first, last) = (alike().next()?, alike().next_back()?);
    let farthest = if last.ts.abs_diff(drop.ts) >= first.ts.abs_diff(drop.ts) { last } else { first };
    (last.ts - first.ts > LEARNED_NS && farthest.packet != drop.packet).then_some(farthest)
}
