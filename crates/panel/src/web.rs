//! The web panel: the files that `cargo xtask ui` built from `ui/`, inside the binary.
//!
//! Every path that is no file of theirs is a page of the program in the browser, which reads the
//! path itself. The page carries a fresh nonce for the one style element that its dialogs write;
//! scripts come from files alone.

use std::borrow::Cow;

use aws_lc_rs::rand;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderMap, VARY,
};
use http::{HeaderValue, StatusCode};
use rust_embed::RustEmbed;

/// Empty when the server was built without Node.js. Debug builds read the folder when asked, so
/// that a change of the pages needs no new server.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[exclude = ".gitkeep"]
struct Built;

const PAGE: &str = "index.html";
/// Stands in the page where the nonce belongs (`ui/index.html`).
const NONCE_PLACE: &str = "{{csp-nonce}}";
/// 128 bits, as CSP level 3 asks for.
const NONCE_BYTES: usize = 16;
/// Files below this folder have a hash of their content in their name.
const HASHED: &str = "assets/";
/// A year: RFC 9111, section 5.2.2.1, gives no limit, and no version lives longer.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Whether this server has a web panel.
pub(crate) fn is_built() -> bool {
    Built::get(PAGE).is_some()
}

/// Whether a path names a file of the web panel, rather than one of its pages.
pub(crate) fn is_file(path: &str) -> bool {
    file_name(path).is_some_and(|name| Built::get(name).is_some())
}

/// The file or page of a path; nothing where a file is missing, such as one of another version.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
    match file_name(path).and_then(|name| Some((name, Built::get(name)?))) {
        Some((name, file)) => Some(asset(name, file.data, headers)),
        None if path.trim_start_matches('/').starts_with(HASHED) => None,
        None => page(&Built::get(PAGE)?.data),
    }
}

/// The page is no file of its own: it is made for each answer. Compressed copies are chosen by
/// `Accept-Encoding` alone.
fn file_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    (name != PAGE && !name.ends_with(".br")).then_some(name)
}

fn asset(name: &str, plain: Cow<'static, [u8]>, headers: &HeaderMap) -> Response {
    let compressed = takes_brotli(headers)
        .then(|| Built::get(&format!("{name}.br")))
        .flatten();
    let encoding = compressed
        .is_some()
        .then_some((CONTENT_ENCODING, HeaderValue::from_static("br")));
    let keep = if name.starts_with(HASHED) {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let mut answer = (
        [
            (CONTENT_TYPE, HeaderValue::from_static(media_type(name))),
            (CACHE_CONTROL, keep),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ],
        body(compressed.map_or(plain, |file| file.data)),
    )
        .into_response();
    answer.headers_mut().extend(encoding);
    answer
}

fn body(content: Cow<'static, [u8]>) -> Body {
    Body::from(match content {
        Cow::Borrowed(octets) => Bytes::from_static(octets),
        Cow::Owned(octets) => Bytes::from(octets),
    })
}

fn page(template: &[u8]) -> Option<Response> {
    let nonce = nonce()?;
    let page = str::from_utf8(template).ok()?.replace(NONCE_PLACE, &nonce);
    let head = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, policy(&nonce)),
    ];
    Some((StatusCode::OK, head, page).into_response())
}

/// Everything from this origin, nothing inline but what carries the nonce.
fn policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
}

/// Nothing when the system gives no random bytes: better no page than one with a known nonce.
fn nonce() -> Option<String> {
    let mut bytes = [0; NONCE_BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

/// Whether Brotli is named and not refused (RFC 9110, section 12.5.3). Browsers name it wherever
/// TLS is spoken; others get the plain file.
fn takes_brotli(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("br"));
            let refused = parts.any(|weight| {
                weight
                    .strip_prefix("q=")
                    .is_some_and(|q| q.parse() == Ok(0.0_f32))
            });
            named && !refused
        })
}

/// Browsers run no script of another type (`nosniff`), so what is not known here is shown as
/// nothing.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn brotli_goes_to_those_who_name_it() {
        for yes in ["br", "gzip, deflate, br", "gzip;q=1.0, BR; q=0.5"] {
            assert!(takes_brotli(&accepting(yes)), "{yes}");
        }
        for no in ["", "gzip", "br;q=0", "br; q=0.000", "brotli", "*"] {
            assert!(!takes_brotli(&accepting(no)), "{no}");
        }
    }

    #[test]
    fn pages_carry_the_nonce_that_their_policy_names_and_no_two_are_alike() {
        let nonces: Vec<String> = (0..2)
            .map(|_| {
                let answer = page(b"<meta content=\"{{csp-nonce}}\">").expect("a page");
                let policy = answer.headers()[CONTENT_SECURITY_POLICY]
                    .to_str()
                    .expect("text")
                    .to_owned();
                assert!(!policy.contains("unsafe"), "{policy}");
                policy
            })
            .collect();
        assert!(nonces[0] != nonces[1]);
    }

    #[test]
    fn no_path_leads_to_the_page_or_a_compressed_copy_as_a_file() {
        for path in ["/", "", "/index.html", "/assets/a.js.br", "assets/a.js"] {
            assert!(
                file_name(path).is_none_or(|name| Built::get(name).is_none()),
                "{path}"
            );
        }
    }

    #[test]
    fn a_missing_file_is_no_page() {
        assert!(answer("/assets/other-version.js", &HeaderMap::new()).is_none());
    }
}
