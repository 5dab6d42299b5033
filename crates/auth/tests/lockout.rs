//! Who must wait after wrong tries (case A4).
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use portlama_auth::{
    Attempt, BAN_DURATION, FAILURE_WINDOW, Lockout, LockoutKey, LockoutRow, MAX_FAILURES,
    MAX_LOCKOUT_ENTRIES, MAX_NETWORK_ENTRIES, MAX_USER_DELAY, Network, USER_DELAY_DECAY,
    USER_FREE_FAILURES,
};
use portlama_model::Timestamp;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

fn key(user: &str, address: &str) -> LockoutKey {
    LockoutKey::new(user, address.parse().unwrap())
}

fn mira() -> LockoutKey {
    key("mira", "192.0.2.1")
}

fn address(number: u32) -> IpAddr {
    IpAddr::from(number.to_be_bytes())
}

fn fail(lockout: &mut Lockout, key: LockoutKey, now: Timestamp) {
    let attempt = lockout.begin(key, now).unwrap();
    lockout.fail(attempt, now);
}

fn banned(now: Timestamp) -> Lockout {
    let mut lockout = Lockout::new();
    for _ in 0..MAX_FAILURES {
        fail(&mut lockout, mira(), now);
    }
    lockout
}

#[test]
fn five_wrong_tries_in_two_minutes_ban_for_five_minutes() {
    let mut lockout = Lockout::new();
    for number in 0..MAX_FAILURES as u32 {
        assert!(lockout.check(&mira(), start()).is_ok());
        fail(&mut lockout, mira(), start().plus(SECOND * number));
    }
    let last = start().plus(SECOND * (MAX_FAILURES as u32 - 1));
    let refusal = lockout.begin(mira(), last).unwrap_err();
    assert_eq!(refusal.retry_after, BAN_DURATION);
    let end = last.plus(BAN_DURATION);
    assert_eq!(
        lockout
            .check(&mira(), end.minus(SECOND))
            .unwrap_err()
            .retry_after,
        SECOND
    );
    assert!(lockout.begin(mira(), end).is_ok());
}

#[test]
fn wrong_tries_fade_after_two_minutes() {
    let mut lockout = Lockout::new();
    for _ in 0..MAX_FAILURES - 1 {
        fail(&mut lockout, mira(), start());
    }
    let later = start().plus(FAILURE_WINDOW);
    for _ in 0..MAX_FAILURES - 1 {
        fail(&mut lockout, mira(), later);
    }
    assert!(lockout.check(&mira(), later).is_ok());
    fail(&mut lockout, mira(), later);
    assert!(lockout.check(&mira(), later).is_err());
}

#[test]
fn a_ban_is_for_one_account_from_one_network() {
    let lockout = banned(start());
    assert!(lockout.check(&key("noah", "192.0.2.1"), start()).is_ok());
    assert!(lockout.check(&key("mira", "192.0.2.2"), start()).is_ok());
    assert!(lockout.check(&mira(), start()).is_err());
}

#[test]
fn a_network_is_an_ipv4_address_or_an_ipv6_64() {
    assert_eq!(mira(), key("mira", "::ffff:192.0.2.1"));
    assert_eq!(
        key("mira", "2001:db8::1"),
        key("mira", "2001:db8::ffff:1:2")
    );
    assert_ne!(key("mira", "2001:db8::1"), key("mira", "2001:db8:0:1::1"));
    for text in ["192.0.2.1", "2001:db8:0:7::/64"] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    for bad in [
        "",
        "192.0.2.1/24",
        "2001:db8::1",
        "2001:db8::/48",
        "192.0.2.256",
    ] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
}

#[test]
fn parallel_tries_cannot_outrun_the_limit() {
    let mut lockout = Lockout::new();
    let begun: Vec<Attempt> = (0..100)
        .filter_map(|_| lockout.begin(mira(), start()).ok())
        .collect();
    assert_eq!(begun.len(), MAX_FAILURES);
    for attempt in begun {
        assert!(lockout.begin(mira(), start()).is_err());
        lockout.fail(attempt, start());
    }
    let refusal = lockout.check(&mira(), start()).unwrap_err();
    assert_eq!(refusal.retry_after, BAN_DURATION);
}

#[test]
fn parallel_right_tries_are_not_a_ban() {
    let mut lockout = Lockout::new();
    let wrong = lockout.begin(mira(), start()).unwrap();
    let right: Vec<Attempt> = (1..MAX_FAILURES)
        .map(|_| lockout.begin(mira(), start()).unwrap())
        .collect();
    lockout.fail(wrong, start());
    for attempt in right {
        lockout.succeed(attempt, start());
    }
    assert!(lockout.check(&mira(), start()).is_ok());
}

