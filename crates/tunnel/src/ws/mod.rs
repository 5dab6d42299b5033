//! Frames in WebSocket messages, for networks where something opens TLS on the way.
//!
//! TLS then proves nothing about the other end, so both ends prove themselves inside: see
//! section 9 of `docs/protocol.md`. Whatever opens TLS can still read and change what passes;
//! it cannot connect by itself.

mod bytes_io;
mod proof;

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig as MessageConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::dial::DialError;
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_MESSAGE_BYTES, PROOF_TIMEOUT};
use crate::{AgentIdentity, CarrierEnd, CloseCode, Hub, WebSocketConfig};
use bytes_io::WebSocketIo;

pub use proof::{ProofError, ServerProof};

/// The path of the WebSocket at `tunnel.<domain>`.
pub const PATH: &str = "/.portlama/tunnel";

/// The WebSocket subprotocol, so that another WebSocket server's 101 is not taken for ours.
pub const SUBPROTOCOL: &str = "portlama-tunnel.1";

/// Runs one WebSocket carrier to its end: mutual proof, then frames.
///
/// `io` was upgraded by the caller, who has sent the 101. `authenticate` judges the agent's
/// chain after the agent proved that it holds the leaf's key, and gives its identity with the
/// token that cuts it; `None` refuses.
pub async fn serve_carrier<IO, F>(
    hub: &Arc<Hub>,
    io: IO,
    proof: &ServerProof,
    authenticate: F,
) -> CarrierEnd
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: FnOnce(&[CertificateDer<'static>]) -> Option<(AgentIdentity, CancellationToken)>,
{
    let mut socket =
        WebSocketStream::from_raw_socket(io, Role::Server, Some(message_config())).await;
    let chain = match timeout(PROOF_TIMEOUT, proof.exchange(&mut socket)).await {
        Ok(Ok(chain)) => chain,
        Ok(Err(error)) => return CarrierEnd::Lost(error.to_string()),
        Err(_) => return CarrierEnd::Closed(CloseCode::HelloTimeout),
    };
    let Some((agent, closed)) = authenticate(&chain) else {
        return CarrierEnd::Closed(CloseCode::Revoked);
    };
    hub.serve_carrier(WebSocketIo::new(socket), agent, closed)
        .await
}

/// Opens a WebSocket over `io` and proves both ends.
pub(crate) async fn connect<IO>(
    io: IO,
    server: &ServerName<'static>,
    config: &WebSocketConfig,
) -> Result<WebSocketIo<IO>, DialError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let opening = async {
        let mut socket = open(io, server).await?;
        proof::prove_agent(&mut socket, server, config).await?;
        Ok(WebSocketIo::new(socket))
    };
    timeout(HANDSHAKE_TIMEOUT, opening)
        .await
        .map_err(|_| DialError::Timeout("server"))?
}

async fn open<IO>(io: IO, server: &ServerName<'static>) -> Result<WebSocketStream<IO>, DialError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let host = server.to_str();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.into_owned()
    };
    let uri = format!("wss://{host}{PATH}");
    let uri = uri
        .parse()
        .map_err(|_| DialError::WebSocket("the name is no host name".to_owned()))?;
    let request = tungstenite::ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let (socket, _) = client_async_with_config(request, io, Some(message_config()))
        .await
        .map_err(|error| DialError::WebSocket(error.to_string()))?;
    Ok(socket)
}

fn message_config() -> MessageConfig {
    MessageConfig::default()
        .read_buffer_size(MAX_MESSAGE_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}
