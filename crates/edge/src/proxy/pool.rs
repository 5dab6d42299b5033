//! Connections to one service, kept for the next request.

use std::sync::Arc;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use portlama_control::Upstreams;
use portlama_model::{Origin, TunnelKey};
use portlama_tunnel::TunnelStream;
use tokio::time::{Instant, timeout};

use super::ProxyError;
use crate::body::UpstreamBody;
use crate::io::{ArmedHead, OriginIo};
use crate::limits::{
    MAX_IDLE_UPSTREAMS, MAX_RESPONSE_HEADERS, OPEN_TIMEOUT, UPSTREAM_BUFFER_BYTES, UPSTREAM_IDLE,
    UPSTREAM_IDLE_UNSAFE,
};

/// The connections of one service.
pub(crate) struct Pool {
    target: TunnelKey,
    origin: Origin,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    link: Link,
    since: Instant,
}

/// One HTTP/1 connection to a service. Its task ends when the link is dropped or the service
/// closes.
pub(crate) struct Link {
    pub(crate) sender: SendRequest<UpstreamBody>,
    pub(crate) head: ArmedHead,
}

/// A link in use. It goes back only after a whole answer.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    link: Link,
    request: RequestEnd,
}

/// Whether the request of a lease went to the service to its end.
pub(crate) type RequestEnd = Option<Arc<crate::body::Progress>>;

impl Pool {
    pub(crate) fn new(target: TunnelKey, origin: Origin) -> Self {
        Self {
            target,
            origin,
            idle: Mutex::default(),
        }
    }

    pub(crate) fn leads_to(&self, target: &TunnelKey, origin: Origin) -> bool {
        self.target == *target && self.origin == origin
    }

    /// A kept connection, the one used last. A request that must not be sent twice gets one
    /// only if it was in use a moment ago.
    pub(crate) fn take(&self, may_repeat: bool) -> Option<Link> {
        let patience = if may_repeat {
            UPSTREAM_IDLE
        } else {
            UPSTREAM_IDLE_UNSAFE
        };
        let mut idle = self.idle.lock();
        idle.retain(|kept| !kept.link.sender.is_closed());
        let at = idle
            .iter()
            .rposition(|kept| kept.link.sender.is_ready() && kept.since.elapsed() < patience)?;
        Some(idle.swap_remove(at).link)
    }

    /// Opens a new connection.
    ///
    /// # Errors
    /// When the tunnel cannot reach the service.
    pub(crate) async fn open(&self, upstreams: &dyn Upstreams) -> Result<Link, ProxyError> {
        let stream = self.open_stream(upstreams).await?;
        let (io, head) = OriginIo::new(stream);
        let (sender, connection) = http1::Builder::new()
            .max_headers(MAX_RESPONSE_HEADERS)
            .max_buf_size(UPSTREAM_BUFFER_BYTES * 2)
            .handshake(TokioIo::new(io))
            .await
            .map_err(ProxyError::Broken)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection to a service ended");
            }
        });
        Ok(Link { sender, head })
    }

    /// Opens a stream to the service.
    ///
    /// # Errors
    /// When the tunnel cannot reach the service.
    pub(crate) async fn open_stream(
        &self,
        upstreams: &dyn Upstreams,
    ) -> Result<TunnelStream, ProxyError> {
        match timeout(OPEN_TIMEOUT, upstreams.open(&self.target, self.origin)).await {
            Ok(opened) => opened.map_err(ProxyError::Open),
            Err(_) => Err(ProxyError::OpenTimedOut),
        }
    }

    /// Lets go of what was not used for long.
    pub(crate) fn sweep(&self) {
        let fresh =
            |kept: &Idle| kept.since.elapsed() < UPSTREAM_IDLE && !kept.link.sender.is_closed();
        self.idle.lock().retain(fresh);
    }

    fn keep(&self, link: Link) {
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE_UPSTREAMS && !link.sender.is_closed() {
            idle.push(Idle {
                link,
                since: Instant::now(),
            });
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("target", &self.target)
            .field("idle", &self.idle.lock().len())
            .finish_non_exhaustive()
    }
}

impl Lease {
    pub(crate) fn new(pool: Arc<Pool>, link: Link, request: RequestEnd) -> Self {
        Self {
            pool,
            link,
            request,
        }
    }

    /// The answer was read to its end: another request may use the connection, unless this
    /// one is still being sent.
    pub(crate) fn give_back(self) {
        if self.request.is_none_or(|progress| progress.has_ended()) {
            self.pool.keep(self.link);
        }
    }
}
