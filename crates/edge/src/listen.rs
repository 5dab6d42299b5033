//! The accept loop: it only accepts.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::edge::Edge;
use crate::limits::{ACCEPT_BACKOFF_MAX, ACCEPT_BACKOFF_MIN, SHUTDOWN_FAREWELL, SHUTDOWN_GRACE};
use crate::tls::Door;

/// Accepts connections until `shutdown`; each lives in a task of its own. Then waits for them,
/// and cuts those that outlive the grace or are there when [`Edge::cut`] comes.
pub(crate) async fn serve(
    edge: Arc<Edge>,
    door: Door,
    listener: TcpListener,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let cut = edge.cutting().child_token();
    tokio::select! {
        () = accept(&edge, door, &listener, &connections, &shutdown, &cut) => {}
        () = shutdown.cancelled() => {}
    }
    drop(listener);
    connections.close();
    if timeout(SHUTDOWN_GRACE + SHUTDOWN_FAREWELL, connections.wait())
        .await
        .is_err()
    {
        tracing::info!(
            connections = connections.len(),
            "cutting connections that outlived the grace"
        );
        cut.cancel();
        connections.wait().await;
    }
}

async fn accept(
    edge: &Arc<Edge>,
    door: Door,
    listener: &TcpListener,
    connections: &TaskTracker,
    shutdown: &CancellationToken,
    cut: &CancellationToken,
) {
    let mut backoff = ACCEPT_BACKOFF_MIN;
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                backoff = pause(&error, backoff).await;
                continue;
            }
        };
        backoff = ACCEPT_BACKOFF_MIN;
        let Some(permit) = edge.admission().admit(address.ip()) else {
            tracing::debug!("a connection over the limit was closed");
            continue;
        };
        let visit = edge.visits().token();
        let serve = connection::serve(edge.clone(), door, tcp, address, visit, shutdown.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            let _permit = permit;
            cut.run_until_cancelled(serve).await;
        });
    }
}

/// Waits after a failed accept. A client that gave up in the queue costs nothing; no free
/// descriptor means waiting until a connection ends.
async fn pause(error: &std::io::Error, backoff: Duration) -> Duration {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    ) {
        return backoff;
    }
    tracing::warn!(%error, "no connection can be accepted at the moment");
    sleep(backoff).await;
    (backoff * 2).min(ACCEPT_BACKOFF_MAX)
}
