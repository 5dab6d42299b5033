//! Connections to the services at home: the agent's answer to "open port N".

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel::{
    BoxFuture, Detail, OriginDialer, OriginIo, OriginSpec, PortState, Refusal, RefusalReason,
    tune_local,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::gate::{Admission, Gate};
use crate::origin_tls::OriginTls;
use crate::resolve::{self, Resolve, SystemResolver};
use crate::target::{ForbiddenAddress, Target, TargetHost};

/// How long a service may take to accept, its name and its TLS handshake included. Longer, and
/// the visitor is better served by an honest page.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a measurement may take; nobody waits for it, and many may run.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// The head start of one address before the next is tried as well (RFC 8305 §8 recommends
/// 250 ms).
pub const ADDRESS_HEAD_START: Duration = Duration::from_millis(250);

/// Connects to services, and only to those the [`Gate`] lets it.
pub struct Dialer {
    gate: Arc<Gate>,
    resolver: Box<dyn Resolve>,
    tls: OriginTls,
}

impl Dialer {
    /// A dialer that asks `gate` and the system's resolver.
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self::with_resolver(gate, SystemResolver::default())
    }

    /// A dialer with a resolver of the caller's.
    #[must_use]
    pub fn with_resolver(gate: Arc<Gate>, resolver: impl Resolve) -> Self {
        Self {
            gate,
            resolver: Box::new(resolver),
            tls: OriginTls::default(),
        }
    }

    async fn open_stream(
        &self,
        port: TunnelPort,
        origin: OriginSpec,
    ) -> Result<Box<dyn OriginIo>, Refusal> {
        let admission = self.admit(port)?;
        tokio::select! {
            () = admission.withdrawn() => Err(not_allowed(port)),
            opened = timeout(CONNECT_TIMEOUT, self.connect(&admission, origin)) => {
                let stream = opened.map_err(|_| timed_out(admission.target()))??;
                Ok(Box::new(admission.guard(stream)) as Box<dyn OriginIo>)
            }
        }
    }

    async fn connect(
        &self,
        admission: &Admission,
        origin: OriginSpec,
    ) -> Result<Box<dyn OriginIo>, Refusal> {
        let stream = self.connect_tcp(admission).await?;
        match origin.scheme {
            OriginScheme::Http => Ok(Box::new(stream)),
            OriginScheme::Https => {
                let target = admission.target();
                let stream = self
                    .tls
                    .connect(stream, target.host(), origin.tls_verify)
                    .await;
                stream.map_err(|error| refusal(RefusalReason::TlsFailed, target, &error))
            }
        }
    }

    async fn connect_tcp(&self, admission: &Admission) -> Result<TcpStream, Refusal> {
        let target = admission.target();
        let addresses = resolve::addresses(target.host(), self.resolver.as_ref())
            .await
            .map_err(|error| refusal(RefusalReason::OriginRefused, target, &error))?;
        let addresses = reachable(target, addresses, admission.server())?;
        let stream = race(addresses)
            .await
            .map_err(|error| refusal(RefusalReason::OriginRefused, target, &error))?;
        tune_local(&stream)
            .map_err(|error| refusal(RefusalReason::OriginRefused, target, &error))?;
        Ok(stream)
    }

    fn admit(&self, port: TunnelPort) -> Result<Admission, Refusal> {
        self.gate
            .admit(port)
            .ok_or_else(|| match self.gate.error() {
                Some(error) => Refusal::new(
                    RefusalReason::NotAllowed,
                    &format!("the agent's list cannot be read: {error}"),
                ),
                None => not_allowed(port),
            })
    }

    async fn measure(&self, port: TunnelPort) -> (PortState, Detail) {
        let admission = match self.admit(port) {
            Ok(admission) => admission,
            Err(refusal) => return (PortState::NotAllowed, refusal.detail),
        };
        match timeout(PROBE_TIMEOUT, self.connect_tcp(&admission)).await {
            Ok(Ok(_)) => (PortState::Ready, Detail::default()),
            Ok(Err(refusal)) if refusal.reason == RefusalReason::NotAllowed => {
                (PortState::NotAllowed, refusal.detail)
            }
            Ok(Err(refusal)) => (PortState::OriginRefused, refusal.detail),
            Err(_) => (
                PortState::OriginRefused,
                timed_out(admission.target()).detail,
            ),
        }
    }
}

impl OriginDialer for Dialer {
    fn open(
        &self,
        port: TunnelPort,
        origin: OriginSpec,
    ) -> BoxFuture<'_, Result<Box<dyn OriginIo>, Refusal>> {
        Box::pin(self.open_stream(port, origin))
    }

    fn probe(&self, port: TunnelPort, _scheme: OriginScheme) -> BoxFuture<'_, (PortState, Detail)> {
        Box::pin(self.measure(port))
    }
}

/// The addresses that the target's rules admit. If none is left, the first rule broken says why.
fn reachable(
    target: &Target,
    addresses: Vec<IpAddr>,
    server: &[IpAddr],
) -> Result<Vec<SocketAddr>, Refusal> {
    let mut forbidden = None;
    let admitted: Vec<_> = addresses
        .into_iter()
        .filter(|address| match target.admits(*address, server) {
            Ok(()) => true,
            Err(why) => {
                forbidden.get_or_insert((*address, why));
                false
            }
        })
        .map(|address| SocketAddr::new(address, target.port()))
        .collect();
    match (admitted.is_empty(), forbidden) {
        (false, _) => Ok(admitted),
        (true, Some((address, why))) => Err(forbidden_address(target, address, why)),
        (true, None) => Err(Refusal::new(
            RefusalReason::OriginRefused,
            &format!("{target}: the name has no address"),
        )),
    }
}

/// The first connection that stands. Addresses start one after the other, at once when the one
/// before fails, else after [`ADDRESS_HEAD_START`] (RFC 8305).
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut started = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        started.extend(waiting.next().map(TcpStream::connect));
        if started.is_empty() {
            return Err(last_error);
        }
        tokio::select! {
            Some(result) = started.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => last_error = error,
            },
            () = tokio::time::sleep(ADDRESS_HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

fn not_allowed(port: TunnelPort) -> Refusal {
    let hint = format!("confirm at home: portlama agent allow {port}");
    Refusal::new(RefusalReason::NotAllowed, &hint)
}

fn forbidden_address(target: &Target, address: IpAddr, why: ForbiddenAddress) -> Refusal {
    let text = match target.host() {
        TargetHost::Name(name) => format!("{name} came out at {address}: {why}"),
        TargetHost::Localhost | TargetHost::Address(_) => format!("{address}: {why}"),
    };
    Refusal::new(RefusalReason::NotAllowed, &text)
}

fn timed_out(target: &Target) -> Refusal {
    let text = format!(
        "{target} did not answer within {} s",
        CONNECT_TIMEOUT.as_secs()
    );
    Refusal::new(RefusalReason::OriginTimeout, &text)
}

fn refusal(reason: RefusalReason, target: &Target, error: &io::Error) -> Refusal {
    Refusal::new(reason, &format!("{target}: {}", in_words(error)))
}

/// What an error means, without the system's numbers.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "the machine cannot be reached".to_owned()
        }
        io::ErrorKind::TimedOut => "it does not answer".to_owned(),
        _ => error.to_string(),
    }
}
