//! The one cookie of the panel.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use portlama_auth::cookie::{PANEL, value_of};
use portlama_control::PanelCookie;

use crate::headers::whole_seconds;

/// What every version of the cookie says about itself.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The session that a request brings, if any. It is not checked.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    value_of(fields, PANEL).filter(|value| !value.is_empty())
}

/// Lets the browser keep a session.
pub(crate) fn set(headers: &mut HeaderMap, session: &PanelCookie) {
    let life = whole_seconds(session.max_age);
    let value = session.value.expose();
    let mut field: HeaderValue = format!("{PANEL}={value}; {ATTRIBUTES}; Max-Age={life}")
        .try_into()
        .expect("base64url and a dot are visible ASCII");
    field.set_sensitive(true);
    headers.insert(SET_COOKIE, field);
}

/// Lets the browser forget it.
pub(crate) fn clear(headers: &mut HeaderMap) {
    let field = format!("{PANEL}=; {ATTRIBUTES}; Max-Age=0");
    let field = field.try_into().expect("constants of visible ASCII");
    headers.insert(SET_COOKIE, field);
}
