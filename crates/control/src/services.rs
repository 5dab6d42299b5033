//! What the server knows of its services and its machine, and how much of it at once.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use portlama_model::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::logs::PartLogs;
use crate::{Machine, MachineError, MachineStats, OperationError, Parts, Refusal, Step, UnitView};

/// How long figures of the machine are shown before it is asked again.
pub const MACHINE_CACHE: Duration = Duration::from_secs(2);
/// Logs that may be watched at the same time. Each holds a buffer and, for a unit, a process;
/// one admin with every log open in two windows needs sixteen.
pub const MAX_LOG_WATCHERS: usize = 16;
/// Units that may be told something at the same time, each a process that waits for systemd.
pub const MAX_PARALLEL_ACTIONS: usize = 2;

/// The parts, their logs, and the machine.
pub(crate) struct Services {
    pub(crate) parts: Parts,
    around: OnceLock<Surroundings>,
    units: Recent<Vec<UnitView>>,
    stats: Recent<MachineStats>,
    watchers: Arc<Semaphore>,
    closing: CancellationToken,
    actions: Arc<Semaphore>,
    updates: Arc<Semaphore>,
}

/// What the binary brings.
pub struct Surroundings {
    /// The machine.
    pub machine: Arc<dyn Machine>,
    /// Where the parts' lines are kept.
    pub logs: Arc<PartLogs>,
}

impl Services {
    pub(crate) fn new() -> Self {
        Self {
            parts: Parts::active(Instant::now()),
            around: OnceLock::new(),
            units: Recent::default(),
            stats: Recent::default(),
            watchers: Arc::new(Semaphore::new(MAX_LOG_WATCHERS)),
            closing: CancellationToken::new(),
            actions: Arc::new(Semaphore::new(MAX_PARALLEL_ACTIONS)),
            updates: Arc::new(Semaphore::new(1)),
        }
    }

    /// The first surroundings stay.
    pub(crate) fn attach(&self, around: Surroundings) {
        let _ = self.around.set(around);
    }

    pub(crate) fn logs(&self, now: Timestamp) -> Arc<PartLogs> {
        match self.around.get() {
            Some(around) => around.logs.clone(),
            None => Arc::new(PartLogs::new(now)),
        }
    }

    /// The machine, when there is one to ask.
    pub(crate) fn machine(&self) -> Option<&Arc<dyn Machine>> {
        self.around.get().map(|around| &around.machine)
    }

    /// The units that are installed, as they were at most [`MACHINE_CACHE`] ago.
    pub(crate) async fn units(&self) -> Vec<UnitView> {
        let Some(machine) = self.machine() else {
            return vec![];
        };
        let units = self.units.get(async || Ok(machine.units().await)).await;
        units.unwrap_or_default()
    }

    /// Units are asked anew by whoever wants to know next.
    pub(crate) async fn forget_units(&self) {
        self.units.forget().await;
    }

    /// The machine's figures, at most [`MACHINE_CACHE`] old.
    pub(crate) async fn stats(&self) -> Result<MachineStats, OperationError> {
        let stats = self.stats.get(async || match self.machine() {
            Some(machine) => machine.stats().await,
            None => Err(MachineError::Unreadable("figures")),
        });
        stats.await.map_err(|error| OperationError::Failed {
            step: Step::Machine,
            source: error.into(),
        })
    }

    /// A place among the watchers of logs.
    pub(crate) fn watcher(&self) -> Result<OwnedSemaphorePermit, OperationError> {
        let place = self.watchers.clone().try_acquire_owned();
        place.map_err(|_| OperationError::Busy)
    }

    /// Ends what is watched, now and later.
    pub(crate) fn close_logs(&self) {
        self.closing.cancel();
    }

    /// Fires when nothing is watched any more.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// A place among those who tell units something.
    pub(crate) fn action(&self) -> Result<OwnedSemaphorePermit, OperationError> {
        let place = self.actions.clone().try_acquire_owned();
        place.map_err(|_| OperationError::Busy)
    }

    /// The one place of who has the program replaced.
    pub(crate) fn update(&self) -> Result<OwnedSemaphorePermit, OperationError> {
        let place = self.updates.clone().try_acquire_owned();
        place.map_err(|_| Refusal::UpdateUnderWay.into())
    }
}

/// A value that is asked for at most every [`MACHINE_CACHE`], by one caller for all who wait.
#[derive(Debug)]
struct Recent<T>(tokio::sync::Mutex<Option<(Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(None))
    }
}

impl<T: Clone> Recent<T> {
    async fn get(
        &self,
        ask: impl AsyncFnOnce() -> Result<T, MachineError>,
    ) -> Result<T, MachineError> {
        let mut known = self.0.lock().await;
        if let Some((at, value)) = known.as_ref()
            && at.elapsed() < MACHINE_CACHE
        {
            return Ok(value.clone());
        }
        let value = ask().await?;
        *known = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
