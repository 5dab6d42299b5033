//! The one way a state changes: prepare, commit, activate. Denials act first.

use std::sync::Arc;

use portlama_model::{AgentLabel, Desired, Hostname, State, Timestamp, Username};
use portlama_state::{AuditEntry, StateError};
use portlama_tunnel::CloseCode;
use serde_json::Value;

use crate::certificates::{NewCertificate, Provide, Provision, Sources};
use crate::control::Core;
use crate::desired::Derived;
use crate::writer::{Files, Writer, WriterGuard, writing_of};
use crate::{Activation, Farewell, OperationError, PrepareError, Step, routes};

/// A change that was validated.
pub(crate) struct Change {
    /// The state to be.
    pub(crate) next: State,
    /// Its audit row, without secrets.
    pub(crate) audit: AuditEntry,
    /// What it takes away.
    pub(crate) forbids: Forbids,
    /// Files that change with it, in the same commit.
    pub(crate) files: Files,
    /// Of the caller, when the change ends the caller's own certificate.
    pub(crate) farewell: Option<Farewell>,
}

impl Change {
    /// A change that takes nothing away.
    pub(crate) fn new(next: State, audit: AuditEntry) -> Self {
        Self {
            next,
            audit,
            forbids: Forbids::default(),
            files: Files::new(),
            farewell: None,
        }
    }

    /// The same, and what it takes away.
    pub(crate) fn forbidding(self, forbids: Forbids) -> Self {
        Self { forbids, ..self }
    }

    /// The same with files in the same commit.
    pub(crate) fn with_files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// The same; when it has happened, its answer may reach the caller although the caller's
    /// certificate ends with it.
    pub(crate) fn answering(self, farewell: Farewell) -> Self {
        Self {
            farewell: Some(farewell),
            ..self
        }
    }
}

/// What a change takes away from whom.
#[derive(Default)]
pub(crate) struct Forbids {
    /// It is a denial: it acts before it is durable, and whether it becomes so or not.
    pub(crate) at_once: bool,
    /// Everything of this user ends.
    pub(crate) user: Option<Username>,
    /// Every connection of this agent is cut.
    pub(crate) agent: Option<AgentLabel>,
}

/// Who did what to what.
pub(crate) fn audit_row(
    at: Timestamp,
    identity: String,
    action: &str,
    target: impl ToString,
    before: Option<Value>,
    after: Option<Value>,
) -> AuditEntry {
    AuditEntry {
        at,
        identity,
        action: action.to_owned(),
        target: target.to_string(),
        before,
        after,
    }
}

struct Prepared {
    provision: Provision,
    activation: Box<dyn Activation>,
    state: Arc<State>,
    desired: Arc<Desired>,
}

