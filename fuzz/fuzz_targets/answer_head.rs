//! The head of an answer from a service behind an agent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_edge::gate::ResponseCheck;

fuzz_target!(|octets: &[u8]| {
    let whole = ResponseCheck::default().advance(octets);
    let mut check = ResponseCheck::default();
    let in_pieces = (0..=octets.len())
        .map(|end| check.advance(&octets[..end]))
        .find(|verdict| !matches!(verdict, Ok(None)))
        .unwrap_or(Ok(None));
    // However the head is cut, an end that is found is the same end.
    if let Ok(Some((len, _))) = whole {
        assert!(len <= octets.len());
        assert_eq!(whole, in_pieces);
    }
});
