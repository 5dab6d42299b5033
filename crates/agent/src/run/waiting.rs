//! Before the agent can be who it is: its key may lie in a credential store that opens when its
//! owner signs in. The agent waits for that and says so.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_control_socket::{Answer, BoxFuture, ControlSocket, Reply};
use portlama_model::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::program::Program;
use super::{RunError, RunOptions, Running, wall_clock};
use crate::directory::AgentDir;
use crate::identity::certificate_of;
use crate::panel::PanelError;
use crate::setup::in_one_line;
use crate::socket::{Ask, Refreshed, Reloaded, Renewed};
use crate::status::{AgentReport, ConnectionReport, certificate_warning};
use portlama_files::FileError;

/// The first pause before a credential store is asked again for the key.
pub const KEY_RETRY_FIRST: Duration = Duration::from_secs(2);
/// The longest such pause: whoever has just signed in wants to see the tunnel come up.
pub const KEY_RETRY_LONGEST: Duration = Duration::from_secs(15);

/// The agent as it begins; `None` when it was asked to stop before it could. While the store
/// keeps its key from it, it waits and answers its owner.
pub(super) async fn load(
    agent: AgentDir,
    options: RunOptions,
    shutdown: &CancellationToken,
) -> Result<Option<Running>, RunError> {
    let mut waiting: Option<Waiting> = None;
    let mut pause = KEY_RETRY_FIRST;
    loop {
        let (dir, options) = (agent.clone(), options.clone());
        // The store may wait for a person.
        let reading = tokio::task::spawn_blocking(move || Running::load(dir, options));
        let loaded = match shutdown.run_until_cancelled(reading).await {
            None => return Ok(None),
            Some(Ok(loaded)) => loaded,
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        };
        let reason = match loaded {
            Ok(running) => {
                if let Some(waiting) = waiting {
                    waiting.end().await;
                }
                return Ok(Some(running));
            }
            Err(RunError::Panel(error @ PanelError::KeyOutOfReach(_))) => in_one_line(&error),
            Err(error) => return Err(error),
        };
        match &waiting {
            None => {
                info!(reason, "waiting for the key");
                waiting = Some(Waiting::begin(&agent, reason)?);
            }
            Some(waiting) => *waiting.shared.reason.lock() = reason,
        }
        if timeout(pause, shutdown.cancelled()).await.is_ok() {
            return Ok(None);
        }
        pause = (pause * 2).min(KEY_RETRY_LONGEST);
    }
}

/// Answers the owner until the key is there.
struct Waiting {
    shared: Arc<Shared>,
    stop: CancellationToken,
    answering: Option<JoinHandle<()>>,
}

struct Shared {
    agent: AgentDir,
    started_at: Timestamp,
    program: Program,
    reason: Mutex<String>,
}

impl Waiting {
    fn begin(agent: &AgentDir, reason: String) -> Result<Self, FileError> {
        // What cannot be read now will not be readable later either.
        agent.certificate()?;
        let shared = Arc::new(Shared {
            agent: agent.clone(),
            started_at: wall_clock(),
            program: Program::of_this_process(),
            reason: Mutex::new(reason),
        });
        let stop = CancellationToken::new();
        let answering = match ControlSocket::bind(&agent.socket_path()) {
            Ok(socket) => Some(tokio::spawn(socket.serve(shared.clone(), stop.clone()))),
            Err(error) => {
                warn!(%error, "`portlama agent status` will not work: its socket cannot be made");
                None
            }
        };
        Ok(Self {
            shared,
            stop,
            answering,
        })
    }

    /// Returns when the socket is gone: its end removes the file, which would be another's if the
    /// running agent had made its own meanwhile.
    async fn end(mut self) {
        self.stop.cancel();
        if let Some(answering) = self.answering.take() {
            let _ = answering.await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Answer<Ask> for Shared {
    fn answer(&self, question: Ask) -> BoxFuture<'_, io::Result<Reply>> {
        Box::pin(async move {
            let report = self.report()?;
            match question {
                Ask::Status => Reply::of(&report),
                // The list is read when there is somebody to go by it.
                Ask::Reload => Reply::of(&Reloaded { cut: 0 }),
                Ask::Refresh => Reply::of(&Refreshed {
                    error: report.connection.last_error,
                    changes: Vec::new(),
                }),
                Ask::Renew => Reply::of(&Renewed {
                    expires_at: report.certificate_expires_at,
                    renews_at: report.certificate_expires_at,
                    failure: report.connection.last_error,
                }),
            }
        })
    }
}

impl Shared {
    fn report(&self) -> io::Result<AgentReport> {
        let config = self.agent.config().map_err(io::Error::other)?;
        let certificate = certificate_of(&self.agent).map_err(io::Error::other)?;
        let expires_at = certificate.expires_at;
        let warning = certificate_warning(&config.label, expires_at, wall_clock());
        Ok(AgentReport {
            label: config.label,
            agent_label: config.agent_label,
            panel_url: config.panel_url,
            domain: config.domain,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: self.program.path().to_owned(),
            program_replaced: self.program.is_replaced(),
            started_at: self.started_at,
            connection: ConnectionReport {
                last_error: Some(self.reason.lock().clone()),
                ..ConnectionReport::default()
            },
            certificate_expires_at: expires_at,
            certificate_renewal_at: Some(certificate.renews_at),
            certificate_failure: None,
            certificate_warning: warning,
            key_store: config.auth_method,
            allow_list_error: None,
            allow_loopback: false,
            tunnels: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_has_waited_leaves_the_place_of_the_socket_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let label = "attic".parse().expect("valid");
        let agent = AgentDir::at(folder.path().to_owned(), label);
        std::fs::write(folder.path().join("client.crt"), "").expect("written");
        let waiting = Waiting::begin(&agent, "locked".to_owned()).expect("begun");
        assert!(agent.socket_path().exists());
        waiting.end().await;
        assert!(!agent.socket_path().exists());
    }
}
