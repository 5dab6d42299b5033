//! When certificates are renewed, and when a failed attempt is repeated.

use std::time::Duration;

use portlama_acme::renewal::{
    Budget, Failures, MAX_REFUSALS, RATE_LIMIT_FIRST, RATE_LIMIT_LONGEST, REFUSAL_WINDOW,
    RETRY_FIRST, RETRY_LONGEST, Urgency, WARN_LEFT, ends_soon, is_due, next_attempt, renew_at,
};
use portlama_acme::{CertificateName, ErrorKind, MAX_RETRY_AFTER};
use portlama_model::Timestamp;
use portlama_pki::Validity;
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const START: i64 = 1_800_000_000;

#[test]
fn a_third_of_the_life_is_left_at_the_latest() {
    let validity = lasting(90 * DAY);
    let at = renew_at(&validity, &name("app.example.org"));
    let left = validity.not_after.since(at);
    assert!(left >= 30 * DAY, "{left:?}");
    assert!(left <= 30 * DAY + 90 * DAY / 12, "{left:?}");
    assert!(!is_due(
        &validity,
        &name("app.example.org"),
        at.minus(Duration::from_secs(1))
    ));
    assert!(is_due(&validity, &name("app.example.org"), at));
}

#[test]
fn many_names_are_not_renewed_at_once() {
    let validity = lasting(90 * DAY);
    let mut days = [0_u32; 9];
    for n in 0..900 {
        let left = validity
            .not_after
            .since(renew_at(&validity, &name(&format!("app{n}.example.org"))));
        let day = (left - 30 * DAY).as_secs() / DAY.as_secs();
        days[usize::try_from(day).expect("small")] += 1;
    }
    // 900 names over seven and a half days: 120 a day if they were even.
    assert!(days[..7].iter().all(|n| (80..170).contains(n)), "{days:?}");
}

#[test]
fn waits_double_from_a_minute_to_hours() {
    let (host, mut failures, mut now) = (name("app.example.org"), Failures::default(), start());
    let mut before = Duration::ZERO;
    for n in 0..12 {
        failures = failures.and_one(ErrorKind::Unreachable, None, &host, now);
        let next = next_attempt(None, &failures, &host, Urgency::Scheduled, now);
        let wait = next.since(now);
        let least = (RETRY_FIRST * 2_u32.pow(n)).min(RETRY_LONGEST);
        assert!(wait >= least && wait <= least * 5 / 4, "{n}: {wait:?}");
        assert!(wait >= before || least == RETRY_LONGEST, "{n}: {wait:?}");
        (before, now) = (wait, next);
    }
}

#[test]
fn what_the_authority_asked_for_is_waited_by_people_too() {
    let (host, now) = (name("app.example.org"), start());
    let asked = Duration::from_secs(3 * 60 * 60);
    let failures = Failures::default().and_one(ErrorKind::RateLimited, Some(asked), &host, now);
    for urgency in [Urgency::Scheduled, Urgency::Asked] {
        let next = next_attempt(None, &failures, &host, urgency, now);
        assert!(next >= now.plus(asked), "{urgency:?}");
    }
    // A later failure without a wish does not shorten the wish before.
    let later = failures.and_one(ErrorKind::Unreachable, None, &host, now.plus(RETRY_FIRST));
    assert!(later.allowed_at(Urgency::Asked, now) >= now.plus(asked));
}

#[test]
fn a_rate_limit_waits_longer_than_other_failures() {
    let (host, now) = (name("app.example.org"), start());
    let limited = Failures::default().and_one(ErrorKind::RateLimited, None, &host, now);
    assert!(limited.allowed_at(Urgency::Scheduled, now) >= now.plus(RATE_LIMIT_FIRST));
    assert!(limited.allowed_at(Urgency::Asked, now) >= now.plus(RATE_LIMIT_FIRST));
}

#[test]
fn a_person_need_not_wait_for_the_back_off() {
    let (host, now) = (name("app.example.org"), start());
    let failures = Failures::default().and_one(ErrorKind::Unreachable, None, &host, now);
    assert_eq!(
        next_attempt(None, &failures, &host, Urgency::Asked, now),
        now
    );
    let present = lasting(90 * DAY);
    assert_eq!(
        next_attempt(
            Some(&present),
            &Failures::default(),
            &host,
            Urgency::Asked,
            now
        ),
        now
    );
}

#[test]
fn an_hour_sees_four_failed_validations_whoever_asks() {
    let (host, mut failures, mut now) = (name("app.example.org"), Failures::default(), start());
    for n in 0..MAX_REFUSALS {
        assert_eq!(failures.budget(now).left, MAX_REFUSALS - n);
        failures = failures.and_one(ErrorKind::Refused, None, &host, now);
        now = now.plus(Duration::from_secs(1));
    }
    let grows_at = start().plus(REFUSAL_WINDOW);
    assert_eq!(
        failures.budget(now),
        Budget {
            left: 0,
            grows_at: Some(grows_at)
        }
    );
    assert_eq!(failures.allowed_at(Urgency::Asked, now), grows_at);
    assert_eq!(failures.budget(grows_at).left, 1);
}

