//! What the edge itself says to people and programs. Every text stands here.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use maud::{DOCTYPE, html};

/// What the client can read best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A browser that shows a page.
    Html,
    /// A program that asked for JSON.
    Json,
    /// Anything else.
    Plain,
}

impl Reader {
    /// From what the request says it accepts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepts = |kind: &[u8]| {
            let mut values = headers.get_all(header::ACCEPT).iter();
            values.any(|v| memchr::memmem::find(v.as_bytes(), kind).is_some())
        };
        if accepts(b"text/html") {
            Self::Html
        } else if accepts(b"application/json") {
            Self::Json
        } else {
            Self::Plain
        }
    }
}

/// Something the edge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! notices {
    ($($name:ident = $status:ident, $title:literal, $text:literal;)*) => {
        $(pub(crate) const $name: Notice = Notice {
            status: StatusCode::$status,
            title: $title,
            text: $text,
        };)*
    };
}

notices! {
    SWITCHED_OFF = SERVICE_UNAVAILABLE, "Switched off",
        "This address is switched off at the moment.";
    SIGN_IN_FIRST = UNAUTHORIZED, "Sign in first",
        "This address is for signed-in visitors. Open it in a browser to sign in.";
    NO_GRANTS = FORBIDDEN, "Not for you",
        "Nobody has been granted access to this address.";
    NOT_LISTED = FORBIDDEN, "Not for you",
        "You are signed in, but this address is for other visitors.";
    CERTIFICATE_MISSING = BAD_REQUEST, "This page needs your certificate",
        "This is the panel of a machine behind a Portlama server. It opens only to a browser that presents the administrator's certificate: import client.p12, close every window of the browser, and come back.";
    CERTIFICATE_UNTRUSTED = BAD_REQUEST, "This certificate is not from here",
        "Your browser presented a certificate that this server did not issue. Choose another one, or import the right one.";
    CERTIFICATE_EARLY = BAD_REQUEST, "This certificate is not valid yet",
        "Your browser presented a certificate whose time has not come. The clock of the server is probably wrong.";
    CERTIFICATE_EXPIRED = BAD_REQUEST, "This certificate has expired",
        "Your browser presented a certificate whose time is over. Import a new one and remove the old one.";
    CERTIFICATE_OF_NOBODY = FORBIDDEN, "This certificate is nobody's",
        "Your browser presented a certificate that was revoked or replaced. Choose the one that was issued last.";
    NOT_YOUR_PANEL = FORBIDDEN, "Not your panel",
        "The panel of a machine opens to the administrator and to that machine itself.";
    CROSS_SITE = FORBIDDEN, "Not from another website",
        "Another website tried to change something here with your sign-in. It was not let through.";
    NO_AGENT = SERVICE_UNAVAILABLE, "Not connected",
        "No machine serves this address yet.";
    AGENT_OFFLINE = SERVICE_UNAVAILABLE, "Offline",
        "The machine behind this address is not connected at the moment. Try again later.";
    OVERLOADED = SERVICE_UNAVAILABLE, "Busy",
        "Too many connections are open to the machine behind this address. Try again in a moment.";
    APP_UNREACHABLE = BAD_GATEWAY, "Not running",
        "The application behind this address could not be reached.";
    APP_WRONG = BAD_GATEWAY, "Something went wrong",
        "The application behind this address did not answer properly.";
    APP_SILENT = GATEWAY_TIMEOUT, "No answer",
        "The application behind this address did not answer in time.";
    LOOP = LOOP_DETECTED, "A loop",
        "This address leads back to itself.";
    SIGN_IN_FAILED = BAD_REQUEST, "Sign-in did not work",
        "The sign-in could not be brought back to this address. Check that your browser accepts cookies from it, and try again.";
    NO_PORTAL = SERVICE_UNAVAILABLE, "No sign-in",
        "The sign-in is not available at the moment.";
    NOT_FOUND = NOT_FOUND, "Not found",
        "There is nothing here.";
    SITE_BUSY = SERVICE_UNAVAILABLE, "Busy",
        "Too many files are being read at the moment. Try again in a moment.";
    SITE_UNREADABLE = INTERNAL_SERVER_ERROR, "Something went wrong",
        "A file of this address could not be read.";
    NOT_ALLOWED = METHOD_NOT_ALLOWED, "Not allowed",
        "This cannot be asked for in this way.";
    MISDIRECTED = MISDIRECTED_REQUEST, "Wrong address",
        "This connection was opened for another host name.";
    BAD_REQUEST = BAD_REQUEST, "Bad request",
        "The request broke off or is malformed.";
    NOT_READY = SERVICE_UNAVAILABLE, "Not ready",
        "The server is starting. Try again in a moment.";
}

