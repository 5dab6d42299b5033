//! Passwords: compared whole, hashed with bounds, and with equal work for nobody.
#![allow(clippy::unwrap_used)]

use portlama_auth::{
    BCRYPT_COST, BcryptCost, MAX_ARGON2_MEMORY_KIB, MAX_BCRYPT_COST, MAX_PASSWORD_BYTES, Password,
    PasswordError, PasswordHash, PasswordHashError, WrongPassword, verify_password,
};
use portlama_model::{Secret, Username};
use proptest::prelude::*;

/// An argon2id text whose hash was cut off.
const CUT_ARGON2ID: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn user() -> Username {
    "mira".parse().unwrap()
}

fn cheap(password: &str) -> PasswordHash {
    PasswordHash::of(
        &Password::parse(&secret(password)).unwrap(),
        BcryptCost::MIN,
        [7; 16],
    )
}

fn accepts(hash: &PasswordHash, typed: &str) -> bool {
    verify_password(Some((&user(), hash)), &secret(typed)).is_ok()
}

fn argon2id(password: &str) -> PasswordHash {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(64, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::from(params);
    let text = argon2
        .hash_password_with_salt(password.as_bytes(), b"somesaltsomesalt")
        .unwrap();
    PasswordHash::parse(&secret(&text.to_string())).unwrap()
}

#[test]
fn a_password_has_8_characters_to_72_bytes_and_no_nul() {
    let parse = |text: &str| Password::parse(&secret(text)).map(drop);
    assert_eq!(parse("1234567"), Err(PasswordError::TooShort));
    assert_eq!(parse("12345678"), Ok(()));
    assert_eq!(parse("ünïcödé!"), Ok(()));
    assert_eq!(parse(&"x".repeat(72)), Ok(()));
    assert_eq!(parse(&"x".repeat(73)), Err(PasswordError::TooLong));
    assert_eq!(parse(&"ü".repeat(36)), Ok(()));
    assert_eq!(parse(&"ü".repeat(37)), Err(PasswordError::TooLong));
    assert_eq!(parse("1234567\0"), Err(PasswordError::Nul));
}

#[test]
fn the_right_password_names_its_user_and_no_other_passes() {
    let hash = cheap("correct horse");
    let verified = verify_password(Some((&user(), &hash)), &secret("correct horse")).unwrap();
    assert_eq!(verified.username(), &user());
    for wrong in [
        "",
        "correct hors",
        "correct horse ",
        "Correct horse",
        "correct horse\0",
    ] {
        assert!(!accepts(&hash, wrong), "{wrong:?}");
    }
}

#[test]
fn compares_72_bytes_and_refuses_more_than_it_compares() {
    let longest = "x".repeat(MAX_PASSWORD_BYTES);
    let hash = cheap(&longest);
    assert!(accepts(&hash, &longest));
    assert!(!accepts(&hash, &longest[1..]));
    assert!(!accepts(&hash, &format!("{}y", &longest[1..])));
    assert!(!accepts(&hash, &format!("{longest}x")));
    assert!(!accepts(&hash, &"x".repeat(1_000_000)));
}

#[test]
fn refuses_texts_that_bcrypt_alone_would_take_for_the_password() {
    // bcrypt repeats the password with its final NUL until 72 bytes are full.
    let hash = cheap("correct horse");
    let twin = "correct horse\0correct horse";
    assert!(bcrypt::verify(twin, hash.expose().expose()).unwrap());
    assert!(!accepts(&hash, twin));
}

#[test]
fn an_unknown_user_costs_a_hash_and_so_does_a_text_too_long_for_bcrypt() {
    let password = Password::parse(&secret("correct horse")).unwrap();
    let hash = PasswordHash::of(&password, BCRYPT_COST, [7; 16]);
    let (user, long) = (user(), "x".repeat(100_000));
    let known = Some((&user, &hash));
    let tries = [
        (known, "wrong password"),
        (known, &*long),
        (None, "wrong password"),
        (None, &*long),
    ];
    let mut fastest = [std::time::Duration::MAX; 4];
    // In turns, so that whatever else the machine does meets all four alike.
    for _ in 0..3 {
        for ((account, typed), fastest) in tries.into_iter().zip(&mut fastest) {
            let begin = std::time::Instant::now();
            assert_eq!(
                verify_password(account, &secret(typed)).map(drop),
                Err(WrongPassword)
            );
            *fastest = begin.elapsed().min(*fastest);
        }
    }
    // Without the hash it would be a thousandth.
    assert!(
        fastest.iter().all(|time| *time > fastest[0] / 4),
        "{fastest:?}"
    );
}

#[test]
fn accepts_the_three_names_of_bcrypt_and_their_lower_costs() {
    let text = cheap("correct horse").expose().expose().to_owned();
    for version in ["$2a$", "$2b$", "$2y$"] {
        let hash = PasswordHash::parse(&secret(&text.replace("$2b$", version))).unwrap();
        assert!(accepts(&hash, "correct horse"), "{version}");
        assert!(hash.is_outdated());
    }
}

#[test]
fn a_hash_of_today_needs_no_upgrade() {
    let hash = PasswordHash::of(
        &Password::parse(&secret("correct horse")).unwrap(),
        BCRYPT_COST,
        [7; 16],
    );
    assert!(hash.expose().expose().starts_with("$2b$12$"));
    assert!(!hash.is_outdated());
    let verified = verify_password(Some((&user(), &hash)), &secret("correct horse")).unwrap();
    assert!(verified.upgrade().is_none());
}

#[test]
fn an_argon2id_hash_verifies_and_becomes_bcrypt() {
    let hash = argon2id("correct horse");
    assert!(hash.needs_memory());
    assert!(!accepts(&hash, "wrong password"));
    let verified = verify_password(Some((&user(), &hash)), &secret("correct horse")).unwrap();
    let upgraded = PasswordHash::of(verified.upgrade().unwrap(), BcryptCost::MIN, [7; 16]);
    assert!(accepts(&upgraded, "correct horse"));
}

#[test]
fn an_adopted_password_too_long_for_bcrypt_stays_argon2id() {
    let long = "x".repeat(100);
    let hash = argon2id(&long);
    let verified = verify_password(Some((&user(), &hash)), &secret(&long)).unwrap();
    assert!(verified.upgrade().is_none());
    assert!(!accepts(&hash, &long[1..]));
}

#[test]
fn refuses_hashes_that_are_unknown_damaged_or_too_costly() {
    let parse = |text: &str| PasswordHash::parse(&secret(text)).map(drop);
    let bcrypt = cheap("correct horse").expose().expose().to_owned();
    let argon2 = argon2id("correct horse").expose().expose().to_owned();
    for unknown in [
        "",
        "plain",
        "$1$abc",
        "$2x$04$",
        "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
    ] {
        assert_eq!(parse(unknown), Err(PasswordHashError::Unknown), "{unknown}");
    }
    for damaged in [
        &bcrypt[..59],
        &format!("{bcrypt}x"),
        CUT_ARGON2ID,
        "$argon2id$",
    ] {
        assert_eq!(
            parse(damaged),
            Err(PasswordHashError::Malformed),
            "{damaged}"
        );
    }
    let costs = |cost: u32| parse(&bcrypt.replace("$04$", &format!("${cost:02}$")));
    assert_eq!(costs(MAX_BCRYPT_COST), Ok(()));
    assert_eq!(
        costs(MAX_BCRYPT_COST + 1),
        Err(PasswordHashError::TooCostly)
    );
    assert_eq!(costs(31), Err(PasswordHashError::TooCostly));
    let memory = |kib: u32| parse(&argon2.replace("m=64", &format!("m={kib}")));
    assert_eq!(memory(MAX_ARGON2_MEMORY_KIB), Ok(()));
    assert_eq!(
        memory(MAX_ARGON2_MEMORY_KIB + 1),
        Err(PasswordHashError::TooCostly)
    );
    assert_eq!(
        parse(&argon2.replace("t=1", "t=17")),
        Err(PasswordHashError::TooCostly)
    );
}

#[test]
fn debug_hides_passwords_and_hashes() {
    let password = Password::parse(&secret("correct horse")).unwrap();
    let hash = cheap("correct horse");
    let verified = verify_password(Some((&user(), &hash)), &secret("correct horse")).unwrap();
    let text = format!("{password:?} {hash:?} {verified:?}");
    assert!(!text.contains("correct"), "{text}");
    assert!(!text.contains("$2b$"), "{text}");
}

proptest! {
    #[test]
    fn any_text_is_parsed_as_a_hash_without_panic(
        prefix in prop_oneof![Just(""), Just("$2b$"), Just("$2b$12$"), Just("$argon2id$v=19$m=64,t=1,p=1$")],
        rest in "(?s).{0,80}",
    ) {
        let _ = PasswordHash::parse(&secret(&format!("{prefix}{rest}")));
    }

    #[test]
    fn only_the_same_text_is_the_password(password in "[ -~äß€]{8,20}", other in "[ -~äß€]{0,20}") {
        let hash = cheap(&password);
        prop_assert!(accepts(&hash, &password));
        prop_assert_eq!(accepts(&hash, &other), password == other);
    }
}