#[test]
fn a_clock_that_was_set_back_never_waits_for_years() {
    let (host, now) = (name("app.example.org"), start());
    let mut failures = Failures::default();
    for _ in 0..9 {
        failures = failures.and_one(ErrorKind::Refused, Some(DAY), &host, now.plus(3650 * DAY));
    }
    for urgency in [Urgency::Scheduled, Urgency::Asked] {
        let next = next_attempt(None, &failures, &host, urgency, now);
        assert!(next <= now.plus(MAX_RETRY_AFTER), "{next}");
    }
}

#[test]
fn the_warning_comes_14_days_before_the_end_or_later_for_short_lives() {
    let long = lasting(90 * DAY);
    assert!(!ends_soon(&long, long.not_after.minus(WARN_LEFT + DAY)));
    assert!(ends_soon(&long, long.not_after.minus(WARN_LEFT)));
    assert!(ends_soon(&long, long.not_after.plus(DAY)));
    let short = lasting(6 * DAY);
    assert!(!ends_soon(&short, short.not_before));
    assert!(ends_soon(&short, short.not_after.minus(DAY)));
}

#[test]
fn failures_are_kept_and_read_back() {
    let host = name("*.example.org");
    let failures = Failures::default().and_one(ErrorKind::Refused, Some(DAY), &host, start());
    let text = serde_json::to_string(&failures).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Failures>(&text).expect("read"),
        failures
    );
    assert_eq!(
        serde_json::from_str::<Failures>("{}").expect("read"),
        Failures::default()
    );
}

proptest! {
    #[test]
    fn renewal_lies_within_the_life_and_before_the_warning(
        life in 1_u64..4000 * 24 * 60 * 60,
        label in "[a-z]{1,20}",
    ) {
        let validity = lasting(Duration::from_secs(life));
        let at = renew_at(&validity, &name(&format!("{label}.example.org")));
        prop_assert!(validity.not_before <= at && at <= validity.not_after);
        prop_assert!(!ends_soon(&validity, at) || life < 12);
    }

    /// Whatever fails in whatever order, and whoever asks as early as is allowed.
    #[test]
    fn no_hour_sees_more_refusals_than_allowed(
        attempts in proptest::collection::vec((kind(), any::<bool>(), proptest::option::of(0_u64..100_000)), 1..60),
    ) {
        let host = name("app.example.org");
        let (mut failures, mut now) = (Failures::default(), start());
        let mut refused: Vec<Timestamp> = Vec::new();
        for (kind, by_person, asked) in attempts {
            let urgency = if by_person { Urgency::Asked } else { Urgency::Scheduled };
            let next = next_attempt(None, &failures, &host, urgency, now);
            prop_assert!(next >= now);
            now = next;
            let asked = asked.map(Duration::from_secs);
            failures = failures.and_one(kind, asked, &host, now);
            if let Some(asked) = asked {
                prop_assert!(failures.allowed_at(Urgency::Asked, now) >= now.plus(asked));
            }
            prop_assert!(failures.allowed_at(Urgency::Scheduled, now) >= now.plus(RETRY_FIRST));
            if kind == ErrorKind::Refused {
                refused.push(now);
            }
            let hour = refused.iter().filter(|at| now.since(**at) < REFUSAL_WINDOW).count();
            prop_assert!(hour <= MAX_REFUSALS, "{hour} at {now}");
        }
    }

    /// One more failure of the same kind waits longer, until the longest wait is reached.
    #[test]
    fn waits_grow_with_failures(kind in kind(), count in 0_u32..40, label in "[a-z]{1,20}") {
        let host = name(&format!("{label}.example.org"));
        let wait = |count| {
            let before = Failures { count, ..Failures::default() };
            let one_more = before.and_one(kind, None, &host, start());
            one_more.allowed_at(Urgency::Scheduled, start()).since(start())
        };
        let longest = match kind {
            ErrorKind::RateLimited => RATE_LIMIT_LONGEST,
            _ => RETRY_LONGEST,
        };
        prop_assert!(wait(count + 1) > wait(count) || wait(count + 1) >= longest);
        prop_assert!(wait(count) <= longest * 5 / 4);
    }
}

fn kind() -> impl Strategy<Value = ErrorKind> {
    prop_oneof![
        Just(ErrorKind::RateLimited),
        Just(ErrorKind::Refused),
        Just(ErrorKind::Rejected),
        Just(ErrorKind::Unreachable),
        Just(ErrorKind::Timeout),
        Just(ErrorKind::Malformed),
    ]
}

fn start() -> Timestamp {
    Timestamp::from_unix_seconds(START)
}

fn lasting(life: Duration) -> Validity {
    Validity {
        not_before: start(),
        not_after: start().plus(life),
    }
}

fn name(text: &str) -> CertificateName {
    text.parse().expect("a name")
}
