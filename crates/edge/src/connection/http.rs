//! HTTP on a connection whose handshake is done.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use portlama_access::Presented;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Tcp;
use super::watch::Watch;
use crate::edge::Edge;
use crate::io::{Protocol, VisitorIo};
use crate::limits;
use crate::ongoing::Connection;
use crate::service::{self, Peer};
use crate::tls::{ALPN_H2, Door, Zone};

/// Who came, by which door, and what they asked for in the handshake.
pub(super) struct Visitor {
    pub(super) edge: Arc<Edge>,
    pub(super) door: Door,
    pub(super) zone: Zone,
    pub(super) address: SocketAddr,
    pub(super) presented: Arc<Presented>,
}

impl Visitor {
    fn peer(self, local: IpAddr, connection: Arc<Connection>) -> Peer {
        let ip = self.address.ip().to_canonical();
        Peer {
            edge: self.edge,
            address: self.address,
            local: local.to_canonical(),
            door: self.door,
            zone: self.zone,
            presented: self.presented,
            connection,
            told_address: text(&ip.to_string()),
            told_forwarded: text(&forwarded(ip)),
        }
    }
}

/// Answers requests until the connection ends, is forbidden, or has become something else that
/// ends.
pub(super) async fn serve(
    visitor: Visitor,
    tls: Box<TlsStream<Tcp>>,
    visit: TaskTrackerToken,
    shutdown: CancellationToken,
) {
    let (tcp, session) = tls.get_ref();
    let protocol = match session.alpn_protocol() {
        Some(ALPN_H2) => Protocol::Http2,
        _ => Protocol::Http1,
    };
    let local = tcp.get_ref().local_addr();
    let local = local.map_or(visitor.address.ip(), |local| local.ip());
    let connection = Arc::new(Connection::new(protocol));
    let watched = Watch {
        edge: visitor.edge.clone(),
        presented: visitor.presented.clone(),
        connection: connection.clone(),
    };
    let peer = Arc::new(visitor.peer(local, connection.clone()));
    let io = TokioIo::new(VisitorIo::new(tls, protocol, connection.clone()));
    let service = service_fn(move |request| {
        let peer = peer.clone();
        async move { Ok::<_, Infallible>(service::answer(peer, request).await) }
    });
    match protocol {
        Protocol::Http1 => {
            let http = http1_builder()
                .serve_connection(io, service)
                .with_upgrades();
            watched
                .run(http, |http| http.graceful_shutdown(), &shutdown)
                .await;
        }
        Protocol::Http2 => {
            let http = http2_builder().serve_connection(io, service);
            watched
                .run(http, |http| http.graceful_shutdown(), &shutdown)
                .await;
        }
    }
    drop(visit);
    if !connection.is_upgraded() {
        return;
    }
    // What the connection has become is watched to its end.
    let after = async {
        if let Some(successor) = connection.take_successor() {
            successor.await;
        }
        Ok::<(), Infallible>(())
    };
    watched.run(after, |_| {}, &shutdown).await;
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The patience with heads is the guard's below: it knows when one began.
        .header_read_timeout(None)
        .max_headers(limits::MAX_HEADERS)
        .max_buf_size(limits::MAX_HEAD_BYTES * 4)
        .half_close(false);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::H2_MAX_STREAMS)
        .initial_stream_window_size(limits::H2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::H2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(limits::H2_SEND_BUFFER_BYTES)
        .max_frame_size(limits::H2_MAX_FRAME_BYTES)
        .max_header_list_size(u32::try_from(limits::MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits::H2_MAX_RESETS)
        .max_local_error_reset_streams(limits::H2_MAX_RESETS)
        .keep_alive_interval(limits::H2_PING_INTERVAL)
        .keep_alive_timeout(limits::H2_PING_TIMEOUT);
    builder
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// RFC 7239 §6: IPv6 addresses stand in brackets and quotes.
fn forwarded(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => format!("for={v4};proto=https"),
        IpAddr::V6(v6) => format!("for=\"[{v6}]\";proto=https"),
    }
}
