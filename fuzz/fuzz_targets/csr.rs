//! A certificate request, as a stranger with a token sends it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_pki::{MAX_CSR_CHARACTERS, ParsedRequest};

fuzz_target!(|text: &str| {
    if ParsedRequest::parse(text).is_ok() {
        assert!(text.len() <= MAX_CSR_CHARACTERS);
    }
});
