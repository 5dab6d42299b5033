//! One connection, from its first octet to its last: handshake, zone, HTTP, and the judgement
//! that may end it at any time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use portlama_access::{Identity, Presented};
use portlama_tunnel::{ReadAhead, tune_carrier, tune_local};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::edge::Edge;
use crate::gate::Name;
use crate::io::{Protocol, VisitorIo};
use crate::limits;
use crate::ongoing::Connection;
use crate::service::{self, Peer};
use crate::tls::{self, ALPN_H2, Door, Zone};

/// TCP below TLS, read in large pieces: rustls asks for 4 KiB at a time.
type Tcp = ReadAhead<TcpStream>;

/// Serves one connection to its end.
pub(crate) async fn serve(
    edge: Arc<Edge>,
    door: Door,
    tcp: TcpStream,
    address: SocketAddr,
    shutdown: CancellationToken,
) {
    if let Err(error) = tune_local(&tcp) {
        tracing::trace!(%error, "a connection ended before it began");
        return;
    }
    let handshake = shake_hands(&edge, door, ReadAhead::new(tcp));
    let Some((zone, tls)) = shutdown.run_until_cancelled(handshake).await.flatten() else {
        return;
    };
    let presented = Arc::new(presented(&edge, &tls));
    match zone {
        // The handshake was the answer.
        Zone::Challenge(_) => {}
        Zone::Tunnel => carry(&edge, tls, &presented, shutdown).await,
        Zone::Public(_) | Zone::Panel(_) => {
            let http = serve_http(edge, door, zone, tls, address, presented, shutdown);
            // Boxed: a carrier's task should not pay for the size of this one.
            Box::pin(http).await;
        }
    }
}

/// The whole handshake under one deadline.
async fn shake_hands(edge: &Edge, door: Door, tcp: Tcp) -> Option<(Zone, Box<TlsStream<Tcp>>)> {
    let deadline = Instant::now() + limits::HANDSHAKE_TIMEOUT;
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), tcp);
    let mut start = match timeout_at(deadline, acceptor).await {
        Ok(Ok(start)) => start,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a client did not begin with TLS");
            return None;
        }
        Err(_) => return None,
    };
    let zone = tls::choose_zone(door, &start.client_hello(), &edge.shared().table());
    let chosen = zone
        .ok()
        .and_then(|zone| config_of(edge, zone).map(|config| (zone, config)));
    let Some((zone, config)) = chosen else {
        tracing::debug!(reason = ?zone.err(), "a client asked for a name that is not served");
        let _ = timeout_at(deadline, tls::refuse_name(&mut start.io)).await;
        return None;
    };
    match timeout_at(deadline, start.into_stream(config)).await {
        Ok(Ok(tls)) => Some((zone, Box::new(tls))),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a handshake failed");
            None
        }
        Err(_) => None,
    }
}

fn config_of(edge: &Edge, zone: Zone) -> Option<Arc<ServerConfig>> {
    match zone {
        Zone::Public(_) => Some(edge.zones().public.clone()),
        Zone::Panel(_) => Some(edge.zones().panel.clone()),
        Zone::Tunnel => Some(edge.zones().tunnel.clone()),
        Zone::Challenge(name) => challenge(edge, &name),
    }
}

fn challenge(edge: &Edge, name: &Name) -> Option<Arc<ServerConfig>> {
    let host = name.as_str().parse().ok()?;
    let answer = edge.parts()?.challenges.as_ref()?.tls_alpn(&host)?;
    tls::challenge_config(edge.provider().clone(), &answer)
        .inspect_err(|error| tracing::warn!(%error, "a challenge cannot be answered"))
        .ok()
}

/// Judges the client's certificates once; what can change is judged at every request.
fn presented(edge: &Edge, tls: &TlsStream<Tcp>) -> Presented {
    match tls.get_ref().1.peer_certificates() {
        None | Some([]) => Presented::None,
        Some(chain) => match edge.live().client_trust().verify(chain) {
            Ok(client) => Presented::Client(client),
            Err(error) => Presented::Untrusted(error),
        },
    }
}

