//! The one cookie of the portal.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use portlama_auth::SESSION_ABSOLUTE;
use portlama_auth::cookie::{SSO, value_of};
use portlama_control::SessionToken;
use portlama_model::Secret;

/// What every version of the cookie says about itself.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The token that a request brings, if any. It is not checked.
pub(crate) fn sso_token(headers: &HeaderMap) -> Option<Secret> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    value_of(fields, SSO)
        .filter(|token| !token.is_empty())
        .map(Secret::new)
}

/// The `Set-Cookie` that keeps `token` as long as a sign-in can live at most; the session
/// itself may end sooner.
pub(crate) fn keep(token: &SessionToken) -> HeaderValue {
    let life = SESSION_ABSOLUTE.as_secs();
    let mut value: HeaderValue = format!("{SSO}={}; {ATTRIBUTES}; Max-Age={life}", token.expose())
        .try_into()
        .expect("tokens are visible ASCII");
    value.set_sensitive(true);
    value
}

/// The `Set-Cookie` that removes the cookie.
pub(crate) fn forget() -> HeaderValue {
    format!("{SSO}=; {ATTRIBUTES}; Max-Age=0")
        .try_into()
        .expect("constants of visible ASCII")
}
