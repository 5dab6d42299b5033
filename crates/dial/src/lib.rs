//! The way to somebody else's server: TCP by its name, directly or through an HTTP proxy, and
//! bounded requests by HTTPS.
//!
//! [`connect()`] resolves and races the addresses, [`connect_through`] asks a proxy with CONNECT.
//! Calls to the panel and the agent's tunnel begin there; TLS is theirs, and so is trust:
//! whoever answers has proved nothing yet. [`Https`] asks public services, such as a
//! certificate authority.
#![forbid(unsafe_code)]

mod connect;
mod download;
mod error;
mod https;
mod proxy;
mod proxy_url;
mod resolve;
mod trust;

pub use connect::{ATTEMPT_DELAY, CONNECT_TIMEOUT, connect};
pub use download::{DownloadError, DownloadLimits, MAX_REDIRECTS};
pub use error::ConnectError;
pub use https::{Https, HttpsError, HttpsLimits, MAX_HEAD_BYTES, retry_after};
pub use proxy::{MAX_PROXY_ANSWER_BYTES, PROXY_TIMEOUT, connect_through};
pub use proxy_url::{ProxyUrl, ProxyUrlError};
pub use resolve::{MAX_ADDRESSES, RESOLVE_TIMEOUT, is_loopback};
pub use trust::{TrustError, public_tls, system_roots};
