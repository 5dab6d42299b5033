//! The head of an HTTP/1 request, octet by octet before any other parser sees it.

use super::authority::Authority;
use super::error::GateError;
use super::field::{check_field, is_token, list};
use super::target::{Target, check_target};
use crate::limits::{MAX_HEAD_BYTES, MAX_HEADERS, MAX_METHOD_BYTES, MAX_TARGET_BYTES};

/// The method under which the edge learns that its gate refused a request. The gate refuses it
/// from clients.
pub(crate) const REFUSED_METHOD: &str = "PORTLAMA-REFUSED";

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
    get: bool,
    target: Option<Authority>,
    http_1_0: bool,
    fields: usize,
    host: Option<Authority>,
    content_length: Option<u64>,
    chunked: bool,
    connection_upgrade: bool,
    upgrade_websocket: bool,
    upgrades: usize,
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
                return self.finish().map(|facts| Some((self.scanned, facts)));
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
                self.request_line(line)?;
                self.stage = Stage::Fields;
            }
            (Stage::Fields, true) => return Ok(true),
            (Stage::Fields, false) => self.field(line)?,
        }
        Ok(false)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), GateError> {
        let first = memchr::memchr(b' ', line).ok_or(GateError::RequestLine)?;
        let last = memchr::memrchr(b' ', line).ok_or(GateError::RequestLine)?;
        let method = line.get(..first).unwrap_or_default();
        check_method(method)?;
        let version = line.get(last + 1..).unwrap_or_default();
        self.http_1_0 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(GateError::Version);
            }
            _ => return Err(GateError::RequestLine),
        };
        let target = line.get(first + 1..last).ok_or(GateError::RequestLine)?;
        if target.len() > MAX_TARGET_BYTES {
            return Err(GateError::TargetTooLong);
        }
        if let Target::Absolute { authority } = check_target(method, target)? {
            self.target = Some(Authority::parse(authority)?);
        }
        self.get = method == b"GET";
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), GateError> {
        self.fields += 1;
        if self.fields > MAX_HEADERS {
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
            return self.transfer_encoding(value);
        }
        if name.eq_ignore_ascii_case(b"connection") {
            self.connection_upgrade |= list(value).any(|o| o.eq_ignore_ascii_case(b"upgrade"));
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrades += 1;
            self.upgrade_websocket = value.eq_ignore_ascii_case(b"websocket");
        } else if name.eq_ignore_ascii_case(b"expect") {
            // HTTP/1.0 has no expectations: they are ignored (RFC 9110 §10.1.1).
            if !self.http_1_0 && !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(GateError::Expectation);
            }
        } else if is_framing_in_disguise(name) {
            return Err(GateError::Field);
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), GateError> {
        if self.chunked || self.http_1_0 {
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

    fn finish(&self) -> Result<HeadFacts, GateError> {
        let host = self.host.ok_or(GateError::Host)?;
        if self.target.is_some_and(|target| target != host) {
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
            websocket: upgrade && self.get && !self.http_1_0 && framing == Framing::None,
        })
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
        let method = line.split(|b| *b == b' ').next().unwrap_or_default();
        let method = method.strip_suffix(b"\r").unwrap_or(method);
        if method.len() > MAX_METHOD_BYTES {
            return Err(GateError::MethodUnknown);
        }
        if !method.iter().all(|b| is_token(*b)) {
            return Err(GateError::RequestLine);
        }
        if line.len() > MAX_METHOD_BYTES + MAX_TARGET_BYTES + " HTTP/1.1 ".len() {
            return Err(GateError::TargetTooLong);
        }
        Ok(())
    }

    fn too_large(&self) -> GateError {
        match self.stage {
            Stage::Fields => GateError::HeadTooLarge,
            Stage::Start | Stage::AfterEmptyLine => GateError::TargetTooLong,
        }
    }
}

/// Refuses methods that are none, that nobody serves, and that would make a tunnel or an echo.
pub(crate) fn check_method(method: &[u8]) -> Result<(), GateError> {
    match method {
        b"CONNECT" | b"TRACE" | b"TRACK" => Err(GateError::Method),
        _ if method == REFUSED_METHOD.as_bytes() => Err(GateError::MethodUnknown),
        _ if method.is_empty() || !method.iter().all(|b| is_token(*b)) => {
            Err(GateError::RequestLine)
        }
        _ if method.len() > MAX_METHOD_BYTES => Err(GateError::MethodUnknown),
        _ => Ok(()),
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

    fn verdict(head: &str) -> Result<HeadFacts, GateError> {
        check_head(head.as_bytes())
    }

    fn with_fields(fields: &str) -> Result<HeadFacts, GateError> {
        verdict(&format!("POST / HTTP/1.1\r\nHost: a.b\r\n{fields}\r\n"))
    }

    fn with_line(line: &str) -> Result<HeadFacts, GateError> {
        verdict(&format!("{line}\r\nHost: a.b\r\n\r\n"))
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
    fn refuses_other_versions_methods_and_targets() {
        use GateError::{Method, MethodUnknown, RequestLine, Target, Version};
        let cases = [
            ("GET / HTTP/1.2", Version),
            ("GET / HTTP/2.0", Version),
            ("PRI * HTTP/2.0", Version),
            ("GET / HTTP/0.9", Version),
            ("GET / http/1.1", RequestLine),
            ("GET / HTTP/1.1 ", RequestLine),
            ("GET /", RequestLine),
            ("GET", RequestLine),
            ("GET  / HTTP/1.1", Target),
            ("GET /a b HTTP/1.1", Target),
            ("GET /#f HTTP/1.1", Target),
            ("GET * HTTP/1.1", Target),
            ("G(T / HTTP/1.1", RequestLine),
            ("CONNECT a.b:443 HTTP/1.1", Method),
            ("TRACE / HTTP/1.1", Method),
            ("TRACK / HTTP/1.1", Method),
            ("PORTLAMA-REFUSED / HTTP/1.1", MethodUnknown),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", MethodUnknown),
        ];
        for (line, error) in cases {
            assert_eq!(with_line(line), Err(error), "{line}");
        }
        assert!(with_line("PROPFIND / HTTP/1.1").is_ok());
        assert!(with_line("\r\nGET / HTTP/1.1").is_ok());
        assert!(with_line("\r\n\r\nGET / HTTP/1.1").is_err());
    }

    #[test]
    fn every_size_is_bounded() {
        let target = format!("GET /{} HTTP/1.1", "a".repeat(MAX_TARGET_BYTES));
        assert_eq!(with_line(&target), Err(GateError::TargetTooLong));
        let fits = format!("GET /{} HTTP/1.1", "a".repeat(MAX_TARGET_BYTES - 1));
        assert!(with_line(&fits).is_ok());
        let value = format!("A: {}\r\n", "a".repeat(64 * 1024));
        assert_eq!(with_fields(&value), Err(GateError::HeadTooLarge));
        assert_eq!(
            with_fields(&"A: b\r\n".repeat(1000)),
            Err(GateError::HeadTooLarge)
        );
        assert!(with_fields(&"A: b\r\n".repeat(MAX_HEADERS - 1)).is_ok());
        let endless = "G".repeat(64);
        assert_eq!(
            HeadCheck::default().advance(endless.as_bytes()),
            Err(GateError::MethodUnknown)
        );
        let endless = format!("GET /{}", "a".repeat(64 * 1024));
        assert_eq!(
            HeadCheck::default().advance(endless.as_bytes()),
            Err(GateError::TargetTooLong)
        );
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
