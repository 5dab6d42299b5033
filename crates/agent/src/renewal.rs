//! When an agent's certificate is renewed, and when tried again. No clock and no chance here.

use std::time::Duration;

use portlama_model::Timestamp;
use portlama_pki::Validity;

/// How long before its end a certificate is renewed: an agent that is switched off for the
/// summer still comes back with a certificate that holds.
pub const RENEW_BEFORE_END: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// Of a certificate that lives shortly, the part of its life that is left when it is renewed.
const RENEW_LAST_PART: u32 = 3;
/// The pause after the first attempt that failed. A server that restarts is back by then.
pub const RENEWAL_RETRY_FIRST: Duration = Duration::from_secs(15);
/// The longest pause between attempts: with 60 days there are hundreds of them.
pub const RENEWAL_RETRY_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);
/// No pause is longer than this part of the time that is left, so that the last day has many
/// attempts.
const RETRY_PART_LEFT: u32 = 8;
/// How often it is looked whether something is due, at least: clocks jump and machines sleep.
pub const RENEWAL_CHECK_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The moment from which a certificate is to be renewed.
pub(crate) fn renews_at(validity: Validity) -> Timestamp {
    let life = validity.not_after.since(validity.not_before);
    let lead = RENEW_BEFORE_END.min(life / RENEW_LAST_PART);
    validity.not_after.minus(lead)
}

/// How far a renewal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing is under way.
    Resting,
    /// The server may have signed a request whose answer was lost. Until it is asked again it
    /// waits for the first use of a certificate that nobody has.
    Unanswered,
    /// A new certificate is there and waits for its first use, or for its place on the disk.
    Received,
}

/// The attempts at one renewal so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    failures: u32,
    again: Option<(Timestamp, Timestamp)>,
}

impl Attempts {
    /// One more failed at `now`. `chance`, from 0 to 1, shortens the pause by up to a quarter,
    /// so that the agents of a server that was down do not all come at once.
    pub(crate) fn failed(&mut self, validity: Validity, now: Timestamp, chance: f64) {
        let doubled = RENEWAL_RETRY_FIRST.saturating_mul(1 << self.failures.min(16));
        let left = validity.not_after.since(now) / RETRY_PART_LEFT;
        let pause = doubled
            .min(RENEWAL_RETRY_LONGEST)
            .min(left.max(RENEWAL_RETRY_FIRST));
        self.failures = self.failures.saturating_add(1);
        self.again = Some((now, now.plus(pause.mul_f64(1.0 - chance / 4.0))));
    }

    /// When the next attempt is due; `None` when the certificate has ended and no other was
    /// received, because nobody is let in with it.
    pub(crate) fn next_at(
        &self,
        validity: Validity,
        stage: Stage,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if stage != Stage::Received && now >= validity.not_after {
            return None;
        }
        let due = match stage {
            Stage::Resting => renews_at(validity),
            Stage::Unanswered | Stage::Received => now,
        };
        // A clock that was ahead when the last one failed says nothing about the next.
        let again = self.again.filter(|(failed, _)| *failed <= now);
        Some(again.map_or(due, |(_, again)| due.max(again)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000)
    }

    fn of_days(days: u32) -> Validity {
        Validity {
            not_before: start(),
            not_after: start().plus(DAY * days),
        }
    }

    #[test]
    fn a_certificate_is_renewed_sixty_days_before_its_end() {
        assert_eq!(renews_at(of_days(730)), start().plus(DAY * 670));
    }

    #[test]
    fn one_that_lives_shortly_is_renewed_when_a_third_is_left() {
        assert_eq!(renews_at(of_days(90)), start().plus(DAY * 60));
    }

    #[test]
    fn pauses_grow_and_there_are_many_attempts_before_the_end() {
        let validity = of_days(730);
        let mut attempts = Attempts::default();
        let mut now = renews_at(validity);
        let mut pauses = Vec::new();
        while let Some(at) = attempts.next_at(validity, Stage::Resting, now) {
            pauses.push(at.since(now));
            now = at;
            if now >= validity.not_after {
                break;
            }
            attempts.failed(validity, now, 0.0);
        }
        assert_eq!(
            pauses[..3],
            [Duration::ZERO, RENEWAL_RETRY_FIRST, RENEWAL_RETRY_FIRST * 2]
        );
        assert!(pauses.iter().all(|pause| *pause <= RENEWAL_RETRY_LONGEST));
        assert!((240..1000).contains(&pauses.len()), "{}", pauses.len());
        assert!(
            pauses
                .last()
                .is_some_and(|last| *last <= RENEWAL_RETRY_FIRST)
        );
    }

    #[test]
    fn chance_shortens_a_pause_by_a_quarter_at_most() {
        let validity = of_days(730);
        let mut attempts = Attempts::default();
        attempts.failed(validity, start(), 1.0);
        let at = attempts
            .next_at(validity, Stage::Received, start())
            .expect("due");
        assert_eq!(at.since(start()), RENEWAL_RETRY_FIRST.mul_f64(0.75));
    }

    #[test]
    fn a_new_certificate_is_used_at_once_also_when_the_old_one_has_ended() {
        let validity = of_days(730);
        let attempts = Attempts::default();
        let late = start().plus(DAY * 731);
        assert_eq!(attempts.next_at(validity, Stage::Resting, late), None);
        assert_eq!(
            attempts.next_at(validity, Stage::Received, late),
            Some(late)
        );
    }

    #[test]
    fn a_request_without_an_answer_is_sent_again_soon_and_not_a_year_later() {
        let validity = of_days(730);
        let mut attempts = Attempts::default();
        attempts.failed(validity, start(), 0.0);
        let at = attempts.next_at(validity, Stage::Unanswered, start());
        assert_eq!(at, Some(start().plus(RENEWAL_RETRY_FIRST)));
        let late = start().plus(DAY * 731);
        assert_eq!(attempts.next_at(validity, Stage::Unanswered, late), None);
    }

    #[test]
    fn a_clock_that_was_ahead_delays_nothing() {
        let validity = of_days(730);
        let mut attempts = Attempts::default();
        attempts.failed(validity, start().plus(DAY * 700), 0.0);
        let now = start().plus(DAY * 680);
        assert!(
            attempts
                .next_at(validity, Stage::Resting, now)
                .expect("due")
                <= now
        );
    }
}
