//! Why there is no connection.

use std::io;
use std::net::SocketAddr;

/// Why a connection could not be had. The text is for the person who runs the program.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address here, and no earlier address is known.
    #[error("cannot find the address of `{host}`: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// No address accepted a connection.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The address that was tried last.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
    /// The proxy did not connect through.
    #[error("the proxy `{host}` does not connect: {reason}")]
    Proxy {
        /// The proxy.
        host: String,
        /// What it said, or why it could not be asked.
        reason: String,
    },
    /// There was nothing to connect to.
    #[error("no address is configured")]
    NoAddress,
}
