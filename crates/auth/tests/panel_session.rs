//! The panel's two-factor session: a signed cookie of one certificate.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use portlama_auth::{
    PanelSession, PanelSessionError, PanelSessionKey, SESSION_ABSOLUTE, SESSION_IDLE, SessionEnd,
    TOTP_SEED_BYTES, TOUCH_INTERVAL, TotpSeed,
};
use portlama_model::{Secret, Serial, Timestamp};
use proptest::prelude::*;

const START: i64 = 1_800_000_000;

#[test]
fn a_sealed_session_opens_with_its_key_and_certificate_alone() {
    let (key, session) = (key(1), session());
    let value = key.seal(&session);
    assert_eq!(key.open(value.expose(), &serial("0A"), at(0)), Ok(session));
    let other = key.open(value.expose(), &serial("0B"), at(0));
    assert_eq!(other, Err(PanelSessionError::OtherCertificate));
    let other = PanelSessionKey::from_random([2; 32]).open(value.expose(), &serial("0A"), at(0));
    assert_eq!(other, Err(PanelSessionError::Forged));
}

#[test]
fn the_value_has_the_documented_members() {
    use base64::Engine as _;
    let value = key(1).seal(&session());
    let (claims, _) = value.expose().split_once('.').unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let expected = serde_json::json!({
        "iat": START, "exp": START + 43_200, "lastActivity": START, "certSerial": "0A"
    });
    assert_eq!(claims, expected);
}

#[test]
fn idle_and_absolute_limits_end_it_and_a_refresh_moves_the_first_alone() {
    let (key, first) = (key(1), session());
    let open = |session: &PanelSession, seconds: u64| {
        let now = at(seconds.cast_signed());
        key.open(key.seal(session).expose(), &serial("0A"), now)
    };
    let idle = SESSION_IDLE.as_secs();
    assert!(open(&first, idle - 1).is_ok());
    assert_eq!(open(&first, idle), Err(SessionEnd::Idle.into()));
    let mut session = first;
    for round in 1..=6 {
        session = session
            .refreshed(at((round * (idle - 1)).cast_signed()))
            .unwrap();
    }
    let absolute = SESSION_ABSOLUTE.as_secs();
    assert!(open(&session, absolute - 1).is_ok());
    assert_eq!(open(&session, absolute), Err(SessionEnd::Absolute.into()));
    assert_eq!(
        session.remaining(at(absolute.cast_signed() - 7)),
        Duration::from_secs(7)
    );
}

#[test]
fn it_is_refreshed_once_a_minute_at_most() {
    let touch = TOUCH_INTERVAL.as_secs().cast_signed();
    assert_eq!(session().refreshed(at(touch - 1)), None);
    assert!(session().refreshed(at(touch)).is_some());
}

#[test]
fn a_clock_set_far_back_does_not_let_it_in() {
    let (key, session) = (key(1), session());
    let back = key.open(key.seal(&session).expose(), &serial("0A"), at(-3600));
    assert_eq!(back, Err(SessionEnd::ClockSetBack.into()));
}

#[test]
fn keys_are_64_hexadecimal_digits() {
    let text = key(1).to_hex();
    assert_eq!(text.expose(), "01".repeat(32));
    assert!(PanelSessionKey::from_hex(&text).is_ok());
    for bad in ["", "01", &"01".repeat(33), &"0g".repeat(32)] {
        assert!(
            PanelSessionKey::from_hex(&Secret::new(bad)).is_err(),
            "{bad}"
        );
    }
    assert_eq!(format!("{:?}", key(1)), "PanelSessionKey(…)");
}

proptest! {
    #[test]
    fn no_text_but_a_sealed_one_opens(text in "\\PC{0,600}", at_octet in 0_usize..200, flip in 1_u8..=255) {
        let (key, session) = (key(1), session());
        prop_assert!(key.open(&text, &serial("0A"), at(0)).is_err());
        let mut octets = key.seal(&session).expose().as_bytes().to_vec();
        let place = at_octet % octets.len();
        octets[place] ^= flip;
        if let Ok(touched) = String::from_utf8(octets) {
            prop_assert!(key.open(&touched, &serial("0A"), at(0)).is_err());
        }
    }
}

fn key(octet: u8) -> PanelSessionKey {
    PanelSessionKey::from_random([octet; 32])
}

fn session() -> PanelSession {
    let seed = TotpSeed::from_random([7; TOTP_SEED_BYTES]);
    let proof = seed.verify(&seed.code_at(at(0)), None, at(0)).unwrap();
    PanelSession::begin(proof, serial("0A"), at(0))
}

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(START + seconds)
}
