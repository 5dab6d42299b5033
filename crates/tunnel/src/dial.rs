//! The way from the agent to the server: addresses, proxy, TLS, WebSocket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use portlama_dial::{ConnectError, ProxyUrl, connect, connect_through};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::limits::HANDSHAKE_TIMEOUT;
use crate::ws::{self, ProofError};
use crate::{
    ALPN, BoxFuture, CarrierKind, ConnectorConfig, ReadAhead, WebSocketConfig, tune_carrier,
};

/// A connection that can carry frames.
pub trait CarrierIo: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> CarrierIo for T {}

/// Opens connections to the server.
pub trait Dial: Send + Sync + 'static {
    /// Opens one connection of this kind, up to the point where frames may flow.
    fn dial(&self, kind: CarrierKind) -> BoxFuture<'_, Result<Dialed, DialError>>;
}

/// A connection to the server, which has proved that it is the pinned one.
pub struct Dialed {
    /// The byte stream for frames.
    pub io: Box<dyn CarrierIo>,
    /// How it travels.
    pub kind: CarrierKind,
    /// The address that answered; `None` when a proxy resolved the name.
    pub address: Option<SocketAddr>,
}

/// Why a connection could not be had. The text is for the agent's owner.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// There is no TCP connection to the server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was gone as soon as it was there.
    #[error("the connection was lost: {0}")]
    Socket(io::Error),
    /// The TLS handshake failed.
    #[error("the TLS handshake with the server failed: {}", tls_reason(.0))]
    Tls(io::Error),
    /// TLS works, but what answers does not speak the tunnel protocol.
    #[error("something between here and the server answers in its place")]
    Intercepted,
    /// The WebSocket was refused.
    #[error("the server does not open a WebSocket: {0}")]
    WebSocket(String),
    /// The server could not prove that it is the pinned one.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A step took too long.
    #[error("the {0} did not answer in time")]
    Timeout(&'static str),
    /// The configuration has no WebSocket carrier.
    #[error("the WebSocket carrier is not configured")]
    NoWebSocket,
}

fn tls_reason(error: &io::Error) -> String {
    rustls_error(error).map_or_else(|| error.to_string(), certificate_reason)
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The innermost reason, in the words of whoever judged: the pinning verifier names the
/// authority or the clock.
pub(crate) fn certificate_reason(error: &rustls::Error) -> String {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidYet, NotValidYetContext, Other,
    };
    let rustls::Error::InvalidCertificate(reason) = error else {
        return error.to_string();
    };
    match reason {
        Other(reason) => reason.0.to_string(),
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => {
            format!("{error}: check the clock of this machine")
        }
        _ => error.to_string(),
    }
}

impl DialError {
    /// Whether it looks as if a middlebox opened the TLS connection, so that WebSocket is the
    /// better way.
    pub(crate) fn is_interception(&self) -> bool {
        match self {
            Self::Intercepted => true,
            // A connection that merely ends is as well a server that restarts.
            Self::Tls(error) => rustls_error(error).is_some(),
            _ => false,
        }
    }
}

/// Dials over the network.
pub(crate) struct NetDialer {
    addresses: Vec<(String, u16)>,
    last_good: Mutex<Option<SocketAddr>>,
    server_name: ServerName<'static>,
    ways: Mutex<Ways>,
    proxy: Option<ProxyUrl>,
}

/// What the agent shows the server, for each kind of carrier.
#[derive(Clone)]
struct Ways {
    tls: TlsConnector,
    websocket: Option<(TlsConnector, WebSocketConfig)>,
}

impl Ways {
    fn new(tls: &Arc<ClientConfig>, websocket: Option<&WebSocketConfig>) -> Self {
        Self {
            tls: with_alpn(tls, ALPN),
            websocket: websocket.map(|ws| (with_alpn(&ws.tls, b"http/1.1"), ws.clone())),
        }
    }
}

impl NetDialer {
    pub(crate) fn new(config: &ConnectorConfig) -> Self {
        Self {
            addresses: config.addresses.clone(),
            last_good: Mutex::new(config.last_good),
            server_name: config.server_name.clone(),
            ways: Mutex::new(Ways::new(&config.tls, config.websocket.as_ref())),
            proxy: config.proxy.clone(),
        }
    }

    /// Shows this from the next connection on.
    pub(crate) fn show(&self, tls: &Arc<ClientConfig>, websocket: Option<&WebSocketConfig>) {
        *self.ways.lock() = Ways::new(tls, websocket);
    }

    fn ways(&self) -> Ways {
        self.ways.lock().clone()
    }

    async fn dial_tls(&self) -> Result<Dialed, DialError> {
        let (socket, address) = self.reach_server().await?;
        let io = self.handshake(&self.ways().tls, socket).await?;
        if io.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(DialError::Intercepted);
        }
        self.remember(address);
        Ok(Dialed {
            io: Box::new(io),
            kind: CarrierKind::Tls,
            address,
        })
    }

    async fn dial_websocket(&self) -> Result<Dialed, DialError> {
        let (tls, config) = self.ways().websocket.ok_or(DialError::NoWebSocket)?;
        let (socket, address) = self.reach_server().await?;
        let io = self.handshake(&tls, socket).await?;
        let io = ws::connect(io, &self.server_name, &config).await?;
        self.remember(address);
        Ok(Dialed {
            io: Box::new(io),
            kind: CarrierKind::WebSocket,
            address,
        })
    }

    async fn reach_server(&self) -> Result<(TcpStream, Option<SocketAddr>), DialError> {
        let (socket, address) = match &self.proxy {
            Some(proxy) => (connect_through(proxy, &self.addresses).await?, None),
            None => {
                let last_good = *self.last_good.lock();
                let (socket, address) = connect(&self.addresses, last_good).await?;
                (socket, Some(address))
            }
        };
        tune_carrier(&socket).map_err(DialError::Socket)?;
        Ok((socket, address))
    }

    async fn handshake(
        &self,
        tls: &TlsConnector,
        socket: TcpStream,
    ) -> Result<TlsStream<ReadAhead<TcpStream>>, DialError> {
        let connecting = tls.connect(self.server_name.clone(), ReadAhead::new(socket));
        timeout(HANDSHAKE_TIMEOUT, connecting)
            .await
            .map_err(|_| DialError::Timeout("server"))?
            .map_err(DialError::Tls)
    }

    fn remember(&self, address: Option<SocketAddr>) {
        if address.is_some() {
            *self.last_good.lock() = address;
        }
    }
}

impl Dial for NetDialer {
    fn dial(&self, kind: CarrierKind) -> BoxFuture<'_, Result<Dialed, DialError>> {
        match kind {
            CarrierKind::Tls => Box::pin(self.dial_tls()),
            CarrierKind::WebSocket => Box::pin(self.dial_websocket()),
        }
    }
}

fn with_alpn(config: &Arc<ClientConfig>, protocol: &[u8]) -> TlsConnector {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}
