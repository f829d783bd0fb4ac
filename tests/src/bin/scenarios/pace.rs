//! Measures how fast the guest is right now. An emulated guest shares its processors with other programs, so that work
//! of a second may take two seconds for some minutes. Limits in seconds are meant for the guest's best pace.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

/// Number of processors of a guest.
const PROCESSORS: usize = 2;
/// Steps of the timed work, which takes 0.05 s in an emulated guest.
const STEPS: u64 = 3_000_000;
/// The largest slowdown that excuses a delay.
const MOST: f32 = 3.0;

/// The shortest time that the work has taken, in nanoseconds.
static BEST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Returns how many times longer than at best a piece of work takes now, from 1 to 3.
pub fn slowdown() -> f32 {
    let now = time();
    let best = BEST.fetch_min(now, Ordering::Relaxed).min(now);
    slower(now, best)
}

fn slower(now: u64, best: u64) -> f32 {
    (now as f32 / best as f32).clamp(1.0, MOST)
}

/// Times work on every processor at once, in nanoseconds.
fn time() -> u64 {
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..PROCESSORS {
            scope.spawn(|| (0..STEPS).fold(1u64, |sum, step| black_box(sum.wrapping_mul(31) ^ step)));
        }
    });
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::slower;

    #[test]
    fn a_limit_is_never_shorter_and_at_most_three_times_as_long() {
        let said: Vec<f32> = [(50, 50), (75, 50), (500, 50), (40, 50)].map(|(now, best)| slower(now, best)).into();
        assert_eq!(said, [1.0, 1.5, 3.0, 1.0]);
    }
}
