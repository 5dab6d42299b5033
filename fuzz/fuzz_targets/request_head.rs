//! The head of a visitor's request: the verdict does not depend on how it arrives, and what
//! passes is read the same way by another parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_edge::gate::{HeadCheck, check_head};

fuzz_target!(|octets: &[u8]| {
    let whole = HeadCheck::default().advance(octets);
    let mut check = HeadCheck::default();
    let in_pieces = (0..=octets.len())
        .map(|end| check.advance(&octets[..end]))
        .find(|verdict| !matches!(verdict, Ok(None)))
        .unwrap_or(Ok(None));
    let Ok(Some((len, facts))) = whole else {
        return;
    };
    assert_eq!(whole, in_pieces);
    assert_eq!(check_head(&octets[..len]), Ok(facts));

    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(&octets[..len]).expect("a head that passed is one to others, too");
    assert_eq!(parsed, httparse::Status::Complete(len));
    let hosts = request.headers.iter().filter(|f| f.name.eq_ignore_ascii_case("host"));
    assert_eq!(hosts.count(), 1);
});