#[test]
fn an_abandoned_try_counts_as_wrong_until_it_fades() {
    let mut lockout = Lockout::new();
    for _ in 0..MAX_FAILURES {
        drop(lockout.begin(mira(), start()).unwrap());
    }
    let refusal = lockout.begin(mira(), start()).unwrap_err();
    assert_eq!(refusal.retry_after, FAILURE_WINDOW);
    assert!(lockout.begin(mira(), start().plus(FAILURE_WINDOW)).is_ok());
}

#[test]
fn a_try_slower_than_the_window_counts_all_the_same() {
    let mut lockout = Lockout::new();
    let slow: Vec<Attempt> = (0..MAX_FAILURES)
        .map(|_| lockout.begin(mira(), start()).unwrap())
        .collect();
    let later = start().plus(FAILURE_WINDOW * 2);
    for attempt in slow {
        lockout.fail(attempt, later);
    }
    assert!(lockout.check(&mira(), later).is_err());
}

#[test]
fn a_right_password_takes_back_nothing_but_its_own_mark() {
    let mut lockout = Lockout::new();
    for _ in 0..MAX_FAILURES - 1 {
        fail(&mut lockout, mira(), start());
        let right = lockout.begin(mira(), start()).unwrap();
        lockout.succeed(right, start());
    }
    fail(&mut lockout, mira(), start());
    assert!(lockout.check(&mira(), start()).is_err());
}

#[test]
fn a_right_try_lifts_no_ban_that_began_in_the_meantime() {
    let mut lockout = Lockout::new();
    for _ in 0..MAX_FAILURES - 2 {
        fail(&mut lockout, mira(), start());
    }
    let (wrong, right) = (
        lockout.begin(mira(), start()).unwrap(),
        lockout.begin(mira(), start()).unwrap(),
    );
    lockout.fail(wrong, start());
    let later = start().plus(FAILURE_WINDOW - SECOND);
    lockout.succeed(right, later);
    assert!(lockout.check(&mira(), later).is_ok());
    fail(&mut lockout, mira(), later);
    assert!(lockout.check(&mira(), later).is_err());

    let mut lockout = Lockout::new();
    let right = lockout.begin(mira(), start()).unwrap();
    for _ in 0..MAX_FAILURES - 1 {
        fail(&mut lockout, mira(), start());
    }
    let afterwards = start().plus(FAILURE_WINDOW - SECOND);
    lockout.succeed(right, afterwards);
    fail(&mut lockout, mira(), afterwards);
    assert!(lockout.check(&mira(), afterwards).is_err());
}

#[test]
fn many_networks_slow_an_account_down_and_never_lock_it() {
    let mut lockout = Lockout::new();
    let mut delays = Vec::new();
    for number in 0..1000 {
        let attempt = lockout
            .begin(LockoutKey::new("mira", address(number)), start())
            .unwrap();
        delays.push(attempt.delay());
        lockout.fail(attempt, start());
    }
    assert!(
        delays[..USER_FREE_FAILURES as usize]
            .iter()
            .all(Duration::is_zero)
    );
    assert_eq!(
        delays[USER_FREE_FAILURES as usize],
        Duration::from_millis(250)
    );
    assert!(delays.is_sorted());
    assert_eq!(delays.last(), Some(&MAX_USER_DELAY));
    // Others are not slowed, and the delay fades by itself.
    assert_eq!(
        lockout
            .begin(key("noah", "192.0.2.1"), start())
            .unwrap()
            .delay(),
        Duration::ZERO
    );
    let later = start().plus(USER_DELAY_DECAY * 20);
    assert_eq!(
        lockout.begin(mira(), later).unwrap().delay(),
        Duration::ZERO
    );
}

#[test]
fn right_tries_raise_no_delay() {
    let mut lockout = Lockout::new();
    for _ in 0..100 {
        let attempt = lockout.begin(mira(), start()).unwrap();
        assert_eq!(attempt.delay(), Duration::ZERO);
        lockout.succeed(attempt, start());
    }
    assert_eq!(lockout.rows().count(), 0);
}

#[test]
fn one_network_cannot_try_one_password_on_a_thousand_accounts() {
    let mut lockout = Lockout::new();
    let begun = (0..1000)
        .filter(|number| {
            lockout
                .begin(key(&format!("user-{number}"), "192.0.2.1"), start())
                .is_ok()
        })
        .count();
    assert_eq!(begun, MAX_NETWORK_ENTRIES);
    assert!(lockout.begin(key("user-1", "192.0.2.2"), start()).is_ok());
    let later = start().plus(FAILURE_WINDOW);
    assert!(lockout.begin(key("user-999", "192.0.2.1"), later).is_ok());
}

