//! Did our own page ask, or did another website make the browser ask?
//!
//! A client certificate and a cookie are sent along whoever wrote the page, and tunnelled
//! apps are sibling hosts of the panel. So panel and portal change nothing for a browser
//! unless its request began on the origin that is served.

/// Where a browser says a request began (Fetch Metadata, `Sec-Fetch-Site`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchSite {
    /// No such header: a program, or a browser older than 2023.
    Absent,
    /// The person did it: typed, bookmarked.
    None,
    /// A page of the same origin.
    SameOrigin,
    /// A page of a sibling host or another port.
    SameSite,
    /// Any other page, and every value this does not know.
    CrossSite,
}

impl FetchSite {
    /// Reads the header's value.
    #[must_use]
    pub fn of(value: Option<&[u8]>) -> Self {
        match value {
            None => Self::Absent,
            Some(b"none") => Self::None,
            Some(b"same-origin") => Self::SameOrigin,
            Some(b"same-site") => Self::SameSite,
            Some(_) => Self::CrossSite,
        }
    }

    /// Whether the page of another host, or an unknown one, made the browser ask.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        matches!(self, Self::SameSite | Self::CrossSite)
    }

    /// Where a request to `served_origin` began, if need be told from its `Origin`: browsers
    /// send no `Sec-Fetch-Site` with WebSockets (Chromium) or at all (before 2023), but always
    /// an `Origin` with WebSockets and changes. Where both are there `Sec-Fetch-Site` decides,
    /// as pages with `Referrer-Policy: no-referrer` send `Origin: null` to their own site.
    #[must_use]
    pub fn or_by_origin(self, origin: Option<&str>, served_origin: &str) -> Self {
        match (self, origin) {
            (Self::Absent, Some(origin)) if origin == served_origin => Self::SameOrigin,
            (Self::Absent, Some(_)) => Self::CrossSite,
            (known, _) => known,
        }
    }
}

/// What a request says about where it began.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// The `Origin` header; `null` and what is not text count as a foreign one.
    pub origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub fetch_site: FetchSite,
}

/// A browser asked on behalf of another website.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request did not come from this site's own pages")]
pub struct CrossOrigin;

/// Decides whether a changing request, or a WebSocket, may be answered on `served_origin`
/// (such as `https://panel.lab.example.org`): its `Origin` equals it, or there is neither
/// `Origin` nor `Sec-Fetch-Site`, as programs send it.
///
/// # Errors
/// When another website may have made the browser ask.
pub fn may_change(served_origin: &str, provenance: Provenance<'_>) -> Result<(), CrossOrigin> {
    match (provenance.origin, provenance.fetch_site) {
        (Some(origin), FetchSite::SameOrigin | FetchSite::Absent) if origin == served_origin => {
            Ok(())
        }
        (None, FetchSite::Absent) => Ok(()),
        _ => Err(CrossOrigin),
    }
}

/// Decides whether a request that changes nothing may be answered where a certificate or a cookie
/// goes along by itself. Another website cannot read the answer, but it could ask in somebody's
/// name until their limit is used up, or learn from the time that an answer takes. A link that
/// leads here is followed.
///
/// # Errors
/// When another website made the browser ask for something else than a page in the place of its
/// own (`is_navigation`).
pub fn may_look(fetch_site: FetchSite, is_navigation: bool) -> Result<(), CrossOrigin> {
    if fetch_site.is_foreign() && !is_navigation {
        Err(CrossOrigin)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://panel.lab.example.org";

    #[test]
    fn an_origin_speaks_for_browsers_that_do_not_say_where_a_request_began() {
        let sibling = Some("https://app.lab.example.org");
        let judged = |site: FetchSite, origin| site.or_by_origin(origin, HERE);
        assert_eq!(judged(FetchSite::Absent, None), FetchSite::Absent);
        assert_eq!(judged(FetchSite::Absent, Some(HERE)), FetchSite::SameOrigin);
        assert_eq!(judged(FetchSite::Absent, sibling), FetchSite::CrossSite);
        assert_eq!(
            judged(FetchSite::Absent, Some("null")),
            FetchSite::CrossSite
        );
        assert_eq!(
            judged(FetchSite::SameOrigin, Some("null")),
            FetchSite::SameOrigin
        );
        assert_eq!(judged(FetchSite::SameSite, Some(HERE)), FetchSite::SameSite);
    }

    #[test]
    fn another_website_leads_here_and_fetches_nothing() {
        for site in [FetchSite::SameSite, FetchSite::CrossSite] {
            assert_eq!(may_look(site, false), Err(CrossOrigin));
            assert_eq!(may_look(site, true), Ok(()));
        }
        for site in [FetchSite::Absent, FetchSite::None, FetchSite::SameOrigin] {
            assert_eq!(may_look(site, false), Ok(()), "{site:?}");
        }
    }

    fn asked(origin: Option<&str>, site: Option<&[u8]>) -> Result<(), CrossOrigin> {
        let fetch_site = FetchSite::of(site);
        may_change(HERE, Provenance { origin, fetch_site })
    }

    #[test]
    fn own_pages_and_programs_may_change() {
        assert_eq!(asked(Some(HERE), Some(b"same-origin")), Ok(()));
        assert_eq!(asked(Some(HERE), None), Ok(()));
        assert_eq!(asked(None, None), Ok(()));
    }

    #[test]
    fn foreign_pages_may_not_change() {
        let foreign = [
            (Some("https://evil.example"), Some(&b"cross-site"[..])),
            (Some("https://wiki.lab.example.org"), Some(b"same-site")),
            (Some("https://panel.lab.example.org:8443"), None),
            (Some("http://panel.lab.example.org"), None),
            (Some("null"), None),
            (Some(HERE), Some(b"cross-site")),
            (None, Some(b"cross-site")),
            (None, Some(b"same-origin")),
            (None, Some(b"none")),
            (None, Some(b"SAME-ORIGIN")),
        ];
        for (origin, site) in foreign {
            assert_eq!(asked(origin, site), Err(CrossOrigin), "{origin:?} {site:?}");
        }
    }
}
