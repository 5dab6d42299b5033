//! What to renew when: pure, from plain values and the time.
//!
//! A certificate is renewed when a third of its life is left. After a failure the wait doubles
//! from a minute to hours; what the authority asked for is waited in any case, and an hour sees
//! at most four failed validations of one name, because authorities count them.

use std::time::Duration;

use portlama_model::Timestamp;
use portlama_pki::Validity;
use serde::{Deserialize, Serialize};

use crate::{AcmeError, CertificateName, ErrorKind, MAX_RETRY_AFTER};

/// The part of a certificate's life that is left when it is renewed: a third, time for a month
/// of failing attempts with a life of 90 days.
pub const RENEW_AT_FRACTION_LEFT: u32 = 3;
/// The part of a certificate's life over which the renewals of many names spread, before that
/// moment.
pub const RENEWAL_SPREAD_FRACTION: u32 = 12;
/// The wait after the first failure. It doubles with each further one.
pub const RETRY_FIRST: Duration = Duration::from_secs(60);
/// The longest wait after a failure that nobody limits, less its spread.
pub const RETRY_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);
/// The wait after the first answer that a rate limit is used up, if the authority names none.
pub const RATE_LIMIT_FIRST: Duration = Duration::from_secs(60 * 60);
/// The longest wait for a rate limit, if the authority names none, less its spread.
pub const RATE_LIMIT_LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Waits are longer by up to this part, another for each name, so that many names that failed
/// together do not come back together.
pub const RETRY_SPREAD_FRACTION: u32 = 4;
/// Failed validations of one name in [`REFUSAL_WINDOW`]: one less than Let's Encrypt allows.
pub const MAX_REFUSALS: usize = 4;
/// The time in which failed validations are counted.
pub const REFUSAL_WINDOW: Duration = Duration::from_secs(60 * 60);
/// What is left of a certificate when its failing renewal becomes a warning.
pub const WARN_LEFT: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// The part of a short life that is left when the warning comes: less than at the renewal.
pub const WARN_AT_FRACTION_LEFT: u32 = 6;

/// What is remembered of the failed attempts for one name. Durable; a success forgets it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Failures {
    /// Failures in a row.
    pub count: u32,
    /// Until when the scheduler waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off_until: Option<Timestamp>,
    /// Until when the authority asked to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_until: Option<Timestamp>,
    /// When validations failed, the last [`MAX_REFUSALS`] of them, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_at: Vec<Timestamp>,
}

/// Who wants an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The scheduler: waits for everything.
    Scheduled,
    /// A person, who need not wait for the back-off, only for what the authority allows.
    Asked,
}

/// How many failed validations an hour still has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Attempts left.
    pub left: usize,
    /// When there is one more; `None` when all are left.
    pub grows_at: Option<Timestamp>,
}

/// The latest moment of the renewal, when a third of the life is left.
#[must_use]
pub fn renew_at_latest(validity: &Validity) -> Timestamp {
    validity
        .not_after
        .minus(life(validity) / RENEW_AT_FRACTION_LEFT)
}

/// When a certificate is renewed: when a third of its life is left, or a little earlier, each
/// name at its own moment.
#[must_use]
pub fn renew_at(validity: &Validity, name: &CertificateName) -> Timestamp {
    let earlier = spread(life(validity) / RENEWAL_SPREAD_FRACTION, name, 0);
    renew_at_latest(validity).minus(earlier)
}

/// Whether a certificate is to be renewed.
#[must_use]
pub fn is_due(validity: &Validity, name: &CertificateName, now: Timestamp) -> bool {
    now >= renew_at(validity, name)
}

/// When a certificate is asked for: `present` is the validity of the one there is. The past
/// means at once. A clock that was set back delays by [`MAX_RETRY_AFTER`] at most.
#[must_use]
pub fn next_attempt(
    present: Option<&Validity>,
    failures: &Failures,
    name: &CertificateName,
    urgency: Urgency,
    now: Timestamp,
) -> Timestamp {
    let wanted = match (urgency, present) {
        (Urgency::Scheduled, Some(validity)) => renew_at(validity, name),
        (Urgency::Scheduled, None) | (Urgency::Asked, _) => now,
    };
    wanted.max(failures.allowed_at(urgency, now))
}

