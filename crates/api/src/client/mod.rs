//! A typed client of the panel API.
//!
//! It believes only servers of one pinned authority, over TLS 1.3, and authenticates itself with
//! a client certificate where it has one. It offers ALPN `portlama-api/1` and `http/1.1` and
//! speaks HTTP/1.1 either way: the first name asks the server for the certificate of its own
//! authority.
//!
//! Each call makes a connection of its own: calls are rare, and a revoked certificate or a moved
//! server then shows at once. Nothing is retried here.

mod dial;
mod error;
mod exchange;
mod panel;
mod sites;
mod url;

pub use dial::CONNECT_TIMEOUT;
pub use error::ClientError;
pub use exchange::{ANSWER_TIMEOUT, MAX_ANSWER_BYTES, SLOWEST_UPLOAD};
pub use panel::{ClientIdentity, PanelClient};
pub use sites::OutgoingFile;
pub use url::{PanelUrl, UrlError};

/// The ALPN name that asks for the certificate of the server's own authority.
pub const ALPN: &[u8] = b"portlama-api/1";
