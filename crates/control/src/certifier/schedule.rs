//! Whose turn it is: pure.

use portlama_acme::CertificateName;
use portlama_acme::renewal::{Failures, Urgency, next_attempt};
use portlama_model::{Hostname, Timestamp};
use portlama_pki::Validity;

/// A host that may need a certificate.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) host: Hostname,
    /// Of the certificate of a public authority that it has.
    pub(super) present: Option<Validity>,
    pub(super) history: Failures,
    pub(super) urgency: Urgency,
}

/// What follows for all of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whose turn it is, the most urgent first.
    pub(super) due: Vec<Hostname>,
    /// Who was asked for and must wait, and until when: the authority's limits bind everybody.
    pub(super) held_back: Vec<(Hostname, Timestamp)>,
    /// When the next one is due.
    pub(super) next: Option<Timestamp>,
}

/// Judges all candidates. First come those for whom somebody waits, then hosts without any
/// certificate, then the first to end.
pub(super) fn plan(candidates: impl Iterator<Item = Candidate>, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut due = Vec::new();
    for candidate in candidates {
        let Candidate {
            host,
            present,
            history,
            urgency,
        } = candidate;
        let name = CertificateName::from(host);
        let at = next_attempt(present.as_ref(), &history, &name, urgency, now);
        let host = name.host().clone();
        if at <= now {
            let ends = present.map(|validity| validity.not_after);
            due.push((urgency == Urgency::Scheduled, ends, host));
            continue;
        }
        plan.next = Some(plan.next.map_or(at, |next| next.min(at)));
        if urgency == Urgency::Asked {
            plan.held_back.push((host, at));
        }
    }
    due.sort();
    plan.due = due.into_iter().map(|(_, _, host)| host).collect();
    plan
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlama_acme::ErrorKind;

    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000)
    }

    fn candidate(host: &str, days_left: Option<u64>) -> Candidate {
        let ends = |days: u64| now().plus(24 * HOUR * u32::try_from(days).expect("small"));
        Candidate {
            host: host.parse().expect("valid"),
            present: days_left.map(|days| Validity {
                not_before: ends(days).minus(90 * 24 * HOUR),
                not_after: ends(days),
            }),
            history: Failures::default(),
            urgency: Urgency::Scheduled,
        }
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.due.iter().map(Hostname::as_str).collect()
    }

    #[test]
    fn who_is_waited_for_comes_first_then_who_has_nothing_then_who_ends_first() {
        let asked = Candidate {
            urgency: Urgency::Asked,
            ..candidate("asked.test", Some(89))
        };
        let candidates = [
            candidate("late.test", Some(20)),
            candidate("none.test", None),
            candidate("soon.test", Some(2)),
            candidate("good.test", Some(80)),
            asked,
        ];
        let plan = plan(candidates.into_iter(), now());
        assert_eq!(
            names(&plan),
            ["asked.test", "none.test", "soon.test", "late.test"]
        );
        let next = plan.next.expect("good.test is due some day");
        assert!(next > now().plus(30 * 24 * HOUR) && next < now().plus(60 * 24 * HOUR));
    }

    #[test]
    fn who_asks_need_not_wait_for_the_back_off_but_for_the_authority() {
        let host = CertificateName::from("a.test".parse::<Hostname>().expect("valid"));
        let failed = Failures::default().and_one(ErrorKind::Unreachable, None, &host, now());
        let scheduled = Candidate {
            history: failed,
            ..candidate("a.test", None)
        };
        assert!(names(&plan([scheduled.clone()].into_iter(), now())).is_empty());
        let asked = Candidate {
            urgency: Urgency::Asked,
            ..scheduled
        };
        assert_eq!(names(&plan([asked.clone()].into_iter(), now())), ["a.test"]);
        let limited = Failures::default().and_one(ErrorKind::RateLimited, Some(HOUR), &host, now());
        let limited = Candidate {
            history: limited,
            ..asked
        };
        let plan = plan([limited].into_iter(), now());
        assert_eq!(plan.due, []);
        assert_eq!(plan.held_back.len(), 1);
        assert_eq!(plan.held_back[0].1, now().plus(HOUR));
    }
}
