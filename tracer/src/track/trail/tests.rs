use tracer_common::{MARKS, Trail};

use super::*;

fn empty() -> Dropped {
    let step = step(&Mark::default(), &zero(), Tuple::default(), &Names::default());
    Dropped { step: Step { header: tracer_common::Header { hook: hook::KFREE_SKB, ..step.header }, ..step }, ..zero() }
}

fn zero() -> Dropped {
    let bytes = [0u8; size_of::<Dropped>()];
    // SAFETY: a record consists of integers, for which any bytes are a valid value.
    unsafe { bytes.as_ptr().cast::<Dropped>().read_unaligned() }
}

fn put<T>(trail: &mut Trail, at: usize, kind: u16, details: T) {
    trail.marks[at].kind = u8::try_from(kind).expect("small");
    let to = trail.marks[at + 1..].as_mut_ptr().cast::<T>();
    // SAFETY: the marks that follow have room for the largest details.
    unsafe { to.write_unaligned(details) };
}

#[test]
fn a_translation_holds_for_the_steps_after_it() {
    let (before, after) = (Tuple { sport: 1, ..Tuple::default() }, Tuple { sport: 2, ..Tuple::default() });
    let mut dropped = empty();
    dropped.trail.tuple = before;
    dropped.trail.marks[0].kind = 1;
    put(
        &mut dropped.trail,
        1,
        kind::CHANGE,
        ChangeDetails { before, after, mark_before: 0, by: 2, program: 0, code: 0 },
    );
    dropped.trail.marks[4].kind = 1;
    dropped.trail.used = 5;
    let sports: Vec<u16> = unfold(&dropped, &Names::default())
        .iter()
        .take(3)
        .filter_map(|wire| match wire {
            Wire::Step(step) => Some(step.tuple.sport),
            Wire::Change(change) => Some(change.step.tuple.sport),
            _ => None,
        })
        .collect();
    assert_eq!(sports, [1, 2, 2]);
}

#[test]
fn details_that_were_written_over_are_left_out() {
    let mut dropped = empty();
    for mark in &mut dropped.trail.marks {
        mark.kind = 1;
    }
    dropped.trail.marks[MARKS_KEPT - 1].kind = u8::try_from(kind::OUTER).expect("small");
    dropped.trail.used = u32::try_from(MARKS_KEPT + 2).expect("small");
    assert_eq!(unfold(&dropped, &Names::default()).len(), MARKS_KEPT + 1, "the outer headers are whole");
    dropped.trail.wraps = 1;
    // Eleven steps, two newer steps and the end.
    assert_eq!(unfold(&dropped, &Names::default()).len(), MARKS_KEPT - 1 + 2 + 1);
}

proptest::proptest! {
    #[test]
    fn any_trail_unfolds(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), size_of::<Dropped>()), used in 0u32..60) {
        // SAFETY: a record consists of integers, for which any bytes are a valid value.
        let mut dropped = unsafe { bytes.as_ptr().cast::<Dropped>().read_unaligned() };
        dropped.trail.used = used;
        proptest::prop_assert!(unfold(&dropped, &Names::default()).len() <= MARKS + 1);
    }
}
