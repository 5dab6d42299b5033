//! Following a chunked body, so that the next request head is looked for where it is.

use super::GateError;
use super::field::check_field;
use crate::limits::{MAX_CHUNK_EXTENSION_BYTES, MAX_TRAILER_BYTES};

/// The most hexadecimal digits of a chunk size: those of 64 bits.
const MAX_SIZE_DIGITS: u8 = 16;

/// Follows one chunked body octet by octet (RFC 9112 §7.1), stricter than the reader behind
/// it: no white space around sizes, no bare LF, bounded extensions and trailers.
#[derive(Debug)]
pub struct ChunkScanner {
    state: State,
    extension_bytes: usize,
    trailer: Vec<u8>,
    trailer_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Size { value: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    Done,
}

const FIRST: State = State::Size {
    value: 0,
    digits: 0,
};

impl Default for ChunkScanner {
    fn default() -> Self {
        Self {
            state: FIRST,
            extension_bytes: 0,
            trailer: Vec::new(),
            trailer_bytes: 0,
        }
    }
}

impl ChunkScanner {
    /// Takes octets and says how many of them belong to the body.
    ///
    /// # Errors
    /// [`GateError::Chunk`].
    pub fn feed(&mut self, octets: &[u8]) -> Result<usize, GateError> {
        let mut at = 0;
        while let Some(octet) = octets.get(at) {
            if let State::Data { left } = self.state {
                let here = octets.len() - at;
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(here);
                let left = left - take as u64;
                self.state = if left == 0 {
                    State::DataCr
                } else {
                    State::Data { left }
                };
                at += take;
                continue;
            }
            if self.is_done() {
                break;
            }
            self.state = self.step(*octet)?;
            at += 1;
        }
        Ok(at)
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn step(&mut self, octet: u8) -> Result<State, GateError> {
        match (self.state, octet) {
            (State::Size { value, digits }, _) if octet.is_ascii_hexdigit() => {
                if digits == MAX_SIZE_DIGITS {
                    return Err(GateError::Chunk);
                }
                let digit = char::from(octet).to_digit(16).unwrap_or(0);
                let value = value.checked_mul(16).ok_or(GateError::Chunk)? | u64::from(digit);
                Ok(State::Size {
                    value,
                    digits: digits + 1,
                })
            }
            (State::Size { digits: 0, .. }, _) => Err(GateError::Chunk),
            (State::Size { value: size, .. }, b'\r') => Ok(State::SizeLf { size }),
            (State::Size { value: size, .. }, b';') => {
                self.count_extension()?;
                Ok(State::Extension { size })
            }
            (State::Extension { size }, b'\r') => Ok(State::SizeLf { size }),
            (State::Extension { .. }, _) if is_text(octet) => {
                self.count_extension()?;
                Ok(self.state)
            }
            (State::SizeLf { size: 0 }, b'\n') => Ok(State::Trailer),
            (State::SizeLf { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(FIRST),
            (State::Trailer, _) => self.step_trailer(octet),
            _ => Err(GateError::Chunk),
        }
    }

    fn step_trailer(&mut self, octet: u8) -> Result<State, GateError> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > MAX_TRAILER_BYTES {
            return Err(GateError::Chunk);
        }
        self.trailer.push(octet);
        if octet != b'\n' {
            return Ok(State::Trailer);
        }
        let line = std::mem::take(&mut self.trailer);
        let line = line.strip_suffix(b"\r\n").ok_or(GateError::Chunk)?;
        if line.is_empty() {
            return Ok(State::Done);
        }
        check_field(line).map_err(|_| GateError::Chunk)?;
        Ok(State::Trailer)
    }

    fn count_extension(&mut self) -> Result<(), GateError> {
        self.extension_bytes += 1;
        if self.extension_bytes > MAX_CHUNK_EXTENSION_BYTES {
            return Err(GateError::Chunk);
        }
        Ok(())
    }
}

fn is_text(octet: u8) -> bool {
    octet == b'\t' || (octet >= b' ' && octet != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(body: &[u8]) -> Result<(usize, bool), GateError> {
        let mut scanner = ChunkScanner::default();
        scanner.feed(body).map(|taken| (taken, scanner.is_done()))
    }

    #[test]
    fn stops_where_the_next_request_begins() {
        let body = b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
        assert_eq!(scan(body), Ok((15, true)));
        let body = b"A;x=y\r\n0123456789\r\n000\r\nT: v\r\n\r\nX";
        assert_eq!(scan(body), Ok((body.len() - 1, true)));
    }

    #[test]
    fn refuses_every_chunk_that_is_read_in_two_ways() {
        let bad: [&[u8]; 18] = [
            b"-1\r\n",
            b"+1\r\n",
            b"0x5\r\nhello",
            b"10000000000000000\r\n",
            b"00000000000000001\r\n",
            b"5\nhello",
            b"5\rhello",
            b" 5\r\n",
            b"5 \r\nhello",
            b"5\r\nhelloX",
            b"5\r\nhello\n",
            b"5\r\nhello\rX",
            b"5;a\nb\r\n",
            b"5;a\0\r\n",
            b"\r\n",
            b"0\r\n\n",
            b"0\r\nA B: c\r\n",
            b"0\r\nT: v\n\r\n",
        ];
        for body in bad {
            assert_eq!(scan(body), Err(GateError::Chunk), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let mut scanner = ChunkScanner::default();
        let chunk = format!("1;{}\r\nx\r\n", "e".repeat(4095));
        for _ in 0..4 {
            assert!(scanner.feed(chunk.as_bytes()).is_ok());
        }
        assert_eq!(scanner.feed(b"1;e"), Err(GateError::Chunk));
        let trailer = format!("0\r\nT: {}\r\n", "t".repeat(MAX_TRAILER_BYTES));
        assert_eq!(scan(trailer.as_bytes()), Err(GateError::Chunk));
    }

    proptest::proptest! {
        #[test]
        fn fragments_do_not_change_the_verdict(
            body in "([0-9a-f]{1,2}(;[a-z]{0,3})?\r\n[a-z\r\n]{0,20}){0,4}(0\r\n\r\n)?",
            cut in 0_usize..40,
        ) {
            let whole = scan(body.as_bytes());
            let mut scanner = ChunkScanner::default();
            let (first, rest) = body.as_bytes().split_at(cut.min(body.len()));
            let parts = scanner.feed(first).and_then(|n| {
                if n < first.len() { return Ok(n); }
                scanner.feed(rest).map(|m| n + m)
            });
            proptest::prop_assert_eq!(whole.map(|(n, _)| n), parts);
        }
    }
}
