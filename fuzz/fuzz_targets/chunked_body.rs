//! A chunked body of a visitor: it ends at the same octet however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_edge::gate::ChunkScanner;

fuzz_target!(|octets: &[u8]| {
    let mut at_once = ChunkScanner::default();
    let taken = at_once.feed(octets);
    let mut in_pieces = ChunkScanner::default();
    let mut total = 0;
    for octet in octets.chunks(1) {
        match in_pieces.feed(octet) {
            Ok(taken) => total += taken,
            Err(_) => {
                assert!(taken.is_err());
                return;
            }
        }
    }
    assert_eq!(taken, Ok(total));
    assert_eq!(at_once.is_done(), in_pieces.is_done());
});
