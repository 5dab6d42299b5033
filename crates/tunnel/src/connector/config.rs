//! Where and how to connect.

use std::net::SocketAddr;
use std::sync::Arc;

use portlama_dial::ProxyUrl;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{CertificateDer, ServerName};

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

/// Where and how to connect.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// Names or addresses of the server, tried in order.
    pub addresses: Vec<(String, u16)>,
    /// The address that was reached last, tried when names do not resolve or do not answer.
    pub last_good: Option<SocketAddr>,
    /// The name in the server's certificate: `tunnel.<domain>` or its address.
    pub server_name: ServerName<'static>,
    /// TLS with the agent's certificate and the pinned CA; ALPN is set by the connector.
    pub tls: Arc<rustls::ClientConfig>,
    /// The WebSocket carrier, if it may be used.
    pub websocket: Option<WebSocketConfig>,
    /// Which way carriers take.
    pub transport: Transport,
    /// The proxy on the way, if any.
    pub proxy: Option<ProxyUrl>,
    /// How many carriers to keep; [`DEFAULT_CARRIERS`](crate::limits::DEFAULT_CARRIERS) unless
    /// there is a reason.
    pub carriers: usize,
    /// The agent's software version, told to the server.
    pub software: String,
}

/// What the WebSocket carrier needs beside the TLS one.
#[derive(Clone)]
pub struct WebSocketConfig {
    /// TLS to whatever terminates it; verified by platform roots or pin. ALPN is set by the
    /// connector.
    pub tls: Arc<rustls::ClientConfig>,
    /// The agent's certificate chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The agent's key.
    pub key: Arc<dyn rustls::sign::SigningKey>,
    /// Judges the server's leaf against the pinned CA.
    pub server: Arc<dyn ServerCertVerifier>,
}
