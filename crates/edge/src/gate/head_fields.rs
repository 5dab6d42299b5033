//! What the fields of a request say about its body and its connection.

use super::authority::Authority;
use super::error::GateError;
use super::field::{check_field, list};
use super::request_line::RequestLine;
use crate::limits::MAX_HEADERS;

/// How the body of a message is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// No body.
    None,
    /// So many octets; more than none.
    Length(u64),
    /// Chunked.
    Chunked,
}

/// What of a checked head matters to whoever follows the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadFacts {
    /// Where the next head begins.
    pub framing: Framing,
    /// Whether the client asks to become a WebSocket.
    pub websocket: bool,
}

/// What the fields seen so far say.
#[derive(Debug, Default)]
pub(super) struct Fields {
    count: usize,
    host: Option<Authority>,
    content_length: Option<u64>,
    chunked: bool,
    connection_upgrade: bool,
    upgrade_websocket: bool,
    upgrades: usize,
}

impl Fields {
    /// Checks one line without its end.
    pub(super) fn take(&mut self, line: &[u8], is_http_1_0: bool) -> Result<(), GateError> {
        self.count += 1;
        if self.count > MAX_HEADERS {
            return Err(GateError::HeadTooLarge);
        }
        let (name, value) = check_field(line)?;
        if name.eq_ignore_ascii_case(b"host") {
            return match self.host.replace(Authority::parse(value)?) {
                None => Ok(()),
                Some(_) => Err(GateError::Host),
            };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = parse_length(value)?;
            return match self.content_length.replace(length) {
                None => Ok(()),
                Some(_) => Err(GateError::ContentLength),
            };
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return self.transfer_encoding(value, is_http_1_0);
        }
        if name.eq_ignore_ascii_case(b"connection") {
            self.connection_upgrade |= list(value).any(|o| o.eq_ignore_ascii_case(b"upgrade"));
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrades += 1;
            self.upgrade_websocket = value.eq_ignore_ascii_case(b"websocket");
        } else if name.eq_ignore_ascii_case(b"expect") {
            // HTTP/1.0 has no expectations: they are ignored (RFC 9110 §10.1.1).
            if !is_http_1_0 && !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(GateError::Expectation);
            }
        } else if is_framing_in_disguise(name) {
            return Err(GateError::Field);
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8], is_http_1_0: bool) -> Result<(), GateError> {
        if self.chunked || is_http_1_0 {
            return Err(GateError::TransferEncoding);
        }
        self.chunked = true;
        if value.eq_ignore_ascii_case(b"chunked") {
            return Ok(());
        }
        let last = list(value).last().unwrap_or_default();
        if value.contains(&b',') && last.eq_ignore_ascii_case(b"chunked") {
            return Err(GateError::TransferCodingUnknown);
        }
        Err(GateError::TransferEncoding)
    }

    /// What all of them say together, below this request line.
    pub(super) fn facts(&self, line: RequestLine) -> Result<HeadFacts, GateError> {
        let host = self.host.ok_or(GateError::Host)?;
        if line.target.is_some_and(|target| target != host) {
            return Err(GateError::HostDisagrees);
        }
        let framing = match (self.content_length, self.chunked) {
            (Some(_), true) => return Err(GateError::LengthTwice),
            (None, true) => Framing::Chunked,
            (None | Some(0), false) => Framing::None,
            (Some(length), false) => Framing::Length(length),
        };
        let upgrade = self.connection_upgrade && self.upgrade_websocket && self.upgrades == 1;
        Ok(HeadFacts {
            framing,
            websocket: upgrade && line.is_get && !line.is_http_1_0 && framing == Framing::None,
        })
    }
}

/// Digits and nothing else; 19 of them fit 64 bits.
fn parse_length(value: &[u8]) -> Result<u64, GateError> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(GateError::ContentLength);
    }
    let digits = value.iter().map(|b| u64::from(b - b'0'));
    Ok(digits.fold(0, |sum, digit| sum * 10 + digit))
}

