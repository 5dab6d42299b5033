//! The names of our cookies, and how a `Cookie` field is read.
//!
//! `__Host-` makes browsers insist on `Secure`, `Path=/` and no `Domain`, so no sibling host
//! can set or overwrite one (RFC 6265bis §4.1.3.2).

/// What the names of all our cookies begin with. The edge takes every such cookie out of
/// requests to an app, and out of answers in which an app sets one.
pub const PREFIX: &str = "__Host-portlama_";
/// The sign-in at the portal, on `auth.<domain>` alone.
pub const SSO: &str = "__Host-portlama_sso";
/// The session of one protected host, on that host alone.
pub const SESSION: &str = "__Host-portlama_session";
/// Ties a sign-in to the browser that began it, on the protected host.
pub const NONCE: &str = "__Host-portlama_nonce";
/// Marks that a sign-in failed to come back to a protected host once already.
pub const RETRY: &str = "__Host-portlama_retry";

/// The two-factor session of the panel, on the host that served it alone.
pub const PANEL: &str = "__Host-portlama_2fa";

/// The `name=value` pairs of a `Cookie` field (RFC 6265 §4.2.1), without the blanks around.
pub fn pairs(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|octet| *octet == b';').map(<[u8]>::trim_ascii)
}

/// The value of a cookie in the `Cookie` fields of a request; the first one where a browser
/// sends several. It is not checked.
pub fn value_of<'a>(fields: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let (_, value) = fields
        .into_iter()
        .flat_map(pairs)
        .filter_map(name_and_value)
        .find(|(found, _)| *found == name.as_bytes())?;
    std::str::from_utf8(value).ok()
}

fn name_and_value(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|octet| *octet == b'=')?;
    let (name, value) = (pair.get(..equals)?, pair.get(equals + 1..)?);
    Some((name.trim_ascii(), value.trim_ascii()))
}
