//! What is inside a backup, from somebody who knows a recipient: it ends, and what is believed is
//! what a state may hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_backup::{MAX_PLACE_BYTES, Place, check_archive};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(head) = check_archive(bytes) {
        assert!(head.files <= bytes.len() as u64 / 512);
        assert!(head.bytes <= bytes.len() as u64);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(place) = Place::parse(text)
    {
        assert!(place.as_str().len() <= MAX_PLACE_BYTES);
        assert!(place.as_str().split('/').all(|name| !["", ".", ".."].contains(&name)));
        assert!([0o600, 0o644].contains(&place.mode()));
    }
});
