//! One-time codes: RFC 6238, a window of one step, each step once.
#![allow(clippy::unwrap_used)]

use portlama_auth::{TOTP_SEED_BYTES, TotpCode, TotpError, TotpParseError, TotpSeed};
use portlama_model::{Secret, Timestamp};
use proptest::prelude::*;

fn seed() -> TotpSeed {
    TotpSeed::from_random(*b"12345678901234567890")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn code(text: &str) -> TotpCode {
    text.parse().unwrap()
}

#[test]
fn gives_the_codes_of_rfc_6238_appendix_b() {
    for (seconds, eight_digits) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        assert_eq!(
            seed().code_at(at(seconds)).expose().expose(),
            &eight_digits[2..]
        );
    }
}

#[test]
fn accepts_the_neighbouring_steps_and_no_others() {
    let now = at(1_800_000_015);
    for (steps, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let code = seed().code_at(at(1_800_000_015 + 30 * steps));
        let verdict = seed().verify(&code, None, now);
        assert_eq!(verdict.is_ok(), accepted, "{steps}");
        if let Ok(verified) = verdict {
            assert_eq!(i64::try_from(verified.step()).unwrap(), 60_000_000 + steps);
        }
    }
}

#[test]
fn the_window_follows_the_step_and_not_the_second() {
    let code = seed().code_at(at(1_800_000_000));
    assert!(seed().verify(&code, None, at(1_800_000_059)).is_ok());
    assert_eq!(
        seed().verify(&code, None, at(1_800_000_060)),
        Err(TotpError::Wrong)
    );
    assert!(seed().verify(&code, None, at(1_799_999_970)).is_ok());
    assert_eq!(
        seed().verify(&code, None, at(1_799_999_969)),
        Err(TotpError::Wrong)
    );
}

#[test]
fn accepts_no_step_up_to_the_last_accepted_one() {
    let now = at(1_800_000_000);
    let code = seed().code_at(now);
    let step = seed().verify(&code, None, now).unwrap().step();
    assert_eq!(
        seed().verify(&code, Some(step), now),
        Err(TotpError::Replayed)
    );
    let earlier = seed().code_at(at(1_799_999_970));
    assert_eq!(
        seed().verify(&earlier, Some(step), now),
        Err(TotpError::Replayed)
    );
    let later = seed().code_at(at(1_800_000_030));
    assert_eq!(
        seed().verify(&later, Some(step), now).unwrap().step(),
        step + 1
    );
    assert!(seed().verify(&code, Some(step - 1), now).is_ok());
}

#[test]
fn a_clock_set_back_revives_no_code() {
    let now = at(1_800_000_000);
    let step = seed()
        .verify(&seed().code_at(now), None, now)
        .unwrap()
        .step();
    let earlier = at(1_799_990_000);
    assert_eq!(
        seed().verify(&seed().code_at(earlier), Some(step), earlier),
        Err(TotpError::Replayed)
    );
}

#[test]
fn a_wrong_code_is_wrong_whatever_was_accepted_before() {
    let now = at(1_800_000_000);
    let good = seed().code_at(now).expose().expose().to_owned();
    let last = if good.ends_with('0') { "1" } else { "0" };
    let wrong = code(&format!("{}{last}", &good[..5]));
    for accepted in [None, Some(0), Some(u64::MAX)] {
        assert_eq!(seed().verify(&wrong, accepted, now), Err(TotpError::Wrong));
    }
}

#[test]
fn times_before_1970_are_the_first_step() {
    let long_ago = at(-1_000_000);
    assert_eq!(
        seed()
            .verify(&seed().code_at(long_ago), None, long_ago)
            .unwrap()
            .step(),
        0
    );
}

#[test]
fn a_code_is_exactly_six_ascii_digits() {
    assert!("000000".parse::<TotpCode>().is_ok());
    for bad in [
        "",
        "12345",
        "1234567",
        "12345a",
        " 12345",
        "12345 ",
        "+12345",
        "-12345",
        "１２３４５６",
        "١٢٣٤٥٦",
        "12345\0",
    ] {
        assert_eq!(
            bad.parse::<TotpCode>().map(drop),
            Err(TotpParseError::Code),
            "{bad:?}"
        );
    }
}

#[test]
fn a_seed_reads_as_people_type_it() {
    let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    assert_eq!(seed().to_base32().expose(), text);
    for spelling in [text.to_owned(), text.to_lowercase(), format!("{text}====")] {
        let read = TotpSeed::from_base32(&Secret::new(spelling)).unwrap();
        assert_eq!(read.to_base32().expose(), text);
    }
    for bad in [
        "",
        "MZXW6YTB",
        "GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJQ",
        &"A".repeat(1000),
        "GEZDGNBVGY3TQOJQ GEZDGNBVGY3TQOJQ",
    ] {
        let read = TotpSeed::from_base32(&Secret::new(bad)).map(drop);
        assert_eq!(read, Err(TotpParseError::Seed), "{bad}");
    }
}

#[test]
fn the_uri_is_what_authenticator_apps_read() {
    let user = "mira_2".parse().unwrap();
    assert_eq!(
        seed().uri(&user).expose(),
        "otpauth://totp/Portlama:mira_2?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Portlama&algorithm=SHA1&digits=6&period=30"
    );
}

#[test]
fn debug_hides_seeds_and_codes() {
    let text = format!("{:?} {:?}", seed(), code("123456"));
    assert_eq!(text, "TotpSeed(…) TotpCode(…)");
}

proptest! {
    #[test]
    fn seeds_survive_base32(octets in any::<[u8; TOTP_SEED_BYTES]>()) {
        let text = TotpSeed::from_random(octets).to_base32();
        prop_assert_eq!(text.expose().len(), 32);
        let read = TotpSeed::from_base32(&text).unwrap();
        let again = read.to_base32();
        prop_assert_eq!(again.expose(), text.expose());
        let now = at(1_800_000_000);
        prop_assert!(read.verify(&TotpSeed::from_random(octets).code_at(now), None, now).is_ok());
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in "(?s).{0,200}") {
        let _ = text.parse::<TotpCode>();
        let _ = TotpSeed::from_base32(&Secret::new(text));
    }

    #[test]
    fn any_time_has_a_code_that_verifies(millis in any::<i64>()) {
        let now = Timestamp::from_unix_millis(millis);
        prop_assert!(seed().verify(&seed().code_at(now), None, now).is_ok());
    }
}
