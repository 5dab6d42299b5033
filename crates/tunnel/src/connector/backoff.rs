//! How long to wait before the next attempt.

use std::time::Duration;

use crate::limits::{FIRST_RETRY, MAX_RETRY};

/// Pauses that double from [`FIRST_RETRY`] to [`MAX_RETRY`], each shortened by chance, so that
/// the agents of one server spread.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next pause.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = longest_pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        jittered(pause, self.failures)
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn longest_pause(failures: u32) -> Duration {
    FIRST_RETRY
        .saturating_mul(1 << failures.min(16))
        .min(MAX_RETRY)
}

/// The first pause is anything up to its length, later ones at least half of it.
fn jittered(pause: Duration, failures: u32) -> Duration {
    let chance = random_fraction();
    if failures <= 1 {
        pause.mul_f64(chance)
    } else {
        pause.mul_f64(0.5 + chance / 2.0)
    }
}

/// A number from 0 to 1 by chance; one half when the system has no randomness to give.
pub(super) fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |chance| f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_within_a_second_and_stay_below_the_limit() {
        for _ in 0..100 {
            let mut backoff = Backoff::default();
            assert!(backoff.next_pause() <= FIRST_RETRY);
            for _ in 0..100 {
                let pause = backoff.next_pause();
                assert!(pause <= MAX_RETRY && pause >= FIRST_RETRY / 2);
            }
        }
    }
}