/// Gateways that turn `-` into `_` (CGI, WSGI) would take these for the real ones.
pub(crate) fn is_framing_in_disguise(name: &[u8]) -> bool {
    let spelled = |real: &[u8]| {
        name.len() == real.len()
            && name
                .iter()
                .zip(real)
                .all(|(a, b)| a.eq_ignore_ascii_case(b) || (*a == b'_' && *b == b'-'))
    };
    spelled(b"content-length") || spelled(b"transfer-encoding")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::check_head;

    fn verdict(head: &str) -> Result<HeadFacts, GateError> {
        check_head(head.as_bytes())
    }

    fn with_fields(fields: &str) -> Result<HeadFacts, GateError> {
        verdict(&format!("POST / HTTP/1.1\r\nHost: a.b\r\n{fields}\r\n"))
    }

    #[test]
    fn says_how_the_body_is_delimited() {
        let framing = |fields: &str| with_fields(fields).map(|f| f.framing);
        assert_eq!(framing(""), Ok(Framing::None));
        assert_eq!(framing("Content-Length: 0\r\n"), Ok(Framing::None));
        assert_eq!(framing("content-length:\t17 \r\n"), Ok(Framing::Length(17)));
        assert_eq!(
            framing("TRANSFER-encoding: Chunked\r\n"),
            Ok(Framing::Chunked)
        );
    }

    #[test]
    fn refuses_length_stated_in_two_ways() {
        use GateError::{ContentLength, LengthTwice, TransferEncoding};
        let cases = [
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                LengthTwice,
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                LengthTwice,
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
                LengthTwice,
            ),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", ContentLength),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", ContentLength),
            ("Content-Length: 5, 5\r\n", ContentLength),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                TransferEncoding,
            ),
            ("Content_Length: 5\r\n", GateError::Field),
            ("transfer_encoding: chunked\r\n", GateError::Field),
        ];
        for (fields, error) in cases {
            assert_eq!(with_fields(fields), Err(error), "{fields}");
        }
    }

    #[test]
    fn refuses_lengths_that_are_no_plain_number() {
        for bad in [
            "+5",
            "-1",
            "0x5",
            "1 0",
            "",
            "12345678901234567890123",
            "5;",
            "٥",
        ] {
            let verdict = with_fields(&format!("Content-Length: {bad}\r\n"));
            assert_eq!(verdict, Err(GateError::ContentLength), "{bad}");
        }
    }

    #[test]
    fn refuses_other_transfer_codings() {
        for (bad, error) in [
            ("gzip", GateError::TransferEncoding),
            ("identity", GateError::TransferEncoding),
            ("chunked, identity", GateError::TransferEncoding),
            ("xchunked", GateError::TransferEncoding),
            ("", GateError::TransferEncoding),
            ("gzip, chunked", GateError::TransferCodingUnknown),
        ] {
            let verdict = with_fields(&format!("Transfer-Encoding: {bad}\r\n"));
            assert_eq!(verdict, Err(error), "{bad}");
        }
        let old = "POST / HTTP/1.0\r\nHost: a.b\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(verdict(old), Err(GateError::TransferEncoding));
    }

    #[test]
    fn demands_exactly_one_host() {
        for bad in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.b\r\nHost: a.b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            assert_eq!(verdict(bad), Err(GateError::Host), "{bad}");
        }
        let other = "GET https://c.d/ HTTP/1.1\r\nHost: a.b\r\n\r\n";
        assert_eq!(verdict(other), Err(GateError::HostDisagrees));
        assert!(verdict("GET https://A.b/ HTTP/1.1\r\nHost: a.B\r\n\r\n").is_ok());
    }

    #[test]
    fn a_websocket_is_asked_for_by_get_with_both_fields() {
        let asks = |head: &str| verdict(head).map(|f| f.websocket);
        let good = "GET / HTTP/1.1\r\nHost: a.b\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
        assert_eq!(asks(good), Ok(true));
        assert_eq!(asks(&good.replace("GET", "POST")), Ok(false));
        assert_eq!(asks(&good.replace("WebSocket", "h2c")), Ok(false));
        assert_eq!(asks(&good.replace(", Upgrade", "")), Ok(false));
    }

    #[test]
    fn unknown_expectations_fail() {
        assert!(with_fields("Expect: 100-Continue\r\n").is_ok());
        assert_eq!(
            with_fields("Expect: 200-ok\r\n"),
            Err(GateError::Expectation)
        );
    }

    #[test]
    fn fields_are_counted() {
        let many = |count: usize| with_fields(&"A: b\r\n".repeat(count));
        assert!(many(MAX_HEADERS - 1).is_ok());
        assert_eq!(many(MAX_HEADERS), Err(GateError::HeadTooLarge));
    }
}
