//! Frames in WebSocket messages, for networks that open TLS.

use rustls_pki_types::CertificateDer;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::{AgentIdentity, CarrierEnd, Hub};

/// Where the WebSocket is served.
pub const PATH: &str = "/.portlama/tunnel";

/// The server's side of the in-band authentication.
#[derive(Clone)]
pub struct ServerProof {
    /// The chain of `tunnel.<domain>` (of the Portlama CA), leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: Arc<dyn rustls::sign::SigningKey>,
}

/// Runs one WebSocket carrier to its end: mutual proof, then frames. `io` was upgraded by the caller (101 sent).
/// `authenticate` judges the agent's chain; possession of its key is proved before it is asked.
pub async fn serve_carrier<IO, F>(
    _hub: &Arc<Hub>,
    _io: IO,
    _proof: ServerProof,
    _authenticate: F,
    _closed: CancellationToken,
) -> CarrierEnd
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: FnOnce(&[CertificateDer<'static>]) -> Option<(AgentIdentity, CancellationToken)> + Send,
{
    todo!()
}
