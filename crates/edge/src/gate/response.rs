//! The head of an HTTP/1 response from a service, before any other parser sees it.

use super::field::check_field;
use crate::limits::{MAX_RESPONSE_HEAD_BYTES, MAX_RESPONSE_HEADERS};

/// Why a response cannot be passed on (RFC 9112 §6.3: the connection is closed and the client
/// gets 502).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The status line is not `HTTP/1.x SP status`, or the status is not 100 to 599.
    #[error("the status line of the answer is malformed")]
    StatusLine,
    /// A bare LF or CR ends a line.
    #[error("a line of the answer does not end in CR LF")]
    LineEnd,
    /// A field that is malformed or folded.
    #[error("a header field of the answer is malformed")]
    Field,
    /// The length is invalid, or stated twice.
    #[error("the length of the answer is invalid or stated in two ways")]
    Length,
    /// Longer than [`MAX_RESPONSE_HEAD_BYTES`] or more fields than [`MAX_RESPONSE_HEADERS`].
    #[error("the header fields of the answer are too large")]
    TooLarge,
    /// More than [`MAX_INTERIM_RESPONSES`](crate::limits::MAX_INTERIM_RESPONSES).
    #[error("the service sends interim answers without end")]
    Interim,
}

/// Checks a response head that arrives in pieces.
#[derive(Debug, Default)]
pub struct ResponseCheck {
    scanned: usize,
    line_start: usize,
    status: Option<u16>,
    fields: usize,
    has_length: bool,
    has_coding: bool,
}

impl ResponseCheck {
    /// Looks at `head`, which holds everything since the request, and says where the head ends
    /// and its status once it is complete.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn advance(&mut self, head: &[u8]) -> Result<Option<(usize, u16)>, ResponseError> {
        while let Some(found) = head
            .get(self.scanned..)
            .and_then(|new| memchr::memchr(b'\n', new))
        {
            let end = self.scanned + found;
            let line = head.get(self.line_start..end).unwrap_or_default();
            self.scanned = end + 1;
            self.line_start = self.scanned;
            if self.scanned > MAX_RESPONSE_HEAD_BYTES {
                return Err(ResponseError::TooLarge);
            }
            let line = line.strip_suffix(b"\r").ok_or(ResponseError::LineEnd)?;
            if memchr::memchr(b'\r', line).is_some() {
                return Err(ResponseError::LineEnd);
            }
            match self.status {
                None => self.status = Some(parse_status(line).ok_or(ResponseError::StatusLine)?),
                Some(status) if line.is_empty() => return Ok(Some((self.scanned, status))),
                Some(_) => self.field(line)?,
            }
        }
        self.scanned = head.len();
        if self.scanned > MAX_RESPONSE_HEAD_BYTES {
            return Err(ResponseError::TooLarge);
        }
        Ok(None)
    }

    fn field(&mut self, line: &[u8]) -> Result<(), ResponseError> {
        self.fields += 1;
        if self.fields > MAX_RESPONSE_HEADERS {
            return Err(ResponseError::TooLarge);
        }
        let (name, value) = check_field(line).map_err(|_| ResponseError::Field)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            let number =
                !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit);
            if !number || self.has_length || self.has_coding {
                return Err(ResponseError::Length);
            }
            self.has_length = true;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || self.has_length || self.has_coding {
                return Err(ResponseError::Length);
            }
            self.has_coding = true;
        }
        Ok(())
    }
}

fn parse_status(line: &[u8]) -> Option<u16> {
    let rest = line
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, reason) = rest.split_at_checked(3)?;
    let reason_follows = reason.is_empty() || reason.first() == Some(&b' ');
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    let status = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (reason_follows && (100..600).contains(&status)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str) -> Result<Option<(usize, u16)>, ResponseError> {
        ResponseCheck::default().advance(head.as_bytes())
    }

    #[test]
    fn finds_the_end_of_the_head_and_the_status() {
        assert_eq!(
            verdict("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"),
            Ok(Some((25, 200)))
        );
        assert_eq!(verdict("HTTP/1.0 404\r\n\r\n"), Ok(Some((16, 404))));
        assert_eq!(verdict("HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None));
    }

    #[test]
    fn refuses_responses_that_are_read_in_two_ways() {
        use ResponseError::{Field, Length, LineEnd, StatusLine};
        let ok = "HTTP/1.1 200 OK\r\n";
        let cases = [
            ("HTTP/1.1 200 OK\nA: b\n\n".to_owned(), LineEnd),
            ("HTTP/1.1 999 X\r\n\r\n".to_owned(), StatusLine),
            ("HTTP/2.0 200 OK\r\n\r\n".to_owned(), StatusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), StatusLine),
            ("SSH-2.0-OpenSSH_9\r\n".to_owned(), StatusLine),
            (
                format!("{ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
                Length,
            ),
            (
                format!("{ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
                Length,
            ),
            (
                format!("{ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
                Length,
            ),
            (format!("{ok}Transfer-Encoding: gzip\r\n\r\n"), Length),
            (format!("{ok}Content-Length: 5,5\r\n\r\n"), Length),
            (format!("{ok}A: b\r\n c\r\n\r\n"), Field),
            (format!("{ok}A : b\r\n\r\n"), Field),
        ];
        for (head, error) in cases {
            assert_eq!(verdict(&head), Err(error), "{head:?}");
        }
    }

    #[test]
    fn size_and_count_are_bounded() {
        let long = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(100 * 1024));
        assert_eq!(verdict(&long), Err(ResponseError::TooLarge));
        let many = format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "A: b\r\n".repeat(MAX_RESPONSE_HEADERS + 1)
        );
        assert_eq!(verdict(&many), Err(ResponseError::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = ResponseCheck::default().advance(&octets);
        }
    }
}
