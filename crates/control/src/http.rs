//! What a room behind the edge is: the seam between the edge, which owns the sockets, and
//! panel and portal, which answer requests. Types only.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
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

    /// A WebSocket at `tunnel.<domain>` after its 101; the agent proves itself inside.
    fn websocket(&self, io: Box<dyn AsyncReadWrite>) -> BoxFuture<'static, ()>;
}
