//! The head of an HTTP/1 request, octet by octet before any other parser sees it.

use super::error::GateError;
use super::head_fields::{Fields, HeadFacts};
use super::request_line::RequestLine;
use crate::limits::MAX_HEAD_BYTES;

/// Checks a whole request head, from the request line to the empty line.
///
/// # Errors
/// Says which rule is broken; an incomplete head breaks [`GateError::RequestLine`].
pub fn check_head(head: &[u8]) -> Result<HeadFacts, GateError> {
    match HeadCheck::default().advance(head)? {
        Some((len, facts)) if len == head.len() => Ok(facts),
        _ => Err(GateError::RequestLine),
    }
}

/// Checks a request head that arrives in pieces: every complete line as soon as it is there,
/// so that noise is refused at once and no octet is looked at twice.
#[derive(Debug, Default)]
pub struct HeadCheck {
    scanned: usize,
    line_start: usize,
    stage: Stage,
    line: RequestLine,
    fields: Fields,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Before the request line; one empty line is passed over (RFC 9112 §2.2).
    #[default]
    Start,
    AfterEmptyLine,
    Fields,
}

impl HeadCheck {
    /// Looks at `head`, which holds everything since the end of the message before, and says
    /// where the head ends once it does.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn advance(&mut self, head: &[u8]) -> Result<Option<(usize, HeadFacts)>, GateError> {
        while let Some(found) = head
            .get(self.scanned..)
            .and_then(|new| memchr::memchr(b'\n', new))
        {
            let end = self.scanned + found;
            let start = self.line_start;
            self.scanned = end + 1;
            self.line_start = self.scanned;
            if self.scanned > MAX_HEAD_BYTES {
                return Err(self.too_large());
            }
            let line = head.get(start..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(GateError::LineEnd)?;
            if memchr::memchr(b'\r', line).is_some() {
                return Err(GateError::LineEnd);
            }
            if self.take_line(line)? {
                return self
                    .fields
                    .facts(self.line)
                    .map(|facts| Some((self.scanned, facts)));
            }
        }
        self.scanned = head.len();
        self.check_unfinished(head.get(self.line_start..).unwrap_or_default())?;
        Ok(None)
    }

    /// Whether nothing was looked at yet.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.scanned == 0
    }

    /// Returns whether the line was the empty one at the end.
    fn take_line(&mut self, line: &[u8]) -> Result<bool, GateError> {
        match (&self.stage, line.is_empty()) {
            (Stage::Start, true) => self.stage = Stage::AfterEmptyLine,
            (Stage::Start | Stage::AfterEmptyLine, _) => {
                self.line = RequestLine::parse(line)?;
                self.stage = Stage::Fields;
            }
            (Stage::Fields, true) => return Ok(true),
            (Stage::Fields, false) => self.fields.take(line, self.line.is_http_1_0)?,
        }
        Ok(false)
    }

    /// Refuses a line that cannot become right whatever follows.
    fn check_unfinished(&self, line: &[u8]) -> Result<(), GateError> {
        if self.scanned > MAX_HEAD_BYTES {
            return Err(self.too_large());
        }
        let noise = |b: &u8| (*b < b' ' && *b != b'\t' && *b != b'\r') || *b == 0x7f;
        if line.iter().any(noise) {
            return Err(match self.stage {
                Stage::Fields => GateError::Field,
                Stage::Start | Stage::AfterEmptyLine => GateError::RequestLine,
            });
        }
        if self.stage == Stage::Fields {
            return Ok(());
        }
        RequestLine::check_unfinished(line)
    }

    fn too_large(&self) -> GateError {
        match self.stage {
            Stage::Fields => GateError::HeadTooLarge,
            Stage::Start | Stage::AfterEmptyLine => GateError::TargetTooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{MAX_HEADERS, MAX_TARGET_BYTES};

    fn verdict(head: &str) -> Result<HeadFacts, GateError> {
        check_head(head.as_bytes())
    }

    #[test]
    fn refuses_lines_that_end_elsewhere_for_others() {
        use GateError::{Field, LineEnd};
        let cases = [
            ("GET / HTTP/1.1\nHost: a.b\r\n\r\n", LineEnd),
            ("GET / HTTP/1.1\r\nHost: a.b\n\n", LineEnd),
            ("GET / HTTP/1.1\r\nHost: a.b\r\nA: b\rC: d\r\n\r\n", LineEnd),
            ("GET / HTTP/1.1\r\nHost: a.b\r\nA : b\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nHost: a.b\r\n folded\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\n Host: a.b\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nHost: a.b\r\nA\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nHost: a.b\r\n: b\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nHost: a.b\r\nA: \0\r\n\r\n", Field),
        ];
        for (head, error) in cases {
            assert_eq!(verdict(head), Err(error), "{head:?}");
        }
    }

    #[test]
    fn a_head_is_bounded_whether_or_not_it_ends() {
        let with = |fields: &str| verdict(&format!("GET / HTTP/1.1\r\nHost: a.b\r\n{fields}\r\n"));
        let value = format!("A: {}\r\n", "a".repeat(64 * 1024));
        assert_eq!(with(&value), Err(GateError::HeadTooLarge));
        assert_eq!(with(&"A: b\r\n".repeat(1000)), Err(GateError::HeadTooLarge));
        assert!(with(&"A: b\r\n".repeat(MAX_HEADERS - 1)).is_ok());
        let endless = |head: &str| HeadCheck::default().advance(head.as_bytes());
        assert_eq!(endless(&"G".repeat(64)), Err(GateError::MethodUnknown));
        let target = format!("GET /{}", "a".repeat(MAX_TARGET_BYTES + 64));
        assert_eq!(endless(&target), Err(GateError::TargetTooLong));
        let value = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(64 * 1024));
        assert_eq!(endless(&value), Err(GateError::HeadTooLarge));
    }

    #[test]
    fn noise_is_refused_before_a_line_ends() {
        let tls: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00";
        for noise in [
            tls,
            b"\0",
            b"SSH-2.0-OpenSSH\x01",
            b"GET /\0",
            b"\xff\xfe",
            b"{\"a\":1}",
        ] {
            let refused = HeadCheck::default().advance(noise).is_err();
            assert!(refused, "{}", noise.escape_ascii());
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = check_head(&octets);
        }

        #[test]
        fn pieces_do_not_change_the_verdict(
            line in "(GET|POST) /[a-z]{0,5}( |  )HTTP/1.[012]\r\n",
            fields in proptest::collection::vec("(Host|A|Content-Length|Transfer-Encoding): (a\\.b|chunked|[0-9]{1,3})\r?\n", 0..4),
            cut in 0_usize..80,
        ) {
            let head = format!("{line}{}\r\n", fields.concat());
            let whole = HeadCheck::default().advance(head.as_bytes());
            let mut check = HeadCheck::default();
            let first = check.advance(head.as_bytes().get(..cut).unwrap_or(head.as_bytes()));
            let pieces = match first {
                Ok(None) => check.advance(head.as_bytes()),
                done => done,
            };
            proptest::prop_assert_eq!(whole, pieces);
        }
    }
}
