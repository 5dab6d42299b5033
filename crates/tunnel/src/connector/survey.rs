//! Measures the services the server wants, so that a dead one is known before a visitor comes.

use std::sync::Arc;

use futures_util::StreamExt;
use portlama_tunnel_proto::{Detail, PING_INTERVAL, PortState};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::shared::Shared;
use crate::limits::{MAX_PROBES, ORIGIN_TIMEOUT, PROBE_INTERVAL};

/// Measures when asked, when the routes changed, and from time to time.
pub(super) async fn keep_surveying(shared: Arc<Shared>) {
    let mut survey_due = interval(PROBE_INTERVAL);
    let mut rtt_due = interval(PING_INTERVAL);
    for timer in [&mut survey_due, &mut rtt_due] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = shared.recheck.notified() => survey(&shared).await,
            _ = survey_due.tick() => survey(&shared).await,
            _ = rtt_due.tick() => shared.refresh_rtt(),
        }
    }
}

async fn survey(shared: &Shared) {
    let routes: Vec<_> = {
        let status = shared.status.borrow();
        status
            .routes
            .iter()
            .map(|(port, route)| (*port, route.scheme))
            .collect()
    };
    futures_util::stream::iter(routes)
        .for_each_concurrent(MAX_PROBES, |(port, scheme)| async move {
            let probe = timeout(ORIGIN_TIMEOUT, shared.origins.probe(port, scheme));
            let (state, detail) = probe.await.unwrap_or_else(|_| {
                (
                    PortState::OriginRefused,
                    Detail::new("the service did not accept in time"),
                )
            });
            shared.observe(port, state, detail);
        })
        .await;
}
