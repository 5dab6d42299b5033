//! The first set-up's last step: from a domain that leads here to a server in service.
//!
//! A run belongs to the server, not to the browser that asked for it. Every task can be done
//! again: what is done is seen as done. Until the last task's one commit, which brings the
//! first account and `COMPLETED` together, no host is served.

mod credentials;
mod run;
mod steps;
mod task;

pub use credentials::{ADMIN_PASSWORD_BYTES, ProvisionResult, RESULT_LIFETIME};
pub(crate) use run::{AlreadyRunning, Progress};
pub use run::{MAX_WAITING_FRAMES, ProvisionEvent, ProvisionFailure, ProvisionView, TaskView};
pub use steps::{CERTIFICATE_WAIT, CHECK_TIMEOUT};
pub(crate) use steps::{PreparedAdmin, Run, admin_name, own_hosts};
pub use task::{ProvisionTask, TaskStatus};

use parking_lot::Mutex;

/// What the set-up keeps in memory between runs. Of this a restart brings back the result
/// alone, as long as nobody acknowledged it.
#[derive(Default)]
pub(crate) struct Provisioning {
    pub(crate) progress: Progress,
    /// The first account, made by the run that came so far; a further run takes it up.
    pub(crate) admin: Mutex<Option<PreparedAdmin>>,
}
