//! What the agent has to bring: connections to its services.

use std::future::Future;
use std::pin::Pin;

use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel_proto::{Detail, PortState, RefusalReason};
use tokio::io::{AsyncRead, AsyncWrite};

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A byte stream to a service.
pub trait OriginIo: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> OriginIo for T {}

/// How the server asks the agent to speak to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginSpec {
    /// Plain or TLS.
    pub scheme: OriginScheme,
    /// Whether the certificate of an https service is checked.
    pub tls_verify: bool,
}

/// Why the agent does not open a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The kind.
    pub reason: RefusalReason,
    /// A short explanation for the panel.
    pub detail: Detail,
}

impl Refusal {
    /// A refusal with an explanation.
    #[must_use]
    pub fn new(reason: RefusalReason, detail: &str) -> Self {
        Self {
            reason,
            detail: Detail::new(detail),
        }
    }
}

/// Opens connections to services, and only to those the agent's own list allows.
///
/// The connector asks for every stream and every probe; it has no other way to a service.
pub trait OriginDialer: Send + Sync + 'static {
    /// Connects to the service behind `port`, including the TLS handshake of an https service.
    fn open(
        &self,
        port: TunnelPort,
        origin: OriginSpec,
    ) -> BoxFuture<'_, Result<Box<dyn OriginIo>, Refusal>>;

    /// Measures whether the service behind `port` would accept.
    fn probe(&self, port: TunnelPort, scheme: OriginScheme) -> BoxFuture<'_, (PortState, Detail)>;
}
