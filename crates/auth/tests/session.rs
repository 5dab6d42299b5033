//! Tokens, how long sessions last, and how they pass to a host.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use portlama_auth::{
    CLOCK_TOLERANCE, HANDOVER_LIFETIME, Handover, HandoverError, SESSION_ABSOLUTE, SESSION_IDLE,
    SessionEnd, SessionLevel, SessionPolicy, SessionToken, TOUCH_INTERVAL, TokenHash, cookie,
};
use portlama_model::{Hostname, Timestamp};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

fn token(octet: u8) -> SessionToken {
    SessionToken::from_random([octet; 32])
}

fn host(name: &str) -> Hostname {
    name.parse().unwrap()
}

#[test]
fn a_token_is_43_characters_that_a_cookie_can_hold() {
    for octet in [0, 7, 0xFB, 0xFF] {
        let text = token(octet).expose();
        assert_eq!(text.expose().len(), 43);
        assert!(
            text.expose()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(
            text.expose().parse::<SessionToken>().unwrap().hash(),
            token(octet).hash()
        );
    }
}

#[test]
fn every_bit_of_the_random_octets_is_in_the_token() {
    let texts: BTreeSet<_> = (0..256_usize)
        .map(|bit| {
            let mut octets = [0; 32];
            octets[bit / 8] = 1 << (bit % 8);
            SessionToken::from_random(octets)
                .expose()
                .expose()
                .to_owned()
        })
        .collect();
    assert_eq!(texts.len(), 256);
}

#[test]
fn a_token_has_one_spelling() {
    let text = token(7).expose().expose().to_owned();
    for other in [
        String::new(),
        text[..42].to_owned(),
        format!("{text}="),
        format!("{text}A"),
        text.replacen('B', "+", 1),
        format!("{}C", &text[..42]),
        "é".repeat(21) + "a",
    ] {
        assert!(other.parse::<SessionToken>().is_err(), "{other}");
    }
}

#[test]
fn the_hash_is_not_the_token_and_nothing_prints() {
    assert_ne!(token(7).hash().as_bytes(), &[7; 32]);
    assert_ne!(token(7).hash(), token(8).hash());
    assert_eq!(
        TokenHash::from_bytes(*token(7).hash().as_bytes()),
        token(7).hash()
    );
    assert_eq!(
        format!("{:?} {:?}", token(7), token(7).hash()),
        "SessionToken(…) TokenHash(…)"
    );
}

#[test]
fn cookies_are_bound_to_their_host_and_known_by_their_prefix() {
    let ours = [cookie::SSO, cookie::SESSION, cookie::NONCE, cookie::RETRY];
    assert!(cookie::PREFIX.starts_with("__Host-"));
    assert!(ours.iter().all(|name| name.starts_with(cookie::PREFIX)));
    assert_eq!(BTreeSet::from(ours).len(), ours.len());
}

#[test]
fn an_idle_session_ends_after_two_hours() {
    let policy = SessionPolicy::default();
    assert!(policy.is_live(start(), start(), start().plus(SESSION_IDLE - SECOND)));
    let end = policy.check(start(), start(), start().plus(SESSION_IDLE));
    assert_eq!(end, Err(SessionEnd::Idle));
}

#[test]
fn a_busy_session_ends_after_twelve_hours() {
    let policy = SessionPolicy::default();
    let end = start().plus(SESSION_ABSOLUTE);
    assert!(policy.is_live(start(), end.minus(SECOND), end.minus(SECOND)));
    assert_eq!(
        policy.check(start(), end.minus(SECOND), end),
        Err(SessionEnd::Absolute)
    );
}

#[test]
fn a_clock_set_back_ends_a_session_instead_of_reviving_it() {
    let policy = SessionPolicy::default();
    let seen = start().plus(Duration::from_secs(3600));
    assert!(policy.is_live(start(), seen, seen.minus(CLOCK_TOLERANCE)));
    let back = seen.minus(CLOCK_TOLERANCE + SECOND);
    assert_eq!(
        policy.check(start(), seen, back),
        Err(SessionEnd::ClockSetBack)
    );
    // A session that was over stays over: it does not age backwards.
    let over = start().plus(SESSION_ABSOLUTE);
    assert_eq!(
        policy.check(start(), over, over.minus(SECOND)),
        Err(SessionEnd::Absolute)
    );
    // Made while the clock was wrong.
    assert_eq!(
        policy.check(start().plus(SESSION_IDLE), start(), start()),
        Err(SessionEnd::ClockSetBack)
    );
}

#[test]
fn last_seen_is_written_at_most_once_a_minute_and_never_backwards() {
    let policy = SessionPolicy::default();
    assert_eq!(
        policy.touch(start(), start().plus(TOUCH_INTERVAL - SECOND)),
        None
    );
    let later = start().plus(TOUCH_INTERVAL);
    assert_eq!(policy.touch(start(), later), Some(later));
    assert_eq!(policy.touch(later, start()), None);
}

#[test]
fn two_factors_are_more_than_one() {
    assert!(SessionLevel::TwoFactor > SessionLevel::FirstFactor);
}

fn handover() -> Handover<&'static str> {
    Handover::issue(
        host("wiki.lab.example.org"),
        token(1).hash(),
        "mira's sign-in",
        start(),
    )
}

