//! The way to the sign-in and back, on an app's host. The portal signs in, `control` decides
//! whether a code is good; this only carries.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use portlama_access::{Provenance, may_change};

use crate::cookies;
use crate::edge::Parts;
use crate::gate::check_path;
use crate::limits::{MAX_RETURN_BYTES, NONCE_LIFE};
use crate::pages::{self, Reader};
use crate::table::{HostEntry, Table};

/// What begins with this on an app's host is ours and never reaches the app.
const PREFIX: &str = "/.portlama/";

/// Whether a path is ours, however it is spelled: encoded, with doubled slashes or dot
/// segments, as a server behind might resolve it.
pub(crate) fn is_our_path(path: &str) -> bool {
    if path.starts_with(PREFIX) {
        return true;
    }
    let odd = path.contains('%') || path.contains("//") || path.contains("/.");
    odd && resolved(path).starts_with(PREFIX)
}

/// The path after decoding, with empty and dot segments resolved.
fn resolved(path: &str) -> String {
    let decoded = percent_decode(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let end = if decoded.ends_with('/') || segments.len() == 1 {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/")).to_ascii_lowercase()
}

/// Whether a person is on the way somewhere, so that a redirect to the sign-in leads them
/// there; scripts, images and programs that want data get told instead.
pub(crate) fn is_navigation<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mode = headers
        .get("sec-fetch-mode")
        .is_none_or(|mode| mode == "navigate");
    let accepts_pages = headers.get(header::ACCEPT).is_none_or(|accept| {
        ["text/html", "*/*", "text/*"]
            .iter()
            .any(|kind| memchr::memmem::find(accept.as_bytes(), kind.as_bytes()).is_some())
    });
    reads && mode && accepts_pages && !headers.contains_key(header::UPGRADE)
}

/// Sends the visitor to the portal, to come back to where they wanted to go.
pub(crate) fn to_portal(
    table: &Table,
    entry: &HostEntry,
    headers: &HeaderMap,
    path_and_query: &str,
) -> Response<Bytes> {
    let Some(portal) = table.portal_origin() else {
        return pages::answer(pages::NO_PORTAL, Reader::of(headers), None);
    };
    let place = Some(path_and_query)
        .filter(|p| p.len() <= MAX_RETURN_BYTES)
        .unwrap_or("/");
    let wanted = percent_encode(&format!("{}{place}", entry.origin));
    // Tabs that sign in at the same time share the nonce; a new one would strand the others.
    let kept = cookies::value_of(headers, cookies::NONCE).filter(|nonce| is_token(nonce));
    let Some(nonce) = kept.map(str::to_owned).or_else(new_token) else {
        return pages::answer(pages::NO_PORTAL, Reader::of(headers), None);
    };
    let shown = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, nonce.as_bytes()));
    let location = format!("{portal}/?rd={wanted}&nonce={shown}");
    let mut response = pages::redirect(StatusCode::FOUND, &location);
    if let Some(cookie) = cookies::set(cookies::NONCE, &nonce, Some(NONCE_LIFE)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Answers what is ours on an app's host.
pub(crate) async fn own_path<B>(
    parts: &Parts,
    table: &Table,
    entry: &HostEntry,
    request: &Request<B>,
) -> Response<Bytes> {
    let reader = Reader::of(request.headers());
    match (request.uri().path(), request.method()) {
        ("/.portlama/session", &Method::GET) => come_back(parts, table, entry, request).await,
        ("/.portlama/sign-out", &Method::POST) => sign_out(parts, table, entry, request).await,
        ("/.portlama/session" | "/.portlama/sign-out", _) => {
            pages::answer(pages::NOT_ALLOWED, reader, None)
        }
        _ => pages::answer(pages::NOT_FOUND, reader, None),
    }
}

/// The portal sent the visitor back with a code: it becomes a session of this host.
async fn come_back<B>(
    parts: &Parts,
    table: &Table,
    entry: &HostEntry,
    request: &Request<B>,
) -> Response<Bytes> {
    let headers = request.headers();
    let query = request.uri().query().unwrap_or_default();
    let code = parameter(query, "code").unwrap_or_default();
    let place = parameter(query, "rd")
        .filter(|p| is_local(p))
        .unwrap_or_else(|| "/".to_owned());
    let nonce = cookies::value_of(headers, cookies::NONCE);
    let session = match nonce {
        Some(nonce) => parts.visits.redeem(&code, &entry.host, nonce).await,
        None => None,
    };
    let Some(session) = session else {
        return came_back_wrongly(table, entry, headers, &place);
    };
    let mut response = pages::redirect(StatusCode::FOUND, &place);
    let cookies = [
        cookies::set(cookies::SESSION, session.expose(), None),
        cookies::clear(cookies::NONCE),
        cookies::clear(cookies::RETRY),
    ];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A code may be late or a tab old: one more try, then an honest page instead of a loop.
fn came_back_wrongly(
    table: &Table,
    entry: &HostEntry,
    headers: &HeaderMap,
    place: &str,
) -> Response<Bytes> {
    let tried = cookies::value_of(headers, cookies::RETRY).is_some();
    let (mut response, cookie) = if tried {
        let page = pages::answer(pages::SIGN_IN_FAILED, Reader::of(headers), None);
        (page, cookies::clear(cookies::RETRY))
    } else {
        let again = to_portal(table, entry, headers, place);
        (again, cookies::set(cookies::RETRY, "1", Some(NONCE_LIFE)))
    };
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Ends the sign-in everywhere.
async fn sign_out<B>(
    parts: &Parts,
    table: &Table,
    entry: &HostEntry,
    request: &Request<B>,
) -> Response<Bytes> {
    let headers = request.headers();
    if may_change(&entry.origin, Provenance::of(headers)).is_err() {
        return pages::answer(pages::CROSS_SITE, Reader::of(headers), None);
    }
    if let Some(token) = cookies::value_of(headers, cookies::SESSION) {
        parts.visits.sign_out_host(&entry.host, token).await;
    }
    let portal = table
        .portal_origin()
        .map_or_else(|| "/".to_owned(), |p| format!("{p}/"));
    let mut response = pages::redirect(StatusCode::SEE_OTHER, &portal);
    if let Some(cookie) = cookies::clear(cookies::SESSION) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A place on this host: one slash, then nothing that a browser would take for another host or
/// a server for another line.
fn is_local(place: &str) -> bool {
    place.starts_with('/')
        && !place.starts_with("//")
        && place.len() <= MAX_RETURN_BYTES
        && check_path(place.as_bytes()).is_ok()
        && !is_our_path(place.split('?').next().unwrap_or(place))
}

/// 32 random octets in base64url.
fn new_token() -> Option<String> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).ok()?;
    Some(URL_SAFE_NO_PAD.encode(octets))
}

fn is_token(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| percent_decode(value))
}

/// RFC 3986 §2.3: everything but the unreserved characters.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 2);
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}