/// Hands an agent's connection over, and takes it back when the agent is nobody any more.
async fn carry(
    edge: &Arc<Edge>,
    tls: Box<TlsStream<Tcp>>,
    presented: &Presented,
    shutdown: CancellationToken,
) {
    // Subscribed before the judgement, so that no denial falls between.
    let mut denials = edge.live().denials();
    let agent = match edge.live().identify(presented) {
        Ok(Identity::Agent(agent)) => agent,
        Ok(Identity::Admin(_)) => {
            tracing::debug!("the admin's certificate opened a carrier; it is for agents");
            return;
        }
        Err(error) => {
            tracing::debug!(%error, "a carrier of nobody was closed");
            return;
        }
    };
    let Some(parts) = edge.parts() else {
        return;
    };
    let closed = shutdown.child_token();
    if let Err(error) = tune_carrier(tls.get_ref().0.get_ref()) {
        tracing::trace!(%error, "a carrier ended before it began");
        return;
    }
    let mut carrier = parts.carriers.carrier(tls, agent, closed.clone());
    loop {
        tokio::select! {
            () = &mut carrier => return,
            changed = denials.changed() => {
                if changed.is_err() || edge.live().identify(presented).is_err() {
                    closed.cancel();
                    // Its farewell may take a moment; then the connection is gone either way.
                    let _ = timeout(limits::CARRIER_GRACE, carrier).await;
                    return;
                }
            }
        }
    }
}

async fn serve_http(
    edge: Arc<Edge>,
    door: Door,
    zone: Zone,
    tls: Box<TlsStream<Tcp>>,
    address: SocketAddr,
    presented: Arc<Presented>,
    shutdown: CancellationToken,
) {
    let protocol = match tls.get_ref().1.alpn_protocol() {
        Some(ALPN_H2) => Protocol::Http2,
        _ => Protocol::Http1,
    };
    let local = tls
        .get_ref()
        .0
        .get_ref()
        .local_addr()
        .map_or(address.ip(), |local| local.ip());
    let ip = address.ip().to_canonical();
    let connection = Arc::new(Connection::new(protocol));
    let peer = Arc::new(Peer {
        edge: edge.clone(),
        address,
        local: local.to_canonical(),
        door,
        zone,
        presented: presented.clone(),
        connection: connection.clone(),
        told_address: text(&ip.to_string()),
        told_forwarded: text(&forwarded(ip)),
    });
    let watched = Watch {
        edge,
        presented,
        connection: connection.clone(),
    };
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
    if !connection.is_upgraded() {
        return;
    }
    // What the connection has become is watched to its end, in this task or in a room's.
    let after = async {
        match connection.take_successor() {
            Some(successor) => successor.await,
            None => connection.released().await,
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

/// The connection's own task beside HTTP: judges again whenever something may have become
/// forbidden.
struct Watch {
    edge: Arc<Edge>,
    presented: Arc<Presented>,
    connection: Arc<Connection>,
}

impl Drop for Watch {
    /// A room may still hold the stream.
    fn drop(&mut self) {
        self.connection.cut();
    }
}

impl Watch {
    /// Runs `http` to its end, or to the moment when it is forbidden.
    async fn run<F, T, E>(
        &self,
        http: F,
        drain: impl Fn(std::pin::Pin<&mut F>),
        shutdown: &CancellationToken,
    ) where
        F: Future<Output = Result<T, E>>,
        E: std::fmt::Display,
    {
        let mut http = pin!(http);
        let mut denials = self.edge.live().denials();
        let mut changes = self.edge.shared().changes();
        // What happened before this line is judged once here, as no signal will come for it.
        let mut was_somebody = self.edge.live().identify(&self.presented).is_ok();
        self.judge(&mut was_somebody);
        let mut draining = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut http => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke off");
                    }
                    return;
                }
                Ok(()) = denials.changed() => {}
                Ok(()) = changes.changed() => {}
                () = shutdown.cancelled(), if !draining => {
                    draining = true;
                    drain(http.as_mut());
                }
            }
            if !self.judge(&mut was_somebody) {
                tracing::debug!("a connection was cut: its certificate is nobody's any more");
                return;
            }
        }
    }

    /// Whether the connection may go on; ends visits that may not.
    fn judge(&self, was_somebody: &mut bool) -> bool {
        let live = self.edge.live();
        self.connection
            .judge_visits(live, &self.edge.shared().table());
        let is_somebody = live.identify(&self.presented).is_ok();
        if *was_somebody && !is_somebody {
            return false;
        }
        *was_somebody |= is_somebody;
        true
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// RFC 7239 §6: IPv6 addresses stand in brackets and quotes.
fn forwarded(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(v4) => format!("for={v4};proto=https"),
        std::net::IpAddr::V6(v6) => format!("for=\"[{v6}]\";proto=https"),
    }
}
