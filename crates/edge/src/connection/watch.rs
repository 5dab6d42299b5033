//! The judgement that may end a connection at any time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use portlama_access::Presented;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::edge::Edge;
use crate::limits;
use crate::ongoing::Connection;

/// The connection's own task beside HTTP: judges again whenever something may have become
/// forbidden.
pub(super) struct Watch {
    pub(super) edge: Arc<Edge>,
    pub(super) presented: Arc<Presented>,
    pub(super) connection: Arc<Connection>,
}

impl Drop for Watch {
    /// A room may still hold the stream.
    fn drop(&mut self) {
        self.connection.cut();
    }
}

impl Watch {
    /// Runs `http` to its end, or to the moment when it is forbidden.
    pub(super) async fn run<F, T, E>(
        &self,
        http: F,
        drain: impl Fn(Pin<&mut F>),
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
                if self.connection.farewell().is_granted() {
                    // Nothing new is answered: every request is judged, too.
                    drain(http.as_mut());
                    let _ = timeout(limits::FAREWELL_GRACE, http).await;
                }
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