/// Decodes once; what is not an encoding, or not UTF-8 afterwards, stays as a character that
/// passes no check.
fn percent_decode(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |b: &u8| {
            char::from(*b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                octets.push(digit(high).unwrap_or(0) << 4 | digit(low).unwrap_or(0));
                rest = after;
            }
            _ => {
                octets.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_paths_are_ours_in_every_spelling() {
        for ours in [
            "/.portlama/session",
            "/.portlama/",
            "//.portlama/x",
            "/./.portlama/x",
            "/%2Eportlama/session",
            "/a/../.portlama/x",
            "/%2e%70ortlama%2Fsession",
            "/.portlama//x",
            "/.Portlama/x",
            "/a/%2e%2e/.portlama/x",
        ] {
            assert!(is_our_path(ours), "{ours}");
        }
        for theirs in [
            "/",
            "/portlama/",
            "/a/.portlama/x",
            "/.portlamax/",
            "/.well-known/x",
        ] {
            assert!(!is_our_path(theirs), "{theirs}");
        }
    }

    #[test]
    fn returns_lead_to_this_host_only() {
        for good in ["/", "/a?b=c", "/a//b", "/%2F%2Fevil"] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "//evil.org",
            "/\\evil.org",
            "https://evil.org",
            "/a\r\nb",
            "/.portlama/session?x",
            "/ä",
        ] {
            assert!(!is_local(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_navigations_are_redirected() {
        let request = |headers: &[(&'static str, &'static str)], method: Method| {
            let builder = Request::builder().method(method);
            let builder = headers.iter().fold(builder, |b, (n, v)| b.header(*n, *v));
            is_navigation(&builder.body(()).expect("a request"))
        };
        assert!(request(&[], Method::GET));
        assert!(request(&[("accept", "*/*")], Method::GET));
        assert!(request(
            &[("accept", "text/html"), ("sec-fetch-mode", "navigate")],
            Method::HEAD
        ));
        assert!(!request(&[("accept", "text/html")], Method::POST));
        assert!(!request(&[("accept", "application/json")], Method::GET));
        assert!(!request(
            &[("accept", "*/*"), ("sec-fetch-mode", "cors")],
            Method::GET
        ));
        assert!(!request(&[("upgrade", "websocket")], Method::GET));
    }

    proptest::proptest! {
        #[test]
        fn encoding_round_trips(text in "\\PC{0,60}") {
            proptest::prop_assert_eq!(percent_decode(&percent_encode(&text)), text);
        }

        #[test]
        fn decoding_never_panics(text in "[%0-9a-fé]{0,20}") {
            let _ = percent_decode(&text);
            let _ = is_our_path(&text);
        }
    }
}
