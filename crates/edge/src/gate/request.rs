//! What is checked on every parsed request, whichever version of HTTP brought it.

use http::{HeaderMap, Request, Version, header};

use super::authority::Authority;
use super::error::GateError;
use super::head_fields::is_framing_in_disguise;
use super::request_line::check_method;
use super::target::check_path_and_query;
use crate::limits::{MAX_HEADERS, MAX_TARGET_BYTES};

/// Checks a parsed request and says whom it is addressed to.
///
/// HTTP/1 heads came through [`HeadCheck`](super::HeadCheck) already; for HTTP/2, where there
/// are no octets to look at, this is the gate. Pseudo-fields, connection fields, upper-case
/// names and the agreement of `content-length` with DATA are `h2`'s work (RFC 9113 §8.1.1, §8.2)
/// and are tested from outside.
///
/// # Errors
/// Says which rule is broken.
pub fn check_request<B>(request: &Request<B>) -> Result<Authority, GateError> {
    check_method(request.method().as_str().as_bytes())?;
    let host = single(request.headers(), &header::HOST).map_err(|_| GateError::Host)?;
    let host = host
        .map(|host| Authority::parse(host.as_bytes()))
        .transpose()?;
    let target = request.uri().authority();
    let target = target
        .map(|a| Authority::parse(a.as_str().as_bytes()))
        .transpose()?;
    if request.version() == Version::HTTP_2 {
        check_h2(request)?;
    }
    match (target, host) {
        (Some(target), Some(host)) if target != host => Err(GateError::HostDisagrees),
        (Some(authority), _) | (None, Some(authority)) => Ok(authority),
        (None, None) => Err(GateError::Host),
    }
}

fn check_h2<B>(request: &Request<B>) -> Result<(), GateError> {
    let path = request.uri().path_and_query().map_or("", |p| p.as_str());
    if path.len() > MAX_TARGET_BYTES {
        return Err(GateError::TargetTooLong);
    }
    if request.uri().scheme_str() != Some("https") {
        return Err(GateError::Target);
    }
    let asterisk = path == "*" && request.method() == http::Method::OPTIONS;
    if !asterisk {
        if !path.starts_with('/') {
            return Err(GateError::Target);
        }
        check_path_and_query(path.as_bytes())?;
    }
    let headers = request.headers();
    if headers.len() > MAX_HEADERS {
        return Err(GateError::HeadTooLarge);
    }
    if headers
        .keys()
        .any(|name| is_framing_in_disguise(name.as_str().as_bytes()) && name.as_str().contains('_'))
    {
        return Err(GateError::Field);
    }
    let connection_field = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if connection_field
        .iter()
        .any(|name| headers.contains_key(name))
    {
        return Err(GateError::Malformed);
    }
    let length = single(headers, &header::CONTENT_LENGTH).map_err(|_| GateError::ContentLength)?;
    if length.is_some_and(|l| l.is_empty() || !l.as_bytes().iter().all(u8::is_ascii_digit)) {
        return Err(GateError::ContentLength);
    }
    let expect = single(headers, &header::EXPECT).map_err(|_| GateError::Expectation)?;
    if expect.is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(GateError::Expectation);
    }
    Ok(())
}

/// The only value of a field, or nothing.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> Result<Option<&'a http::HeaderValue>, Doubled> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Doubled),
    }
}

struct Doubled;

#[cfg(test)]
mod tests {
    use super::*;

    fn h2(uri: &str) -> http::request::Builder {
        Request::builder().version(Version::HTTP_2).uri(uri)
    }

    fn verdict(request: http::request::Builder) -> Result<Authority, GateError> {
        check_request(&request.body(()).expect("a request"))
    }

    #[test]
    fn authority_and_host_must_agree() {
        assert!(verdict(h2("https://a.b/x")).is_ok());
        assert!(verdict(h2("https://a.b/x").header("host", "A.b")).is_ok());
        let other = verdict(h2("https://a.b/x").header("host", "c.d"));
        assert_eq!(other, Err(GateError::HostDisagrees));
        let twice = verdict(
            h2("https://a.b/x")
                .header("host", "a.b")
                .header("host", "a.b"),
        );
        assert_eq!(twice, Err(GateError::Host));
        assert_eq!(verdict(h2("https://u@a.b/x")), Err(GateError::Host));
    }

    #[test]
    fn what_http_1_is_refused_for_http_2_is_refused_for() {
        let cases = [
            (h2("https://a.b/").method("TRACE"), GateError::Method),
            (h2("https://a.b/").method("CONNECT"), GateError::Method),
            (
                h2("https://a.b/").method("PORTLAMA-REFUSED"),
                GateError::MethodUnknown,
            ),
            (h2("http://a.b/"), GateError::Target),
            (h2("https://a.b/%00"), GateError::Target),
            (
                h2("https://a.b/").header("connection", "x"),
                GateError::Malformed,
            ),
            (
                h2("https://a.b/").header("transfer-encoding", "chunked"),
                GateError::Malformed,
            ),
            (
                h2("https://a.b/").header("content-length", "+5"),
                GateError::ContentLength,
            ),
            (
                h2("https://a.b/").header("content_length", "5"),
                GateError::Field,
            ),
            (
                h2("https://a.b/").header("expect", "x"),
                GateError::Expectation,
            ),
        ];
        for (request, error) in cases {
            let shown = format!("{request:?}");
            assert_eq!(verdict(request), Err(error), "{shown}");
        }
    }
}
