//! The agent's end.

use std::net::SocketAddr;
use std::sync::Arc;

use portlama_model::Secret;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{ConnectorStatus, OriginDialer};

/// Which way carriers take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// TLS, and WebSocket where TLS is intercepted.
    #[default]
    Auto,
    /// TLS only.
    Tls,
    /// WebSocket only.
    WebSocket,
}

/// An HTTP proxy that understands CONNECT: `http://[user:password@]host:port`.
#[derive(Debug, Clone)]
pub struct ProxyUrl {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `user:password`.
    pub credentials: Option<Secret>,
}

/// What the WebSocket carrier needs beside the TLS one.
#[derive(Clone)]
pub struct WebSocketConfig {
    /// TLS to whatever terminates it; platform roots or pin. ALPN is set here.
    pub tls: Arc<rustls::ClientConfig>,
    /// The agent's certificate chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The agent's key.
    pub key: Arc<dyn rustls::sign::SigningKey>,
    /// Judges the server's leaf against the pinned CA.
    pub server: Arc<dyn ServerCertVerifier>,
}

/// Where and how to connect.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// Names or addresses of the server, tried in order.
    pub addresses: Vec<(String, u16)>,
    /// The address that was reached last, tried when names do not resolve.
    pub last_good: Option<SocketAddr>,
    /// The name in the server's certificate: `tunnel.<domain>` or its address.
    pub server_name: ServerName<'static>,
    /// TLS with the agent's certificate and the pinned CA; ALPN is set here.
    pub tls: Arc<rustls::ClientConfig>,
    /// The WebSocket carrier, if it may be used.
    pub websocket: Option<WebSocketConfig>,
    /// Which way carriers take.
    pub transport: Transport,
    /// The proxy on the way, if any.
    pub proxy: Option<ProxyUrl>,
    /// How many carriers to keep; [`DEFAULT_CARRIERS`] unless there is a reason.
    pub carriers: usize,
    /// The agent's software version, told to the server.
    pub software: String,
}

/// How many carriers an agent keeps: one per core of a small server.
pub const DEFAULT_CARRIERS: usize = 2;

/// Keeps the agent connected, for ever.
pub struct Connector;

impl Connector {
    /// A connector that is not yet running.
    #[must_use]
    pub fn new(_config: ConnectorConfig, _origins: Arc<dyn OriginDialer>) -> Self {
        todo!()
    }
    /// The status, live.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<ConnectorStatus> {
        todo!()
    }
    /// A handle that asks for a new measurement of all ports, after the agent's list changed.
    #[must_use]
    pub fn recheck(&self) -> Recheck {
        todo!()
    }
    /// Runs until `shutdown`: connects, serves, reconnects.
    pub async fn run(self, _shutdown: CancellationToken) {
        todo!()
    }
}

/// Asks a running connector to measure all ports again.
#[derive(Debug, Clone)]
pub struct Recheck(Arc<tokio::sync::Notify>);

impl Recheck {
    /// Asks for it.
    pub fn now(&self) {
        self.0.notify_one();
    }
}
