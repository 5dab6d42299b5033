//! Where a request began, read from what its browser says in the headers.

use http::header::{ORIGIN, UPGRADE};
use http::{HeaderMap, Method};

use crate::{CrossOrigin, FetchSite, Provenance, may_change, may_look};

const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";
const FETCH_DEST: &str = "sec-fetch-dest";
const PURPOSE: &str = "sec-purpose";

impl<'a> Provenance<'a> {
    /// Reads the headers. What cannot be read, or is said twice, counts as foreign.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Self {
        let origin = single(headers, ORIGIN.as_str()).map(|value| {
            value
                .and_then(|v| std::str::from_utf8(v).ok())
                .unwrap_or("null")
        });
        let site = single(headers, FETCH_SITE).map(|value| value.unwrap_or(b"cross-site"));
        Self {
            origin,
            fetch_site: FetchSite::of(site),
        }
    }

    /// Where the request began, as far as its browser tells.
    #[must_use]
    pub fn site(self, served_origin: &str) -> FetchSite {
        self.fetch_site.or_by_origin(self.origin, served_origin)
    }
}

/// Decides whether a request may be answered on `served_origin`, where a certificate or a cookie
/// goes along by itself: changes and WebSockets by [`may_change`], the rest by [`may_look`].
///
/// # Errors
/// When another website may have made the browser ask.
pub fn may_ask(
    served_origin: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), CrossOrigin> {
    let provenance = Provenance::of(headers);
    // A WebSocket carries answers to whoever opened it, so opening one is no mere reading.
    let opens_socket = headers.contains_key(UPGRADE);
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads && !opens_socket {
        let followed = is_navigation(method, headers, b"document");
        may_look(provenance.site(served_origin), followed)
    } else {
        may_change(served_origin, provenance)
    }
}

/// Whether a page of a sibling host, or what it shows in a frame, wants to show the answer in
/// that frame.
#[must_use]
pub fn is_frame_of_sibling(method: &Method, headers: &HeaderMap) -> bool {
    Provenance::of(headers).fetch_site == FetchSite::SameSite
        && is_navigation(method, headers, b"iframe")
}

/// Whether a browser wants to show the answer in the place of what `dest` names (Fetch
/// Metadata): for a document somebody followed a link. What it fetches ahead of that, on a word
/// of the page, nobody asked for yet; when it is refused, the browser asks again with the link.
fn is_navigation(method: &Method, headers: &HeaderMap, dest: &[u8]) -> bool {
    let says = |name, value| single(headers, name) == Some(Some(value));
    *method == Method::GET
        && says(FETCH_MODE, b"navigate")
        && says(FETCH_DEST, dest)
        && !headers.contains_key(PURPOSE)
}

/// `None` without the header, `Some(None)` with several.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a [u8]>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().is_none().then(|| first.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const HERE: &str = "https://panel.lab.example.org";
    const LINK: [(&str, &str); 3] = [
        (FETCH_SITE, "cross-site"),
        (FETCH_MODE, "navigate"),
        (FETCH_DEST, "document"),
    ];

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).expect("valid");
                (HeaderName::from_static(name), value)
            })
            .fold(HeaderMap::new(), |mut all, (name, value)| {
                all.append(name, value);
                all
            })
    }

    fn asked(method: Method, of: &[(&'static str, &str)]) -> Result<(), CrossOrigin> {
        may_ask(HERE, &method, &headers(of))
    }

    #[test]
    fn a_link_is_followed_and_nothing_like_it() {
        assert_eq!(asked(Method::GET, &LINK), Ok(()));
        assert_eq!(asked(Method::HEAD, &LINK), Err(CrossOrigin));
        assert_eq!(asked(Method::POST, &LINK), Err(CrossOrigin));
        for more in [
            (PURPOSE, "prefetch"),
            (PURPOSE, "prefetch;prerender"),
            (FETCH_DEST, "document"),
            ("upgrade", "websocket"),
        ] {
            let of = [&LINK[..], &[more]].concat();
            assert_eq!(asked(Method::GET, &of), Err(CrossOrigin), "{more:?}");
        }
    }

    #[test]
    fn an_origin_that_is_said_twice_is_foreign() {
        let own = ("origin", HERE);
        assert_eq!(asked(Method::POST, &[own]), Ok(()));
        assert_eq!(asked(Method::POST, &[own, own]), Err(CrossOrigin));
        assert_eq!(asked(Method::GET, &[own, own]), Err(CrossOrigin));
    }

    #[test]
    fn frames_are_told_from_pages_and_siblings_from_strangers() {
        for (site, dest, expected) in [
            ("same-site", "iframe", true),
            ("same-site", "document", false),
            ("same-site", "image", false),
            ("cross-site", "iframe", false),
            ("same-origin", "iframe", false),
        ] {
            let of = headers(&[
                (FETCH_SITE, site),
                (FETCH_MODE, "navigate"),
                (FETCH_DEST, dest),
            ]);
            let judged = is_frame_of_sibling(&Method::GET, &of);
            assert_eq!(judged, expected, "{site} {dest}");
        }
    }
}
