//! Compressed forms of files: which a client takes, and making gzip.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};

/// How a file is coded on its way (RFC 9110 §8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// The name in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The extension of a file that is coded so already, and the mark of its entity tag.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }
}

/// The codings that a client takes, the best first; empty when it wants the file as it is.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<Coding> {
    let mut weights = Weights::default();
    for value in headers.get_all(ACCEPT_ENCODING) {
        for member in value.as_bytes().split(|b| *b == b',') {
            weights.note(member);
        }
    }
    let identity = weights.identity.unwrap_or(0);
    let mut codings: Vec<_> = [
        (Coding::Brotli, weights.brotli),
        (Coding::Gzip, weights.gzip),
    ]
    .into_iter()
    .map(|(coding, weight)| (coding, weight.or(weights.any).unwrap_or(0)))
    .filter(|(_, weight)| *weight > 0 && *weight >= identity)
    .collect();
    codings.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    codings.into_iter().map(|(coding, _)| coding).collect()
}

/// Thousandths, where they are said.
#[derive(Default)]
struct Weights {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Weights {
    fn note(&mut self, member: &[u8]) {
        let mut pieces = member.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let name = pieces.next().unwrap_or_default();
        let weight = pieces
            .find_map(|piece| piece.strip_prefix(b"q=").or(piece.strip_prefix(b"Q=")))
            .map_or(1000, thousandths);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("br") {
            self.brotli = Some(weight);
        } else if is("gzip") || is("x-gzip") {
            self.gzip = Some(weight);
        } else if is("identity") {
            self.identity = Some(weight);
        } else if is("*") {
            self.any = Some(weight);
        }
    }
}

/// RFC 9110 §12.4.2; what is no weight is 0, as nobody is helped by a form they may not read.
fn thousandths(text: &[u8]) -> u16 {
    let (whole, decimals) = match text.split_first() {
        Some((whole, [])) => (whole, &[][..]),
        Some((whole, [b'.', decimals @ ..])) if decimals.len() <= 3 => (whole, decimals),
        _ => return 0,
    };
    if !decimals.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    match whole {
        b'1' => 1000,
        b'0' => {
            let digit = |at| decimals.get(at).map_or(0, |d| u16::from(d - b'0'));
            digit(0) * 100 + digit(1) * 10 + digit(2)
        }
        _ => 0,
    }
}

/// Compresses octets. The header holds no time and no name, so that the same file becomes the
/// same octets each time, as its entity tag promises.
///
/// # Errors
/// Only with an operating system out of memory.
pub(crate) fn gzip(octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(octets.len() / 3), Compression::new(6));
    encoder.write_all(octets)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_form_that_the_client_takes_comes_first() {
        use Coding::{Brotli, Gzip};
        let cases: &[(&str, &[Coding])] = &[
            ("", &[]),
            ("gzip", &[Gzip]),
            ("GZIP", &[Gzip]),
            ("gzip, deflate, br", &[Brotli, Gzip]),
            ("gzip;q=1.0, br;q=0.5", &[Gzip, Brotli]),
            ("*", &[Brotli, Gzip]),
            ("*, gzip;q=0", &[Brotli]),
            ("gzip;q=0", &[]),
            ("gzip;q=0.000", &[]),
            ("gzip;q=0.001", &[Gzip]),
            ("gzip;q=2", &[]),
            ("gzip;q=0.1234", &[]),
            ("gzip;q=", &[]),
            ("identity, gzip;q=0.5", &[]),
            ("identity;q=0.5, gzip;q=0.5", &[Gzip]),
            ("deflate, zstd", &[]),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().expect("a value"));
            assert_eq!(accepted(&headers), *expected, "{value}");
        }
        assert_eq!(accepted(&HeaderMap::new()), []);
    }

    #[test]
    fn the_same_octets_become_the_same_gzip() {
        let text = b"all work and no play ".repeat(100);
        let first = gzip(&text).expect("memory");
        assert_eq!(first, gzip(&text).expect("memory"));
        assert!(first.len() < text.len() / 5);
        let mut back = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(first.as_slice());
        io::Read::read_to_end(&mut decoder, &mut back).expect("gzip");
        assert_eq!(back, text);
    }
}