/// Whether a certificate comes so near to its end that the admin must know: 14 days, or less if
/// its whole life is short.
#[must_use]
pub fn ends_soon(validity: &Validity, now: Timestamp) -> bool {
    let warned = WARN_LEFT.min(life(validity) / WARN_AT_FRACTION_LEFT);
    validity.not_after.since(now) <= warned
}

fn life(validity: &Validity) -> Duration {
    validity.not_after.since(validity.not_before)
}

impl Failures {
    /// These failures and one more.
    #[must_use]
    pub fn and(&self, error: &AcmeError, name: &CertificateName, now: Timestamp) -> Self {
        self.and_one(error.kind(), error.retry_after(), name, now)
    }

    /// These failures and one more, of which only kind and wish are known.
    #[must_use]
    pub fn and_one(
        &self,
        kind: ErrorKind,
        retry_after: Option<Duration>,
        name: &CertificateName,
        now: Timestamp,
    ) -> Self {
        let (first, longest) = match kind {
            ErrorKind::RateLimited => (RATE_LIMIT_FIRST, RATE_LIMIT_LONGEST),
            _ => (RETRY_FIRST, RETRY_LONGEST),
        };
        let doubled = 2_u32.saturating_pow(self.count.min(30));
        let wait = first.saturating_mul(doubled).min(longest);
        let wait = wait
            + spread(
                wait / RETRY_SPREAD_FRACTION,
                name,
                self.count.saturating_add(1),
            );
        let asked = match (retry_after, kind) {
            (Some(asked), _) => Some(asked.min(MAX_RETRY_AFTER)),
            (None, ErrorKind::RateLimited) => Some(wait),
            (None, _) => None,
        };
        let asked_until = asked.map(|asked| now.plus(asked)).max(self.asked_until);
        let mut refused_at = self.refused_at.clone();
        if kind == ErrorKind::Refused {
            refused_at.push(now);
            refused_at.sort_unstable();
            let surplus = refused_at.len().saturating_sub(MAX_REFUSALS);
            refused_at.drain(..surplus);
        }
        Self {
            count: self.count.saturating_add(1),
            back_off_until: Some(now.plus(wait)),
            asked_until,
            refused_at,
        }
    }

    /// From when on an attempt is allowed.
    #[must_use]
    pub fn allowed_at(&self, urgency: Urgency, now: Timestamp) -> Timestamp {
        let back_off = self
            .back_off_until
            .filter(|_| urgency == Urgency::Scheduled);
        let budget = self.budget(now);
        let used_up = budget.grows_at.filter(|_| budget.left == 0);
        [back_off, self.asked_until, used_up]
            .into_iter()
            .flatten()
            .max()
            .map_or(now, |until| until.max(now).min(now.plus(MAX_RETRY_AFTER)))
    }

    /// How many validations may still fail within the hour that ends now. A time after now, of
    /// a clock that was set back, counts as now.
    #[must_use]
    pub fn budget(&self, now: Timestamp) -> Budget {
        let counted = self
            .refused_at
            .iter()
            .map(|at| (*at).min(now).plus(REFUSAL_WINDOW))
            .filter(|until| *until > now);
        Budget {
            left: MAX_REFUSALS.saturating_sub(counted.clone().count()),
            grows_at: counted.min(),
        }
    }
}

/// A part of `most`, the same for the same name and round, and evenly spread over the names.
fn spread(most: Duration, name: &CertificateName, round: u32) -> Duration {
    let text = format!("{round} {name}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut octets = [0; 4];
    for (octet, from) in octets.iter_mut().zip(digest.as_ref()) {
        *octet = *from;
    }
    most.mul_f64(f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX))
}
