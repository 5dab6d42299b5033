//! One connection, from its first octet to its last: handshake and zone, then HTTP or a carrier.

mod http;
mod watch;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use portlama_access::{Identity, Presented};
use portlama_control::security::SecurityEvent;
use portlama_tunnel::{ReadAhead, tune_carrier, tune_local};
use rustls::{CertificateError, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::edge::Edge;
use crate::gate::Name;
use crate::limits;
use crate::tls::{self, Door, Zone};

/// TCP below TLS, read in large pieces: rustls asks for 4 KiB at a time.
type Tcp = ReadAhead<TcpStream>;

/// Serves one connection to its end. `visit` is held as long as it may carry an answer of HTTP:
/// what else it becomes is not waited for when the server stops.
pub(crate) async fn serve(
    edge: Arc<Edge>,
    door: Door,
    tcp: TcpStream,
    address: SocketAddr,
    visit: TaskTrackerToken,
    shutdown: CancellationToken,
) {
    if let Err(error) = tune_local(&tcp) {
        tracing::trace!(%error, "a connection ended before it began");
        return;
    }
    let handshake = shake_hands(&edge, door, ReadAhead::new(tcp), address.ip());
    // Who was accepted a moment before the stop gets an answer; who is silent is not waited for.
    let impatient = async {
        shutdown.cancelled().await;
        sleep(limits::SHUTDOWN_HANDSHAKE_GRACE).await;
    };
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = impatient => None,
    };
    let Some((zone, tls)) = shaken else {
        return;
    };
    let presented = Arc::new(presented(&edge, &tls));
    match zone {
        // The handshake was the answer.
        Zone::Challenge(_) => {}
        Zone::Tunnel => {
            drop(visit);
            carry(&edge, tls, &presented, address.ip()).await;
        }
        Zone::Public(_) | Zone::Panel(_) | Zone::AgentPanel(_) => {
            let visitor = http::Visitor {
                edge,
                door,
                zone,
                address,
                presented,
            };
            // Boxed: a carrier's task should not pay for the size of this one.
            Box::pin(http::serve(visitor, tls, visit, shutdown)).await;
        }
    }
}

/// The whole handshake under one deadline.
async fn shake_hands(
    edge: &Edge,
    door: Door,
    tcp: Tcp,
    from: IpAddr,
) -> Option<(Zone, Box<TlsStream<Tcp>>)> {
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
            if let Some(event) = refused_certificate(&error) {
                edge.live().security().refused(event, from);
            }
            None
        }
        Err(_) => None,
    }
}

/// What a certificate was that ended the handshake, as one of the tunnel zone does.
fn refused_certificate(error: &std::io::Error) -> Option<SecurityEvent> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match tls {
        rustls::Error::InvalidCertificate(CertificateError::Expired) => {
            Some(SecurityEvent::StaleCertificate)
        }
        rustls::Error::InvalidCertificate(_) => Some(SecurityEvent::ForeignCertificate),
        _ => None,
    }
}

fn config_of(edge: &Edge, zone: Zone) -> Option<Arc<ServerConfig>> {
    match zone {
        Zone::Public(_) => Some(edge.zones().public.clone()),
        Zone::Panel(_) | Zone::AgentPanel(_) => Some(edge.zones().panel.clone()),
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

/// Hands an agent's connection over, and takes it back when the agent is nobody any more. When
/// the server stops, the hub says farewell: answers may still be on their way through it.
async fn carry(edge: &Arc<Edge>, tls: Box<TlsStream<Tcp>>, presented: &Presented, from: IpAddr) {
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
            edge.live().security().refused_certificate(&error, from);
            return;
        }
    };
    // A ban of the agent's home would take its apps away from everybody.
    let _vouched = edge.live().security().vouch_while(from);
    let Some(parts) = edge.parts() else {
        return;
    };
    let closed = CancellationToken::new();
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
