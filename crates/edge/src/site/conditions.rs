//! Conditional requests (RFC 9110 §13): does the client have it already?

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderMap, HeaderName};

/// The latest second that a date of HTTP can say: the end of the year 9999.
const LAST_HTTP_SECOND: u64 = 253_402_300_799;

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version<'a> {
    /// The strong entity tag, with its quotes.
    pub(crate) etag: &'a str,
    /// Seconds since 1970.
    pub(crate) modified: u64,
    /// The present, in seconds since 1970.
    pub(crate) now: u64,
}

/// What a request's conditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There are none, or they hold.
    Serve,
    /// The client has it (304).
    NotModified,
    /// The client meant another version (412).
    Failed,
}

/// Judges the conditions in the order of RFC 9110 §13.2.2.
pub(crate) fn judge(headers: &HeaderMap, version: Version<'_>) -> Outcome {
    let meant = match values(headers, &header::IF_MATCH) {
        Some(tags) => is_among(version.etag, &tags, Comparison::Strong),
        None => date(headers, &header::IF_UNMODIFIED_SINCE)
            .is_none_or(|since| version.modified <= since),
    };
    if !meant {
        return Outcome::Failed;
    }
    let has = match values(headers, &header::IF_NONE_MATCH) {
        Some(tags) => is_among(version.etag, &tags, Comparison::Weak),
        None => {
            date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|since| version.modified <= since)
        }
    };
    if has {
        Outcome::NotModified
    } else {
        Outcome::Serve
    }
}

/// Whether a range may be cut from this version (RFC 9110 §13.1.5): the client names its tag,
/// or its date, where that date is old enough to name one version only.
pub(crate) fn may_cut(headers: &HeaderMap, version: Version<'_>) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else {
        return true;
    };
    if headers.get_all(header::IF_RANGE).iter().count() > 1 {
        return false;
    }
    let text = value.as_bytes().trim_ascii();
    if text.starts_with(b"\"") || text.starts_with(b"W/") {
        return text == version.etag.as_bytes();
    }
    seconds(text).is_some_and(|date| date == version.modified && date < version.now)
}

/// `Last-Modified` of a version.
pub(crate) fn http_date(seconds: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_HTTP_SECOND));
    httpdate::fmt_http_date(at)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags, or `*`, holds `etag`. What is malformed holds nothing from
/// there on.
fn is_among(etag: &str, lists: &[&[u8]], comparison: Comparison) -> bool {
    lists.iter().any(|list| {
        if list.trim_ascii() == b"*" {
            return true;
        }
        let mut rest = *list;
        while let Some((is_weak, tag, after)) = next_tag(rest) {
            let counts = !is_weak || comparison == Comparison::Weak;
            if counts && tag == etag.as_bytes() {
                return true;
            }
            rest = after;
        }
        false
    })
}

/// The first tag of a list, with its quotes, and the rest.
fn next_tag(list: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let start = list
        .iter()
        .position(|b| !matches!(b, b' ' | b'\t' | b','))?;
    let list = list.get(start..)?;
    let (is_weak, quoted) = match list.strip_prefix(b"W/") {
        Some(rest) => (true, rest),
        None => (false, list),
    };
    let inner = quoted.strip_prefix(b"\"")?;
    let end = inner.iter().position(|b| *b == b'"')?;
    Some((is_weak, quoted.get(..end + 2)?, quoted.get(end + 2..)?))
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a [u8]>> {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| v.as_bytes()).collect();
    (!values.is_empty()).then_some(values)
}

/// A date that is said once and is one; anything else is as if it were not there.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    seconds(value.as_bytes())
}

fn seconds(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let at: SystemTime = httpdate::parse_http_date(text).ok()?;
    at.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: Version<'_> = Version {
        etag: "\"abc\"",
        modified: 784_111_777,
        now: 784_200_000,
    };
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn tags_go_before_dates() {
        use Outcome::{Failed, NotModified, Serve};
        let cases: &[(&[(&str, &str)], Outcome)] = &[
            (&[], Serve),
            (&[("if-none-match", "\"abc\"")], NotModified),
            (&[("if-none-match", "W/\"abc\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"x\", \"abc\"")], NotModified),
            (
                &[("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")],
                NotModified,
            ),
            (&[("if-none-match", "\"x\"")], Serve),
            (&[("if-none-match", "\"ab\"")], Serve),
            (&[("if-none-match", "abc")], Serve),
            (&[("if-none-match", "\"abc")], Serve),
            (
                &[("if-none-match", "\"x\""), ("if-modified-since", DATE)],
                Serve,
            ),
            (&[("if-modified-since", DATE)], NotModified),
            (&[("if-modified-since", EARLIER)], Serve),
            (&[("if-modified-since", "yesterday")], Serve),
            (
                &[("if-modified-since", DATE), ("if-modified-since", DATE)],
                Serve,
            ),
            (&[("if-match", "\"abc\"")], Serve),
            (&[("if-match", "*")], Serve),
            (&[("if-match", "W/\"abc\"")], Failed),
            (&[("if-match", "\"x\"")], Failed),
            (
                &[("if-match", "\"x\""), ("if-none-match", "\"abc\"")],
                Failed,
            ),
            (&[("if-unmodified-since", EARLIER)], Failed),
            (&[("if-unmodified-since", DATE)], Serve),
        ];
        for (fields, expected) in cases {
            assert_eq!(judge(&headers(fields), VERSION), *expected, "{fields:?}");
        }
    }

    #[test]
    fn a_range_is_cut_from_the_version_it_names_only() {
        let may = |value| may_cut(&headers(&[("if-range", value)]), VERSION);
        assert!(may_cut(&HeaderMap::new(), VERSION));
        assert!(may("\"abc\"") && may(DATE));
        for other in ["W/\"abc\"", "\"x\"", EARLIER, "", "*", "garbage"] {
            assert!(!may(other), "{other}");
        }
        let this_second = Version {
            now: VERSION.modified,
            ..VERSION
        };
        assert!(!may_cut(&headers(&[("if-range", DATE)]), this_second));
    }

    #[test]
    fn dates_beyond_what_http_can_say_do_not_panic() {
        assert_eq!(http_date(784_111_777), DATE);
        assert!(http_date(u64::MAX).ends_with("9999 23:59:59 GMT"));
    }

    proptest::proptest! {
        #[test]
        fn no_octets_panic(value in "[\"W/*,a-z \\t]{0,30}") {
            let mut fields = HeaderMap::new();
            for name in [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE] {
                fields.insert(name, value.parse().expect("visible"));
            }
            let _ = (judge(&fields, VERSION), may_cut(&fields, VERSION));
        }
    }
}
