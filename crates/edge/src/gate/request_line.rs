//! The first line of a request.

use super::authority::Authority;
use super::error::GateError;
use super::field::is_token;
use super::target::{Target, check_target};
use crate::limits::{MAX_METHOD_BYTES, MAX_TARGET_BYTES};

/// The method under which the edge learns that its gate refused a request. The gate refuses it
/// from clients.
pub(crate) const REFUSED_METHOD: &str = "PORTLAMA-REFUSED";

/// What of a request line matters to what follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestLine {
    /// The host in the target, where the target is a whole address.
    pub(super) target: Option<Authority>,
    pub(super) is_get: bool,
    pub(super) is_http_1_0: bool,
}

impl RequestLine {
    /// Checks a line without its end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, GateError> {
        let first = memchr::memchr(b' ', line).ok_or(GateError::RequestLine)?;
        let last = memchr::memrchr(b' ', line).ok_or(GateError::RequestLine)?;
        let method = line.get(..first).unwrap_or_default();
        check_method(method)?;
        let is_http_1_0 = is_http_1_0(line.get(last + 1..).unwrap_or_default())?;
        let target = line.get(first + 1..last).ok_or(GateError::RequestLine)?;
        if target.len() > MAX_TARGET_BYTES {
            return Err(GateError::TargetTooLong);
        }
        let target = match check_target(method, target)? {
            Target::Absolute { authority } => Some(Authority::parse(authority)?),
            _ => None,
        };
        Ok(Self {
            target,
            is_get: method == b"GET",
            is_http_1_0,
        })
    }

    /// Refuses the beginning of a line that cannot become right whatever follows.
    pub(super) fn check_unfinished(line: &[u8]) -> Result<(), GateError> {
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
}

/// Tells the two versions apart that are read here, and other versions from noise.
fn is_http_1_0(version: &[u8]) -> Result<bool, GateError> {
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(GateError::Version)
        }
        _ => Err(GateError::RequestLine),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::check_head;

    fn with_line(line: &str) -> Result<(), GateError> {
        check_head(format!("{line}\r\nHost: a.b\r\n\r\n").as_bytes()).map(drop)
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
    fn a_target_and_a_method_are_bounded() {
        let target = format!("GET /{} HTTP/1.1", "a".repeat(MAX_TARGET_BYTES));
        assert_eq!(with_line(&target), Err(GateError::TargetTooLong));
        let fits = format!("GET /{} HTTP/1.1", "a".repeat(MAX_TARGET_BYTES - 1));
        assert!(with_line(&fits).is_ok());
        let unfinished = |line: String| RequestLine::check_unfinished(line.as_bytes());
        let endless = unfinished("G".repeat(64));
        assert_eq!(endless, Err(GateError::MethodUnknown));
        let endless = unfinished(format!("GET /{}", "a".repeat(64 * 1024)));
        assert_eq!(endless, Err(GateError::TargetTooLong));
    }
}