/// An answer of the edge: a page, JSON or a line of text, as the reader likes it.
///
/// `incident` is what the person can tell the admin; the log has it beside the cause.
pub(crate) fn answer(notice: Notice, reader: Reader, incident: Option<&str>) -> Response<Bytes> {
    let (kind, text) = match reader {
        Reader::Html => ("text/html; charset=utf-8", page(notice, incident)),
        Reader::Json => ("application/json", json(notice, incident)),
        Reader::Plain => ("text/plain; charset=utf-8", plain(notice, incident)),
    };
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = notice.status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if notice.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}

/// A redirect that no cache keeps.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    match HeaderValue::try_from(location) {
        Ok(location) => headers.insert(header::LOCATION, location),
        Err(_) => headers.insert(header::LOCATION, HeaderValue::from_static("/")),
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

fn plain(notice: Notice, incident: Option<&str>) -> String {
    let incident = incident
        .map(|id| format!("Error id: {id}\n"))
        .unwrap_or_default();
    format!("{}\n{incident}", notice.text)
}

fn json(notice: Notice, incident: Option<&str>) -> String {
    // The texts are ours and need no escaping.
    let incident = incident
        .map(|id| format!(",\"errorId\":\"{id}\""))
        .unwrap_or_default();
    format!("{{\"error\":\"{}\"{incident}}}\n", notice.text)
}

fn page(notice: Notice, incident: Option<&str>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (notice.title) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                main {
                    p class="status" { (notice.status.as_u16()) }
                    h1 { (notice.title) }
                    p { (notice.text) }
                    @if let Some(id) = incident {
                        p class="id" { "Error id: " code { (id) } }
                    }
                }
            }
        }
    }
    .into_string()
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.6 system-ui,sans-serif;\
background:Canvas;color:CanvasText}\
main{max-width:32rem;padding:2rem}\
h1{margin:.2rem 0 1rem;font-size:1.6rem}\
.status{margin:0;font-variant-numeric:tabular-nums;opacity:.7}\
.id{margin-top:2rem;font-size:.9rem;opacity:.8}";

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &'static str) -> Reader {
        Reader::of(
            &[(header::ACCEPT, HeaderValue::from_static(accept))]
                .into_iter()
                .collect(),
        )
    }

    #[test]
    fn people_get_pages_and_programs_get_what_they_read() {
        assert_eq!(
            accepting("text/html,application/xhtml+xml,*/*;q=0.8"),
            Reader::Html
        );
        assert_eq!(accepting("application/json"), Reader::Json);
        assert_eq!(accepting("*/*"), Reader::Plain);
        assert_eq!(Reader::of(&HeaderMap::new()), Reader::Plain);
    }

    #[test]
    fn the_error_id_is_in_every_form() {
        for reader in [Reader::Html, Reader::Json, Reader::Plain] {
            let answer = answer(APP_UNREACHABLE, reader, Some("0badc0de"));
            assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
            let body = String::from_utf8(answer.body().to_vec()).expect("text");
            assert!(body.contains("0badc0de"), "{body}");
        }
    }
}