#[test]
fn a_code_stands_for_the_sign_in_it_was_issued_to() {
    let redeemed = handover().redeem(&host("wiki.lab.example.org"), token(1).hash(), start());
    assert_eq!(redeemed, Ok("mira's sign-in"));
}

#[test]
fn a_code_is_bound_to_host_browser_and_thirty_seconds() {
    let redeem = |name: &str, nonce: u8, at: Timestamp| {
        let nonce = token(nonce).hash();
        handover().redeem(&host(name), nonce, at).map(drop)
    };
    let wiki = "wiki.lab.example.org";
    assert_eq!(
        redeem("git.lab.example.org", 1, start()),
        Err(HandoverError::Host)
    );
    assert_eq!(redeem(wiki, 3, start()), Err(HandoverError::Nonce));
    let end = start().plus(HANDOVER_LIFETIME);
    assert!(handover().lives(end.minus(SECOND)) && !handover().lives(end));
    assert_eq!(redeem(wiki, 1, end.minus(SECOND)), Ok(()));
    assert_eq!(redeem(wiki, 1, end), Err(HandoverError::Expired));
    assert_eq!(
        redeem(wiki, 1, start().minus(HANDOVER_LIFETIME)),
        Err(HandoverError::Expired)
    );
}

#[test]
fn a_hash_is_read_from_base64url_of_its_length_alone() {
    let text = "C".repeat(42) + "A";
    assert!(text.parse::<TokenHash>().is_ok());
    for other in [
        "",
        &text[1..],
        &format!("{text}A"),
        &format!("+{}", &text[1..]),
    ] {
        assert!(other.parse::<TokenHash>().is_err(), "{other}");
    }
}

#[test]
fn a_cookie_is_found_by_its_whole_name_and_the_first_counts() {
    let fields = [b"a=1;b = 2 ;b=3; c".as_slice(), b"d=4=5; e=", b"f=\xff"];
    let value_of = |name| cookie::value_of(fields, name);
    assert_eq!(value_of("a"), Some("1"));
    assert_eq!(value_of("b"), Some("2"));
    assert_eq!(value_of("d"), Some("4=5"));
    assert_eq!(value_of("e"), Some(""));
    for absent in ["c", "f", "A", "1", ""] {
        assert_eq!(value_of(absent), None, "{absent}");
    }
}

proptest! {
    #[test]
    fn tokens_survive_their_text(octets in any::<[u8; 32]>()) {
        let token = SessionToken::from_random(octets);
        let read: SessionToken = token.expose().expose().parse().unwrap();
        prop_assert_eq!(read.hash(), token.hash());
        let text = token.expose();
        let again = read.expose();
        prop_assert_eq!(again.expose(), text.expose());
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in "(?s).{0,60}") {
        if let Ok(token) = text.parse::<SessionToken>() {
            let again = token.expose();
            prop_assert_eq!(again.expose(), text);
        }
    }

    #[test]
    fn no_session_outlives_its_limits(created in -1_000_000..1_000_000_i64, seen in 0..100_000_i64, now in 0..200_000_i64) {
        let created = Timestamp::from_unix_seconds(created);
        let seen = created.plus(Duration::from_secs(seen.unsigned_abs()));
        let now = created.plus(Duration::from_secs(now.unsigned_abs()));
        if SessionPolicy::default().is_live(created, seen, now) {
            prop_assert!(now.since(created) < SESSION_ABSOLUTE);
            prop_assert!(now.since(seen) < SESSION_IDLE);
            prop_assert!(seen.since(now) <= CLOCK_TOLERANCE);
        }
    }
}
