//! What the operator must see of all hosts together: pure.

use portlama_acme::renewal::ends_soon;
use portlama_model::{Hostname, Timestamp};
use portlama_pki::Validity;

use super::CertificateFailure;
use crate::ServiceStatus;

/// A host that is served, and what is known of its certificate.
pub(super) struct Seen<'a> {
    pub(super) host: &'a Hostname,
    /// Of the certificate of a public authority that it has.
    pub(super) present: Option<Validity>,
    /// Why the last attempt failed, if it did.
    pub(super) failure: Option<&'a CertificateFailure>,
}

/// How the part is, and why. A renewal that fails with weeks to go heals by itself in nearly
/// all cases and is shown at its certificate alone; what visitors see, or will see soon, is
/// everybody's business.
pub(super) fn health<'a>(
    hosts: impl Iterator<Item = Seen<'a>>,
    now: Timestamp,
) -> (ServiceStatus, Option<String>) {
    let urgent = |seen: &Seen<'_>| {
        seen.present
            .is_none_or(|validity| ends_soon(&validity, now))
    };
    let mut failing = hosts
        .filter(urgent)
        .filter_map(|seen| seen.failure.map(|failure| (seen.host, failure)));
    let Some((host, failure)) = failing.next() else {
        return (ServiceStatus::Active, None);
    };
    let more = match failing.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let detail = format!("{host}: {}{more}", failure.message);
    (ServiceStatus::Failed, Some(detail))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000)
    }

    /// Of 90 days, so many of them left.
    fn left(days: u32) -> Option<Validity> {
        let not_after = now().plus(days * DAY);
        Some(Validity {
            not_before: not_after.minus(90 * DAY),
            not_after,
        })
    }

    fn of(hosts: &[(&str, Option<Validity>, bool)]) -> (ServiceStatus, Option<String>) {
        let failure = CertificateFailure {
            message: "no such name".to_owned(),
            since: now(),
            next_try: now(),
        };
        let names: Vec<Hostname> = hosts
            .iter()
            .map(|(name, ..)| name.parse().expect("valid"))
            .collect();
        let seen = hosts
            .iter()
            .zip(&names)
            .map(|((_, present, fails), host)| Seen {
                host,
                present: *present,
                failure: fails.then_some(&failure),
            });
        health(seen, now())
    }

    #[test]
    fn waiting_for_a_first_certificate_is_no_failure() {
        let healthy = (ServiceStatus::Active, None);
        assert_eq!(of(&[]), healthy);
        assert_eq!(
            of(&[("a.test", None, false), ("b.test", left(1), false)]),
            healthy
        );
    }

    #[test]
    fn a_renewal_that_fails_in_good_time_waits_quietly_until_the_end_is_near() {
        assert_eq!(of(&[("a.test", left(29), true)]).0, ServiceStatus::Active);
        assert_eq!(of(&[("a.test", left(15), true)]).0, ServiceStatus::Active);
        assert_eq!(of(&[("a.test", left(14), true)]).0, ServiceStatus::Failed);
    }

    #[test]
    fn the_first_host_is_named_with_its_words_and_the_others_are_counted() {
        let all = [
            ("a.test", left(80), true),
            ("b.test", None, true),
            ("c.test", left(3), true),
        ];
        let detail = "b.test: no such name (and 1 more)".to_owned();
        assert_eq!(of(&all), (ServiceStatus::Failed, Some(detail)));
        let detail = "b.test: no such name".to_owned();
        assert_eq!(of(&all[..2]), (ServiceStatus::Failed, Some(detail)));
    }
}
