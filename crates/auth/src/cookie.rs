//! The names of our cookies.
//!
//! `__Host-` makes browsers insist on `Secure`, `Path=/` and no `Domain`, so no sibling host
//! can set or overwrite one (RFC 6265bis §4.1.3.2).

/// The sign-in at the portal, on `auth.<domain>` alone.
pub const SSO: &str = "__Host-portlama_sso";
/// The session of one protected host, on that host alone.
pub const SESSION: &str = "__Host-portlama_session";
/// Ties a one-time code to the browser that asked for it, on the protected host.
pub const NONCE: &str = "__Host-portlama_nonce";
/// The second factor of the admin panel.
pub const PANEL_2FA: &str = "__Host-portlama_2fa";

/// Every cookie that the edge takes out of requests to an app, and whose setting by an app it
/// takes out of answers.
pub const ALL: [&str; 4] = [SSO, SESSION, NONCE, PANEL_2FA];