impl Core {
    /// Carries a change out. It runs to its end also when the caller goes away.
    pub(crate) async fn apply(
        self: &Arc<Self>,
        writer: WriterGuard,
        change: Change,
    ) -> Result<(), OperationError> {
        let core = self.clone();
        let task = tokio::spawn(async move {
            if change.forbids.at_once {
                core.deny(writer, change).await
            } else {
                core.grant(writer, change).await
            }
        });
        task.await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Prepare, commit, activate: until the commit is durable nothing is different.
    async fn grant(
        self: &Arc<Self>,
        mut writer: WriterGuard,
        change: Change,
    ) -> Result<(), OperationError> {
        let next = Arc::new(change.next);
        let prepared = self.prepare(next.clone(), Provide::Missing).await?;
        let (committed, prepared) = self
            .commit(
                &mut writer,
                next.clone(),
                Some(change.audit),
                change.files,
                prepared,
            )
            .await;
        committed.map_err(not_done)?;
        if let Some(farewell) = &change.farewell {
            farewell.grant();
        }
        self.switch(next, prepared);
        if let Some(agent) = &change.forbids.agent {
            self.hub.evict(agent, CloseCode::Revoked);
        }
        Ok(())
    }

    /// Acts in memory, then makes it durable, and says when that failed.
    async fn deny(
        self: &Arc<Self>,
        mut writer: WriterGuard,
        change: Change,
    ) -> Result<(), OperationError> {
        let next = Arc::new(change.next);
        if let Some(farewell) = &change.farewell {
            farewell.grant();
        }
        self.live.set_identities(&next);
        self.live.sessions().set_users(&next.users);
        if let Some(user) = &change.forbids.user {
            self.live.sessions().end_user(user);
        }
        if let Some(agent) = &change.forbids.agent {
            self.hub.evict(agent, CloseCode::Revoked);
        }
        self.live.deny();
        let prepared = self.prepare(next.clone(), Provide::Missing).await;
        let mut rows = std::mem::take(&mut writer.unwritten);
        rows.push(change.audit);
        writer.files.extend(change.files);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // Identities and sessions are judged anew all the same; the routes stay.
                self.state.store(next);
                writer.unwritten = rows;
                return Err(error);
            }
        };
        let writing = writing_of(&writer, &next, &prepared.provision, &Files::new());
        self.switch(next.clone(), prepared);
        if let Some(user) = &change.forbids.user {
            // A sign-in that was checked against the account as it was until a moment ago.
            self.live.sessions().end_user(user);
        }
        let (written, rows) = self.write(writing, rows).await;
        self.flush_sessions().await;
        match written {
            Ok(()) => {
                writer.wrote(next);
                Ok(())
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a denial acts, but is not durable yet"
                );
                writer.unwritten = rows;
                Err(OperationError::NotDurable {
                    disk_full: error.is_disk_full(),
                    source: error.into(),
                })
            }
        }
    }

    /// Renews certificates that are issued at once; nothing else of the state changes. `again`
    /// lets the data plane prepare even when none was due.
    pub(crate) async fn renew_host_certificates(
        self: &Arc<Self>,
        again: bool,
    ) -> Result<(), OperationError> {
        self.provide(Provide::Due, again).await
    }

    /// Stores a certificate and, when its host is served, shows it. One that the data plane
    /// cannot use is refused, and the one before stays.
    pub(crate) async fn install(
        self: &Arc<Self>,
        host: Hostname,
        new: NewCertificate,
    ) -> Result<(), OperationError> {
        self.provide(Provide::This(host, new), false).await
    }

    async fn provide(
        self: &Arc<Self>,
        provide: Provide,
        again: bool,
    ) -> Result<(), OperationError> {
        let core = self.clone();
        let task = tokio::spawn(async move {
            let mut writer = core.writer().await;
            let state = core.state.load_full();
            let prepared = core.prepare(state.clone(), provide).await?;
            if prepared.provision.is_stored() && !again {
                return Ok(());
            }
            let (committed, prepared) = core
                .commit(&mut writer, state.clone(), None, Files::new(), prepared)
                .await;
            committed.map_err(not_done)?;
            core.switch(state, prepared);
            Ok(())
        });
        task.await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Whether `next` could be served.
    pub(crate) async fn rehearse(self: &Arc<Self>, next: Arc<State>) -> Result<(), OperationError> {
        self.prepare(next, Provide::Missing).await.map(drop)
    }

    /// Lets the data plane make ready what follows from `next`, with the certificates it needs.
    async fn prepare(
        self: &Arc<Self>,
        next: Arc<State>,
        provide: Provide,
    ) -> Result<Prepared, OperationError> {
        let core = self.clone();
        blocking(move || {
            let desired = Arc::new(core.derived.load().next(&next));
            let issuer = core.issuer(&next);
            let sources = Sources {
                present: &core.certificates.load_full(),
                before: &core.live.desired(),
                dir: core.store.dir(),
                issuer: issuer.as_deref(),
            };
            let now = core.live.now();
            let mut provision =
                Provision::of(&desired, &sources, provide, now).map_err(|(host, source)| {
                    OperationError::Failed {
                        step: Step::Certificate,
                        source: format!("{host}: {source}").into(),
                    }
                })?;
            let activation = provision
                .prepare(&*core.plane, &desired, &sources, now)
                .map_err(route_failed)?;
            Ok(Prepared {
                provision,
                activation,
                state: next,
                desired,
            })
        })
        .await
    }

    async fn commit(
        self: &Arc<Self>,
        writer: &mut Writer,
        next: Arc<State>,
        audit: Option<AuditEntry>,
        files: Files,
        prepared: Prepared,
    ) -> (Result<(), StateError>, Prepared) {
        let writing = writing_of(writer, &next, &prepared.provision, &files);
        let mut rows = std::mem::take(&mut writer.unwritten);
        let waiting = rows.len();
        rows.extend(audit.clone());
        let (written, mut left) = self.write(writing, rows).await;
        let written = match written {
            Ok(()) => {
                writer.wrote(next);
                Ok(())
            }
            Err(error) => {
                if let (true, Some(row)) = (left.is_empty(), audit) {
                    self.write_failure(row).await;
                }
                // Rows of earlier denials still wait; the one of this change goes with it.
                left.truncate(waiting.min(left.len().saturating_sub(1)));
                writer.unwritten = left;
                Err(error)
            }
        };
        (written, prepared)
    }

    /// Serves the new state. Cannot fail. Anything may be forbidden from here on.
    fn switch(&self, next: Arc<State>, prepared: Prepared) {
        let before = self.state.swap(next.clone());
        let Provision {
            certificates,
            broken,
            ..
        } = prepared.provision;
        let waits = certificates.len() < prepared.desired.hosts.len();
        for (host, problem) in broken {
            if !certificates.contains_key(&host) {
                self.certifier.note_broken(&host, &problem, self.live.now());
            }
        }
        let old_certificates = self.certificates.swap(certificates);
        self.live.set_identities(&next);
        self.live.sessions().set_users(&next.users);
        self.live.set_desired(prepared.desired.clone());
        let old_derived = self.derived.swap(Arc::new(Derived {
            state: prepared.state,
            desired: prepared.desired,
        }));
        prepared.activation.activate();
        self.live.deny();
        routes::push(&self.hub, &before, &next);
        if lost_tunnels(&before, &next) {
            self.live.forget_traffic(&next);
            self.observer.keep(&next);
        }
        if waits {
            self.certifier.wake();
        }
        // Of thousands of entries this takes a millisecond, for which nobody should wait.
        let gone = (before, old_certificates, old_derived);
        drop(tokio::task::spawn_blocking(move || drop(gone)));
    }
}

/// Whether `after` lacks a tunnel of `before`. Tunnels keep their order; where they do not, the
/// answer may be yes for nothing.
fn lost_tunnels(before: &State, after: &State) -> bool {
    let mut rest = after.tunnels.iter();
    let mut before = before.tunnels.iter();
    !before.all(|old| rest.any(|new| new.id == old.id))
}
/// Runs what waits for the disk or computes for long on its own thread, to its end.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Nothing was changed, because it could not be written down.
pub(crate) fn not_done(error: StateError) -> OperationError {
    if error.is_disk_full() {
        return OperationError::DiskFull;
    }
    OperationError::Failed {
        step: Step::State,
        source: error.into(),
    }
}

fn route_failed(error: PrepareError) -> OperationError {
    OperationError::Failed {
        step: Step::Route,
        source: error.into(),
    }
}
