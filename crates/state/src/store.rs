//! The state in the hands of its one process.

use std::sync::Arc;

use portlama_model::{Hostname, State};

use crate::commit::{Commit, Committed};
use crate::dir::{Presence, StateDir};
use crate::disk::RealDisk;
use crate::document::{self, Document};
use crate::format::{Format, MIGRATIONS, Migration};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::runtime::Runtime;
use crate::tunnel_log::Found;
use crate::{FilePath, StateError};

/// An open state directory: holds its lock, commits changes, owns the runtime database.
///
/// It does not keep the [`State`]: the caller does, and changes its copy when
/// [`commit`](Self::commit) answers `Ok`.
pub struct Store {
    journal: Journal,
    runtime: Arc<Runtime>,
    // Last, so that everything else is closed when another process may take over.
    _lock: Lock,
}

impl Store {
    /// Makes a state in a fresh directory: the documents of `state` and `files`, in one
    /// commit. The directory is made with mode 0700 when it does not exist.
    ///
    /// When an earlier attempt was cut short after it became durable, it is completed and the
    /// answer is [`StateError::AlreadyInitialised`]; one cut short before left nothing.
    ///
    /// # Errors
    /// [`StateError::AlreadyInitialised`], [`StateError::Foreign`] when other files are in the
    /// way, [`StateError::Locked`], and what the disk says.
    pub fn initialise(
        dir: &StateDir,
        state: &State,
        files: &[(FilePath, Vec<u8>)],
    ) -> Result<(), StateError> {
        dir.create()?;
        dir.check_permissions()?;
        let _lock = Lock::take(dir)?;
        let journal = Journal::new(dir, Box::new(RealDisk::new(dir.foreign_owner()?)));
        initialise(&journal, state, files)?;
        Runtime::open(dir)?;
        Ok(())
    }

    /// Opens the state: takes the lock, completes a commit that was cut short, checks who can
    /// read the format, moves it forward, reads all documents and the runtime database.
    ///
    /// # Errors
    /// [`StateError::NotInitialised`], [`StateError::Locked`], [`StateError::NewerFormat`] (with
    /// every file untouched), [`StateError::Corrupt`] with file, line and the way back,
    /// [`StateError::Insecure`], and what the disk says.
    pub fn open(dir: &StateDir) -> Result<(Self, State), StateError> {
        match dir.presence()? {
            Presence::State => {}
            Presence::Nothing => {
                return Err(StateError::NotInitialised {
                    dir: dir.path().to_owned(),
                });
            }
            Presence::Foreign(path) => return Err(StateError::Foreign { path }),
        }
        dir.check_permissions()?;
        // Before the lock file is touched: a newer state stays byte for byte as it is.
        Format::read(dir)?;
        let lock = Lock::take(dir)?;
        let journal = Journal::new(dir, Box::new(RealDisk::new(dir.foreign_owner()?)));
        let state = open(&journal, MIGRATIONS)?;
        let runtime = Arc::new(Runtime::open(dir)?);
        if runtime.enter_epoch(state.panel.epoch)? {
            tracing::warn!("the state was brought back from elsewhere: everybody signs in anew");
        }
        Ok((
            Self {
                journal,
                runtime,
                _lock: lock,
            },
            state,
        ))
    }

    /// Runs `work` between two commits.
    pub(crate) fn while_nothing_changes<T>(
        &self,
        work: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        self.journal.while_nothing_changes(work)
    }

    /// Voids what was granted for a while before `epoch`: sessions, enrolment tokens, the first
    /// account's secrets. It happens by itself when a state of that epoch is opened.
    ///
    /// # Errors
    /// When the database fails.
    pub fn enter_epoch(&self, epoch: u64) -> Result<(), StateError> {
        self.runtime.enter_epoch(epoch).map(drop)
    }

    /// Where the state lies.
    #[must_use]
    pub fn dir(&self) -> &StateDir {
        &self.journal.dir
    }

    /// Writes all of `commit` or nothing.
    ///
    /// `Ok` means durable: the change is there after a crash, also when it was only
    /// [recorded](Committed::Recorded). `Err` means that the old state holds, now and after a
    /// restart, with one exception that says so: [`StateError::Undecided`].
    ///
    /// # Errors
    /// [`StateError::DiskFull`], [`StateError::NotWritable`] and [`StateError::Io`] for this
    /// commit; [`StateError::Unapplied`] when an earlier one still waits.
    pub fn commit(&self, commit: Commit) -> Result<Committed, StateError> {
        self.journal.commit(commit)
    }

    /// Whether a change was committed that is durable, but not in `tunnels.json` yet.
    #[must_use]
    pub fn is_amended(&self) -> bool {
        self.journal.is_amended()
    }

    /// Brings such changes into `tunnels.json`; `state` is what was committed last.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); nothing is lost then.
    pub fn fold(&self, state: &State) -> Result<(), StateError> {
        self.journal.fold(state)
    }

    /// The content of a file as committed; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, StateError> {
        self.journal.read(path)
    }

    /// The hosts that have a folder below `certificates/`, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn hosts_with_certificates(&self) -> Result<Vec<Hostname>, StateError> {
        self.dir().hosts_with_certificates()
    }

    /// Sessions, tokens, codes, lock-outs and audit.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.journal.dir).finish()
    }
}

/// What [`Store::initialise`] does under the lock.
pub(crate) fn initialise(
    journal: &Journal,
    state: &State,
    files: &[(FilePath, Vec<u8>)],
) -> Result<(), StateError> {
    let dir = &journal.dir;
    Format::read(dir)?;
    journal.recover()?;
    match dir.presence()? {
        Presence::Nothing => {}
        Presence::State => {
            return Err(StateError::AlreadyInitialised {
                dir: dir.path().to_owned(),
            });
        }
        Presence::Foreign(path) => return Err(StateError::Foreign { path }),
    }
    let mut commit = Commit::of(state)?.document(Document::Format, Format::ours().encode())?;
    for (path, bytes) in files {
        commit = commit.write(path, bytes.clone());
    }
    match journal.commit(commit)? {
        Committed::Applied => Ok(()),
        Committed::Recorded(error) => Err(error),
    }
}

/// What [`Store::open`] does under the lock.
pub(crate) fn open(journal: &Journal, migrations: &[Migration]) -> Result<State, StateError> {
    let dir = &journal.dir;
    journal.recover()?;
    let Some(format) = Format::read(dir)? else {
        return Err(StateError::NotInitialised {
            dir: dir.path().to_owned(),
        });
    };
    dir.tidy()?;
    let format = migrate(journal, format, migrations)?;
    journal.restamp(&format);
    let log = Found::read(dir)?;
    journal.continue_log(log.exists, log.bytes);
    let mut state = document::load(dir)?;
    let applied = log.apply(&mut state.tunnels);
    applied.map_err(|fault| Document::Tunnels.corrupt(dir, fault))?;
    if let Err(error) = journal.fold(&state) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "changes of tunnels stay in their log for now"
        );
    }
    Ok(state)
}

/// Takes each step from the format found to ours as a commit of its own.
fn migrate(
    journal: &Journal,
    mut format: Format,
    migrations: &[Migration],
) -> Result<Format, StateError> {
    let done = format.format as usize - 1;
    for migration in migrations.iter().skip(done) {
        format = format.forward();
        tracing::info!(format = format.format, "bringing the state forward");
        let commit = migration(&journal.dir)?.document(Document::Format, format.encode())?;
        if let Committed::Recorded(error) = journal.commit(commit)? {
            return Err(error);
        }
    }
    Ok(format)
}
