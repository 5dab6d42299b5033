//! What happens by itself: renewal, sweeping, catching up, observing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certifier;
use crate::change::blocking;
use crate::control::Core;
use crate::operations::admin_rotation::ROTATION_INTERVAL;

/// How often certificates are looked at, at least; they are renewed with a month to go. Whoever
/// asks an authority sleeps until the next one is due, and looks as often for the sake of clocks
/// that jump and machines that slept.
pub const RENEWAL_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How often expired sessions, codes and lock-outs are removed and uses of sessions written
/// down: what a crash can shorten an idle limit by.
pub const SWEEP_INTERVAL: Duration = portlama_state::TOUCH_FLUSH_INTERVAL;
/// How often a denial that could not be written down is tried again. A full disk is usually
/// freed by a person, who then looks at the panel.
pub const DURABILITY_RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long `tunnels.json` may lag behind when there are many tunnels: long enough that a person
/// who makes several pays for the document once.
pub const FOLD_INTERVAL: Duration = Duration::from_secs(30);

/// Starts the tasks. They end when `stop` fires or the control is gone.
pub(crate) fn spawn(core: &Arc<Core>, tasks: &TaskTracker, stop: &CancellationToken) {
    let every = |interval: Duration, work: Work| {
        tasks.spawn(repeat(Arc::downgrade(core), stop.clone(), interval, work));
    };
    every(RENEWAL_INTERVAL, Work::Renew);
    every(SWEEP_INTERVAL, Work::Sweep);
    every(DURABILITY_RETRY_INTERVAL, Work::MakeDurable);
    every(FOLD_INTERVAL, Work::Fold);
    tasks.spawn(settle_rotation(Arc::downgrade(core), stop.clone()));
    tasks.spawn(observe(Arc::downgrade(core), stop.clone()));
    tasks.spawn(certifier::run(Arc::downgrade(core), stop.clone()));
}

#[derive(Clone, Copy)]
enum Work {
    Renew,
    Sweep,
    MakeDurable,
    Fold,
}

async fn repeat(core: Weak<Core>, stop: CancellationToken, interval: Duration, work: Work) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and the start has just done all of this.
    ticks.tick().await;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(core) = core.upgrade() else { return };
        match work {
            Work::Renew => renew(&core).await,
            Work::Sweep => sweep(core).await,
            Work::MakeDurable => drop(core.make_durable().await),
            Work::Fold => core.fold().await,
        }
    }
}

/// Renews what is due: the server's own leaf first, so that the data plane finds it when it
/// prepares.
pub(crate) async fn renew(core: &Arc<Core>) {
    let own = core.clone();
    let renewed = blocking(move || own.renew_own_certificate(own.live.now())).await;
    if let Err(error) = &renewed {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "the server's own certificate could not be renewed"
        );
    }
    core.certifier.wake();
    if let Err(error) = core.renew_host_certificates(renewed.unwrap_or(false)).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "certificates could not be renewed; the old ones stay"
        );
    }
}

async fn sweep(core: Arc<Core>) {
    let swept = blocking(move || {
        let now = core.live.now();
        core.handovers.sweep(now);
        core.lockouts.sweep(now);
        core.provisioning.progress.sweep(now);
        core.live.sessions().flush()?;
        core.store.runtime().sweep(now)
    });
    if let Err(error) = swept.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the runtime database could not be tidied"
        );
    }
}

/// Notes when tunnels change their state, whether or not somebody looks.
async fn observe(core: Weak<Core>, stop: CancellationToken) {
    let Some(mut changes) = core.upgrade().map(|core| core.hub.subscribe()) else {
        return;
    };
    while let Some(Ok(())) = stop.run_until_cancelled(changes.changed()).await {
        let Some(core) = core.upgrade() else { return };
        core.observe_all(core.live.now());
    }
}

/// Writes the first use of a new certificate of the admin's or an agent's down as soon as it
/// happens, and ends the old one in time.
async fn settle_rotation(core: Weak<Core>, stop: CancellationToken) {
    let Some(live) = core.upgrade().map(|core| core.live.clone()) else {
        return;
    };
    let mut ticks = tokio::time::interval(ROTATION_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = live.first_uses().noticed() => {}
            _ = ticks.tick() => {}
        }
        let Some(core) = core.upgrade() else { return };
        core.settle_rotation().await;
        core.settle_agents().await;
    }
}
