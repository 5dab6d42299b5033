//! The one writer: what it remembers between changes, and how a change reaches the disk.

use std::sync::Arc;

use portlama_model::State;
use portlama_state::{AuditEntry, Commit, Committed, FilePath, StateError};
use tokio::sync::OwnedMutexGuard;

use crate::certificates::Provision;
use crate::change::blocking;
use crate::control::Core;

/// What the one writer knows beside the state that is served.
pub(crate) struct Writer {
    /// The state on the disk. It differs from the one that is served while a denial could not
    /// be written down.
    durable: Arc<State>,
    /// The audit rows of such denials.
    pub(crate) unwritten: Vec<AuditEntry>,
    /// The files of such denials.
    pub(crate) files: Files,
}

/// New contents of files beside the documents; `None` takes a file out.
pub(crate) type Files = Vec<(FilePath, Option<Vec<u8>>)>;

/// The right to change the state: of any number of operations, one has it.
pub(crate) type WriterGuard = OwnedMutexGuard<Writer>;

impl Writer {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self {
            durable: state,
            unwritten: Vec::new(),
            files: Files::new(),
        }
    }

    /// Everything that waited is on the disk, and so is `state`.
    pub(crate) fn wrote(&mut self, state: Arc<State>) {
        self.durable = state;
        self.files.clear();
    }
}

/// What is written to bring the disk to a state: the last of the commits is the change itself.
type Writing = Vec<Commit>;

impl Core {
    /// Waits for the right to change the state.
    pub(crate) async fn writer(&self) -> WriterGuard {
        self.writer.clone().lock_owned().await
    }

    /// Makes denials durable that could not be written down before. `true` when nothing is
    /// left to do.
    pub(crate) async fn make_durable(self: &Arc<Self>) -> bool {
        let mut writer = self.writer().await;
        let current = self.state.load_full();
        if writer.unwritten.is_empty() && Arc::ptr_eq(&writer.durable, &current) {
            return true;
        }
        let rows = std::mem::take(&mut writer.unwritten);
        let writing = Commit::between(&writer.durable, &current)
            .map(|commit| vec![with_files(commit, &writer.files)]);
        let (written, rows) = self.write(writing, rows).await;
        match written {
            Ok(()) => {
                writer.wrote(current);
                tracing::info!("what could not be written down before is durable");
                true
            }
            Err(_) => {
                writer.unwritten = rows;
                false
            }
        }
    }

    /// Brings changes of tunnels that are only in their log into `tunnels.json`, where people and
    /// backups look for them. What fails is tried again.
    pub(crate) async fn fold(self: &Arc<Self>) {
        if !self.store.is_amended() {
            return;
        }
        let writer = self.writer().await;
        let core = self.clone();
        let folded = blocking(move || core.store.fold(&writer.durable)).await;
        if let Err(error) = folded {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "changes of tunnels stay in their log for now"
            );
        }
    }

    /// Adds to the audit that a change it tells of did not happen.
    pub(crate) async fn write_failure(self: &Arc<Self>, row: AuditEntry) {
        let core = self.clone();
        let failed = AuditEntry {
            action: format!("{}.failed", row.action),
            ..row
        };
        if let Err(error) = blocking(move || core.store.runtime().audit().append(&failed)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the audit could not be completed"
            );
        }
    }

    /// Writes audit rows and the change; the answer gives back the rows that were not written.
    ///
    /// The rows come first: an audit that tells of a change that then failed says so in a
    /// further row, while a change without a row could never be found.
    pub(crate) async fn write(
        self: &Arc<Self>,
        writing: Result<Writing, StateError>,
        rows: Vec<AuditEntry>,
    ) -> (Result<(), StateError>, Vec<AuditEntry>) {
        let core = self.clone();
        blocking(move || {
            let commits = match writing {
                Ok(commits) => commits,
                Err(error) => return (Err(error), rows),
            };
            let audit = core.store.runtime().audit();
            for (written, row) in rows.iter().enumerate() {
                if let Err(error) = audit.append(row) {
                    return (Err(error), rows.split_at(written).1.to_vec());
                }
            }
            for commit in commits {
                match core.store.commit(commit) {
                    Ok(Committed::Applied) => {}
                    Ok(Committed::Recorded(error)) => tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a change is durable, but not in its files yet"
                    ),
                    Err(error) => return (Err(error), Vec::new()),
                }
            }
            (Ok(()), Vec::new())
        })
        .await
    }

    /// Brings the database to the sessions that memory knows. What fails is tried again in
    /// the background.
    pub(crate) async fn flush_sessions(self: &Arc<Self>) {
        let core = self.clone();
        if let Err(error) = blocking(move || core.live.sessions().flush()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sessions could not be written down yet"
            );
        }
    }
}

pub(crate) fn writing_of(
    writer: &Writer,
    next: &State,
    provision: &Provision,
    files: &Files,
) -> Result<Writing, StateError> {
    let change = Commit::between(&writer.durable, next)?;
    let (mut commits, change) = provision.write_with(change);
    let change = with_files(change, &writer.files);
    commits.push(with_files(change, files));
    Ok(commits)
}

pub(crate) fn with_files(commit: Commit, files: &Files) -> Commit {
    files
        .iter()
        .fold(commit, |commit, (path, content)| match content {
            Some(bytes) => commit.write(path, bytes.clone()),
            None => commit.remove(path),
        })
}
