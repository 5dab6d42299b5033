//! Our cookies on app hosts: read by us, seen by no app, set by no app.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use portlama_auth::cookie::{self, PREFIX, pairs};
pub(crate) use portlama_auth::cookie::{NONCE, RETRY, SESSION};

const OURS: &[u8] = PREFIX.as_bytes();

/// The value of a cookie; the first one where a browser sends several.
pub(crate) fn value_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    cookie::value_of(fields, name)
}

/// A cookie for this host alone. Without `life` it ends with the browser.
pub(crate) fn set(
    name: &str,
    value: &str,
    life: Option<std::time::Duration>,
) -> Option<HeaderValue> {
    let life = life
        .map(|l| format!("; Max-Age={}", l.as_secs()))
        .unwrap_or_default();
    let mut value = HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}"
    ))
    .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Removes a cookie of ours from the browser.
pub(crate) fn clear(name: &str) -> Option<HeaderValue> {
    set(name, "", Some(std::time::Duration::ZERO))
}

/// Removes our cookies from a request, and joins what remains into one field: HTTP/2 may
/// spread cookies over several (RFC 9113 §8.2.3), HTTP/1.1 knows one.
pub(crate) fn keep_from_app(headers: &mut HeaderMap) {
    let mut values = headers.get_all(COOKIE).iter();
    let (Some(first), second) = (values.next(), values.next()) else {
        return;
    };
    let ours = |value: &HeaderValue| memchr::memmem::find(value.as_bytes(), OURS).is_some();
    if second.is_none() && !ours(first) {
        return;
    }
    let mut kept: Vec<u8> = Vec::new();
    for pair in headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| pairs(value.as_bytes()))
    {
        if pair.is_empty() || is_ours(pair) {
            continue;
        }
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        kept.extend_from_slice(pair);
    }
    headers.remove(COOKIE);
    if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::from_bytes(&kept)) {
        headers.insert(COOKIE, value);
    }
}

/// Removes attempts of an app to set our cookies.
pub(crate) fn keep_from_visitor(headers: &mut HeaderMap) {
    if !headers
        .get_all(SET_COOKIE)
        .iter()
        .any(|v| is_ours(v.as_bytes()))
    {
        return;
    }
    let kept: Vec<_> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter(|v| !is_ours(v.as_bytes()))
        .cloned()
        .collect();
    headers.remove(SET_COOKIE);
    for value in kept {
        headers.append(SET_COOKIE, value);
    }
}

/// In any case: browsers treat the prefix so (RFC 6265bis §4.1.3), and a nameless cookie
/// `=__Host-…` is sent back without the `=`.
fn is_ours(pair: &[u8]) -> bool {
    let mut name = pair.trim_ascii_start();
    while let [b'=' | b' ' | b'\t', rest @ ..] = name {
        name = rest;
    }
    name.get(..OURS.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(OURS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[&'static str]) -> HeaderMap {
        cookies
            .iter()
            .map(|c| (COOKIE, HeaderValue::from_static(c)))
            .collect()
    }

    #[test]
    fn finds_a_session_among_other_cookies() {
        let headers = request(&["a=b; __Host-portlama_session=tok", "c=d"]);
        assert_eq!(value_of(&headers, SESSION), Some("tok"));
        assert_eq!(value_of(&headers, NONCE), None);
    }

    #[test]
    fn the_app_sees_its_own_cookies_and_none_of_ours() {
        let cases: [(&[&'static str], Option<&str>); 6] = [
            (&["a=b"], Some("a=b")),
            (
                &["a=b; __Host-portlama_session=tok; c=\"d\""],
                Some("a=b; c=\"d\""),
            ),
            (&["__Host-portlama_session=tok"], None),
            (&["a=b", "__host-PORTLAMA_nonce=x; c=d"], Some("a=b; c=d")),
            (
                &["a=__Host-portlama_session"],
                Some("a=__Host-portlama_session"),
            ),
            (&["=__Host-portlama_session=tok; e=f"], Some("e=f")),
        ];
        for (before, after) in cases {
            let mut headers = request(before);
            keep_from_app(&mut headers);
            let seen = headers.get(COOKIE).and_then(|v| v.to_str().ok());
            assert_eq!(seen, after, "{before:?}");
            assert!(headers.get_all(COOKIE).iter().count() <= 1);
        }
    }

    #[test]
    fn the_app_cannot_set_ours() {
        let mut headers = HeaderMap::new();
        for cookie in [
            "a=b; Path=/",
            " __Host-portlama_session=evil; Path=/",
            "__host-portlama_x=1",
        ] {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        keep_from_visitor(&mut headers);
        let left: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(left, ["a=b; Path=/"]);
    }

    #[test]
    fn our_cookies_are_for_this_host_and_no_script() {
        let cookie = set(SESSION, "tok", None).expect("valid");
        assert_eq!(
            cookie,
            "__Host-portlama_session=tok; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let cleared = clear(NONCE).expect("valid");
        assert!(cleared.to_str().expect("text").ends_with("Max-Age=0"));
    }
}
