//! What a room behind the edge is: the seam between the edge, which owns the sockets, and
//! panel and portal, which answer requests. Types only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;
use portlama_access::{Agent, Presented};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::BoxFuture;

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of a request that passed the gate.
pub type RequestBody = UnsyncBoxBody<Bytes, BoxError>;
/// The body of an answer.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// Who asks, as the edge saw it. Stands in the request's extensions; no header says any of
/// this.
#[derive(Debug, Clone)]
pub struct ClientInfo {
    /// The peer's address.
    pub address: SocketAddr,
    /// The certificate of the connection, judged by its chain.
    pub presented: Arc<Presented>,
    /// The origin as the request was addressed and accepted, `https://panel.example.org` or
    /// `https://198.51.100.23:9292`.
    pub served_origin: Arc<str>,
    /// The host part of it, without a port.
    pub host: Arc<str>,
}

/// A room behind the edge.
pub trait Handler: Send + Sync {
    /// Answers one request; [`ClientInfo`] is among its extensions.
    fn call(
        &self,
        request: ::http::Request<RequestBody>,
    ) -> BoxFuture<'static, ::http::Response<ResponseBody>>;
}

/// The offer of a WebSocket, among the extensions of a request that is a well-formed opening
/// handshake (RFC 6455 §4.2.1). The room decides: it [accepts](Self::accept), or answers
/// anything else and the offer is void.
#[derive(Clone)]
pub struct WebsocketOffer {
    accept: HeaderValue,
    run: Arc<Mutex<Option<RunWebsocket>>>,
}

/// What becomes of a connection after the 101. It runs in the connection's own task, so that
/// it ends with it: when the client leaves, when the identity is denied, at shutdown.
pub type RunWebsocket = Box<dyn FnOnce(Box<dyn AsyncReadWrite>) -> BoxFuture<'static, ()> + Send>;

impl WebsocketOffer {
    /// An offer whose handshake is answered with `accept` (`Sec-WebSocket-Accept`).
    #[must_use]
    pub fn new(accept: HeaderValue) -> Self {
        Self {
            accept,
            run: Arc::default(),
        }
    }

    /// Accepts: the head of the answer. `run` gets the bare connection after it.
    #[must_use]
    pub fn accept(&self, run: RunWebsocket) -> ::http::Response<()> {
        *self.run.lock() = Some(run);
        let mut response = ::http::Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        response
    }

    /// What the room wants to do with the connection, if it accepted.
    #[must_use]
    pub fn take(&self) -> Option<RunWebsocket> {
        self.run.lock().take()
    }
}

impl std::fmt::Debug for WebsocketOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebsocketOffer").finish_non_exhaustive()
    }
}

/// A connection in both directions.
pub trait AsyncReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> AsyncReadWrite for T {}

/// Where the edge hands over connections of agents.
pub trait CarrierSink: Send + Sync {
    /// A TLS connection whose client proved to be `agent`; it ends when `closed` fires.
    fn carrier(
        &self,
        io: Box<dyn AsyncReadWrite>,
        agent: Agent,
        closed: CancellationToken,
    ) -> BoxFuture<'static, ()>;

    /// A WebSocket at `tunnel.<domain>` after its 101, from this address; the agent proves itself
    /// inside.
    fn websocket(&self, io: Box<dyn AsyncReadWrite>, from: IpAddr) -> BoxFuture<'static, ()>;
}
