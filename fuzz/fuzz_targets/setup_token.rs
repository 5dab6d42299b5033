//! The token that a person pastes into `portlama agent setup`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_model::{EnrollmentToken, SetupToken};

fuzz_target!(|text: &str| {
    if let Ok(token) = text.parse::<SetupToken>() {
        assert_eq!(token.expose().expose(), text.trim());
    }
    if let Ok(token) = text.parse::<EnrollmentToken>() {
        assert_eq!(token.expose(), text);
    }
});
