//! The TLS zones: which one a connection belongs to, and what each shows and demands.

mod certificate;
mod challenge;
mod hello;
mod panel;
mod provider;
mod public;
mod tunnel;

pub(crate) use certificate::{certified_key, check_covers};
pub(crate) use challenge::challenge_config;
pub(crate) use hello::{Door, Zone, choose_zone, refuse_name};
pub(crate) use panel::panel_config;
pub(crate) use provider::provider;
pub(crate) use public::public_config;
pub(crate) use tunnel::tunnel_config;

/// What our own programs offer to be shown the certificate of our own authority.
pub(crate) const ALPN_API: &[u8] = b"portlama-api/1";
/// What agents offer to carry tunnels.
pub(crate) const ALPN_TUNNEL: &[u8] = b"portlama-tunnel/1";
/// RFC 8737 §3.
pub(crate) const ALPN_ACME: &[u8] = b"acme-tls/1";
/// RFC 9113.
pub(crate) const ALPN_H2: &[u8] = b"h2";
/// RFC 7301.
pub(crate) const ALPN_HTTP_1_1: &[u8] = b"http/1.1";
