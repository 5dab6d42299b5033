//! The headers of every answer.

use std::time::Duration;

use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use portlama_control::rate::Count;

/// Answers that are no pages load nothing and stand in no frame.
const NO_PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Two years (Mozilla Server Side TLS). Without `includeSubDomains`: the hosts below are others'.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Answers are about this moment, and some hold secrets.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Makes an answer safe in a browser. A page has set its own content policy; files of the web
/// panel, which hold nothing of anybody, say themselves how long they may be kept.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(NO_PAGE_POLICY);
    headers.entry(CACHE_CONTROL).or_insert(NOT_KEPT);
}

/// Says how much the client may still ask.
pub(crate) fn count(headers: &mut HeaderMap, count: Count) {
    let limits = [
        ("x-ratelimit-limit", count.limit.into()),
        ("x-ratelimit-remaining", count.remaining.into()),
        ("x-ratelimit-reset", whole_seconds(count.reset)),
    ];
    for (name, value) in limits {
        headers.insert(HeaderName::from_static(name), value.into());
    }
}

/// Seconds, rounded up: whoever waits that long has waited enough.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
