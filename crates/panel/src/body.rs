//! Reading a JSON body: bounded in size, time and depth, without guesses.

use std::time::Duration;

use axum::extract::Request;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use crate::refusal::Refusal;
use crate::strict_json;

/// The largest JSON body, octets. The largest real one, a certificate request, has about 2 KiB.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
/// How long a client may take to send a JSON body: 1 MiB at 35 kB/s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body as one JSON document.
pub(crate) async fn read_json(request: Request) -> Result<Value, Refusal> {
    read_optional_json(request)
        .await?
        .ok_or_else(|| Refusal::Malformed(EMPTY.to_owned()))
}

/// Reads a body as one JSON document; `None` when there is none and none was announced.
pub(crate) async fn read_optional_json(request: Request) -> Result<Option<Value>, Refusal> {
    let (parts, body) = request.into_parts();
    let is_json = is_json(&parts.headers)?;
    if declared_length(&parts.headers).is_some_and(|length| length > MAX_JSON_BYTES as u64) {
        return Err(Refusal::TooLarge);
    }
    let bytes = collect(body).await?;
    match (bytes.is_empty(), is_json) {
        (true, false) => Ok(None),
        (true, true) => Err(Refusal::Malformed(EMPTY.to_owned())),
        (false, false) => Err(Refusal::UnsupportedMediaType),
        (false, true) => strict_json::parse(&bytes)
            .map(Some)
            .map_err(|error| Refusal::Malformed(error.to_string())),
    }
}

const EMPTY: &str = "the body is empty";

async fn collect(body: axum::body::Body) -> Result<Bytes, Refusal> {
    let reading = Limited::new(body, MAX_JSON_BYTES).collect();
    match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if is_too_large(&*error) => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::Malformed("the body ended early".to_owned())),
        Err(_) => Err(Refusal::SlowBody),
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_too_large)
}

/// Whether the body is declared as JSON; `false` when nothing is declared.
///
/// Forms and plain text are what a foreign page can make a browser send without asking, so
/// nothing but `application/json` is read, and nothing compressed.
fn is_json(headers: &HeaderMap) -> Result<bool, Refusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let Some(declared) = types.next() else {
        return Ok(false);
    };
    match (declared.to_str(), types.next()) {
        (Ok(text), None) if means_json(text) => Ok(true),
        _ => Err(Refusal::UnsupportedMediaType),
    }
}

/// `application/json`, alone or with `charset=utf-8` (RFC 8259 §8.1 knows no other).
fn means_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is = |part: Option<&str>, word: &str| part.is_some_and(|p| p.eq_ignore_ascii_case(word));
    is(parts.next(), "application/json")
        && parts.all(|part| is(Some(part), "charset=utf-8") || is(Some(part), "charset=\"utf-8\""))
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf_8_json_is_json() {
        for yes in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(means_json(yes), "{yes}");
        }
        for no in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "text/plain, application/json",
            "application/json; boundary=x",
        ] {
            assert!(!means_json(no), "{no}");
        }
    }
}
