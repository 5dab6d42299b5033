//! The names of our cookies.
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
