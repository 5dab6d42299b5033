//! Where the first set-up stands, and who watches it.

use parking_lot::Mutex;
use portlama_model::Timestamp;
use tokio::sync::broadcast;

use super::credentials::{ProvisionResult, Shown};
use super::task::{ProvisionTask, TaskStatus};

/// How many frames wait for a watcher that reads slowly. A whole run has about twenty; who
/// misses some is told where things stand instead.
pub const MAX_WAITING_FRAMES: usize = 64;

/// One task, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// The task.
    pub task: ProvisionTask,
    /// How far it is.
    pub status: TaskStatus,
    /// What happened last, for a person.
    pub message: Option<String>,
    /// Everything that happened, a line each.
    pub log: Option<String>,
}

/// What a run failed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionFailure {
    /// The task.
    pub task: ProvisionTask,
    /// Why, with the certificate authority's own words where it was that.
    pub message: String,
}

/// Where the set-up stands.
#[derive(Debug, Clone)]
pub struct ProvisionView {
    /// Whether a run is under way.
    pub is_running: bool,
    /// The tasks in order.
    pub tasks: Vec<TaskView>,
    /// What the last run failed at.
    pub failure: Option<ProvisionFailure>,
    /// What to tell the admin at the end.
    pub result: Option<ProvisionResult>,
}

/// What watchers hear of. It holds no secret: the result is asked for when it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisionEvent {
    /// A task went on.
    Progress {
        /// As it stands.
        task: TaskView,
        /// How many tasks are done, one more while one runs.
        current: usize,
    },
    /// A task failed and the run ended.
    Failed {
        /// Why.
        failure: ProvisionFailure,
        /// How many tasks are done.
        current: usize,
    },
    /// The set-up is complete.
    Complete,
}

/// The one run there is at most, and what became of the last one.
pub(crate) struct Progress {
    state: Mutex<State>,
    events: broadcast::Sender<ProvisionEvent>,
}

struct State {
    is_running: bool,
    tasks: Vec<TaskView>,
    failure: Option<ProvisionFailure>,
    shown: Option<Shown>,
}

/// A run is under way already.
pub(crate) struct AlreadyRunning;

impl Default for Progress {
    fn default() -> Self {
        let tasks = ProvisionTask::ALL.map(|task| TaskView {
            task,
            status: TaskStatus::Pending,
            message: None,
            log: None,
        });
        let state = State {
            is_running: false,
            tasks: tasks.into(),
            failure: None,
            shown: None,
        };
        Self {
            state: Mutex::new(state),
            events: broadcast::Sender::new(MAX_WAITING_FRAMES),
        }
    }
}

impl Progress {
    /// Begins a run: what is done stays done, what failed waits for its turn again.
    pub(crate) fn begin(&self) -> Result<(), AlreadyRunning> {
        let mut state = self.state.lock();
        if state.is_running {
            return Err(AlreadyRunning);
        }
        state.is_running = true;
        state.failure = None;
        for task in &mut state.tasks {
            if task.status != TaskStatus::Done {
                task.status = TaskStatus::Pending;
                task.message = None;
                task.log = None;
            }
        }
        Ok(())
    }

    /// Where things stand, and everything that happens from there on.
    pub(crate) fn watch(
        &self,
        now: Timestamp,
    ) -> (ProvisionView, broadcast::Receiver<ProvisionEvent>) {
        // Events are sent under the lock: none is lost and none is told twice.
        let mut state = self.state.lock();
        (state.view(now), self.events.subscribe())
    }

    pub(crate) fn view(&self, now: Timestamp) -> ProvisionView {
        self.state.lock().view(now)
    }

    pub(crate) fn failure(&self) -> Option<ProvisionFailure> {
        self.state.lock().failure.clone()
    }

    pub(super) fn is_done(&self, task: ProvisionTask) -> bool {
        let state = self.state.lock();
        let found = state.tasks.get(task.index());
        found.is_some_and(|view| view.status == TaskStatus::Done)
    }

    /// Notes where a task stands.
    pub(super) fn note(&self, task: ProvisionTask, status: TaskStatus, message: String) {
        let mut state = self.state.lock();
        let Some(view) = state.tasks.get_mut(task.index()) else {
            return;
        };
        view.status = status;
        let log = view.log.get_or_insert_default();
        log.push_str(&message);
        log.push('\n');
        view.message = Some(message);
        let task = view.clone();
        let current = state.current();
        // Nobody watching is fine.
        let _ = self.events.send(ProvisionEvent::Progress { task, current });
    }

    /// Ends the run with a failure.
    pub(super) fn fail(&self, task: ProvisionTask, message: String) {
        let mut state = self.state.lock();
        if let Some(view) = state.tasks.get_mut(task.index()) {
            view.status = TaskStatus::Error;
            let log = view.log.get_or_insert_default();
            log.push_str(&message);
            log.push('\n');
            view.message = Some(message.clone());
        }
        let failure = ProvisionFailure { task, message };
        state.failure = Some(failure.clone());
        state.is_running = false;
        let current = state.current();
        let _ = self
            .events
            .send(ProvisionEvent::Failed { failure, current });
    }

    /// Ends the run well.
    pub(super) fn complete(&self, shown: Shown) {
        let mut state = self.state.lock();
        state.is_running = false;
        state.shown = Some(shown);
        let _ = self.events.send(ProvisionEvent::Complete);
    }

    /// Shows what a run before the restart ended with.
    pub(super) fn recall(&self, shown: Shown) {
        self.state.lock().shown = Some(shown);
    }

    /// Ends a run that was cut short, so that the next one may begin.
    pub(super) fn stop(&self) {
        self.state.lock().is_running = false;
    }

    /// The result while its secrets are there.
    pub(crate) fn readable(&self, now: Timestamp) -> Option<ProvisionResult> {
        let mut state = self.state.lock();
        let shown = state.shown.as_mut()?;
        shown.is_readable(now).then(|| shown.result(now))
    }

    /// Until when that is.
    pub(crate) fn readable_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.state.lock();
        let shown = state.shown.as_mut()?;
        shown.is_readable(now).then(|| shown.until())
    }

    /// Forgets the secrets; whether there were any.
    pub(crate) fn acknowledge(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        let Some(shown) = state.shown.as_mut() else {
            return false;
        };
        let was_readable = shown.is_readable(now);
        shown.forget();
        was_readable
    }

    /// Forgets secrets whose time is over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        if let Some(shown) = self.state.lock().shown.as_mut() {
            shown.is_readable(now);
        }
    }
}

impl State {
    fn view(&mut self, now: Timestamp) -> ProvisionView {
        ProvisionView {
            is_running: self.is_running,
            tasks: self.tasks.clone(),
            failure: self.failure.clone(),
            result: self.shown.as_mut().map(|shown| shown.result(now)),
        }
    }

    fn current(&self) -> usize {
        let counts =
            |task: &&TaskView| matches!(task.status, TaskStatus::Done | TaskStatus::Running);
        self.tasks.iter().filter(counts).count()
    }
}