#[test]
fn a_restart_lifts_no_ban_and_forgets_no_try() {
    let mut before = banned(start());
    for _ in 0..MAX_FAILURES - 1 {
        fail(&mut before, key("noah", "2001:db8::1"), start());
    }
    let rows: Vec<LockoutRow> = before.rows().collect();
    let later = start().plus(SECOND * 60);
    let mut after = Lockout::restore(rows, later);
    let left = after.check(&mira(), later).unwrap_err().retry_after;
    assert_eq!(left, BAN_DURATION - SECOND * 60);
    fail(&mut after, key("noah", "2001:db8::1"), later);
    assert!(after.check(&key("noah", "2001:db8::1"), later).is_err());
}

#[test]
fn a_row_says_what_to_store_or_that_nothing_is_left() {
    let mut lockout = Lockout::new();
    assert_eq!(lockout.row(&mira()), None);
    fail(&mut lockout, mira(), start());
    let row = lockout.row(&mira()).unwrap();
    assert_eq!(
        (row.key, row.failures, row.banned_until),
        (mira(), vec![start()], None)
    );
    let row = banned(start()).row(&mira()).unwrap();
    assert_eq!(row.banned_until, Some(start().plus(BAN_DURATION)));
    lockout.sweep(start().plus(FAILURE_WINDOW));
    assert_eq!(lockout.row(&mira()), None);
}

#[test]
fn no_clock_makes_a_ban_longer_than_five_minutes() {
    let lockout = banned(start());
    let back = start().minus(Duration::from_secs(10 * 365 * 86_400));
    assert_eq!(
        lockout.check(&mira(), back).unwrap_err().retry_after,
        BAN_DURATION
    );
    let mut restored = Lockout::restore(lockout.rows(), back);
    assert!(restored.begin(mira(), back.plus(BAN_DURATION)).is_ok());
}

#[test]
fn a_flood_of_names_drops_no_ban_and_stays_within_bounds() {
    let mut lockout = banned(start());
    let later = start().plus(SECOND);
    for number in 0..MAX_LOCKOUT_ENTRIES as u32 + 50 {
        fail(
            &mut lockout,
            LockoutKey::new(&format!("user-{number}"), address(number)),
            later,
        );
    }
    assert_eq!(lockout.rows().count(), MAX_LOCKOUT_ENTRIES);
    assert!(lockout.check(&mira(), later).is_err());
}

#[test]
fn a_table_full_of_bans_lets_no_new_pair_in() {
    let row = |number: u32| LockoutRow {
        key: LockoutKey::new("mira", address(number)),
        failures: Vec::new(),
        banned_until: Some(start().plus(BAN_DURATION)),
    };
    let mut lockout = Lockout::restore((0..MAX_LOCKOUT_ENTRIES as u32).map(row), start());
    let stranger = key("noah", "2001:db8::1");
    assert_eq!(
        lockout.begin(stranger, start()).unwrap_err().retry_after,
        BAN_DURATION
    );
    assert!(lockout.begin(stranger, start().plus(BAN_DURATION)).is_ok());
}

proptest! {
    #[test]
    fn no_window_holds_more_than_five_tries_that_were_not_right(
        steps in proptest::collection::vec((0..4_u8, 0..60_u64), 1..200),
    ) {
        let mut lockout = Lockout::new();
        let mut now = start();
        let (mut open, mut counted) = (Vec::new(), Vec::new());
        for (step, seconds) in steps {
            now = now.plus(Duration::from_secs(seconds));
            match (step, open.pop()) {
                (0, Some((attempt, _))) => lockout.fail(attempt, now),
                (1, Some((attempt, begun))) => {
                    lockout.succeed(attempt, now);
                    let own = counted.iter().position(|at| *at == begun).unwrap();
                    counted.remove(own);
                }
                (_, other) => {
                    open.extend(other);
                    if let Ok(attempt) = lockout.begin(mira(), now) {
                        open.push((attempt, now));
                        counted.push(now);
                    }
                }
            }
            let recent = counted.iter().filter(|at| now.since(**at) < FAILURE_WINDOW).count();
            prop_assert!(recent <= MAX_FAILURES, "{} tries", recent);
        }
    }

    #[test]
    fn rows_restore_to_the_same_answers(tries in proptest::collection::vec((0..4_u8, 0..40_u64), 0..40)) {
        let mut lockout = Lockout::new();
        let mut now = start();
        for (user, seconds) in tries {
            now = now.plus(Duration::from_secs(seconds));
            if let Ok(attempt) = lockout.begin(key(&format!("user-{user}"), "192.0.2.1"), now) {
                lockout.fail(attempt, now);
            }
        }
        let restored = Lockout::restore(lockout.rows(), now);
        for user in 0..4 {
            let key = key(&format!("user-{user}"), "192.0.2.1");
            prop_assert_eq!(restored.check(&key, now), lockout.check(&key, now));
        }
    }
}
