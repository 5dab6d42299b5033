//! The state in the hands of its one process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use portlama_model::{Hostname, State};

use crate::commit::{Change, Commit, Committed};
use crate::dir::{DIRECTORY_MODE, Presence, StateDir};
use crate::disk::{Disk, RealDisk};
use crate::document::{self, Document, MAX_FILE_BYTES};
use crate::error::OnFile;
use crate::format::{Format, MIGRATIONS, Migration};
use crate::intent;
use crate::lock::Lock;
use crate::runtime::Runtime;
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
        Ok((
            Self {
                journal,
                runtime,
                _lock: lock,
            },
            state,
        ))
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
        self.journal.hosts_with_certificates()
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
fn initialise(
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
fn open(journal: &Journal, migrations: &[Migration]) -> Result<State, StateError> {
    let dir = &journal.dir;
    journal.recover()?;
    let Some(format) = Format::read(dir)? else {
        return Err(StateError::NotInitialised {
            dir: dir.path().to_owned(),
        });
    };
    dir.tidy()?;
    let format = migrate(journal, format, migrations)?;
    journal.inner.lock().restamped = format.restamped();
    document::load(dir)
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

/// The commit protocol on one directory. `docs/state.md` tells it step by step.
struct Journal {
    dir: StateDir,
    disk: Box<dyn Disk>,
    inner: Mutex<Inner>,
}

struct Inner {
    standing: Standing,
    /// `format.json` with our name, until a commit has taken it along.
    restamped: Option<Format>,
}

/// What the last commit left to do.
enum Standing {
    /// Nothing: the files are the state.
    Clean,
    /// These changes are durable in the record and must reach the files before anything else.
    Unapplied(BTreeMap<String, Change>),
    /// A record that was refused may still have its name on the disk.
    Unwithdrawn,
}

impl Journal {
    fn new(dir: &StateDir, disk: Box<dyn Disk>) -> Self {
        let inner = Inner {
            standing: Standing::Clean,
            restamped: None,
        };
        Self {
            dir: dir.clone(),
            disk,
            inner: Mutex::new(inner),
        }
    }

    /// Completes the commit that a crash cut short, if there is one.
    fn recover(&self) -> Result<(), StateError> {
        let Some(changes) = intent::read(&self.dir)? else {
            return Ok(());
        };
        if let Some(Change::Write { bytes, .. }) = changes.get(Document::Format.path()) {
            Format::decode(&self.dir, bytes)?;
        }
        tracing::info!(
            files = changes.len(),
            "completing a change that was cut short"
        );
        self.apply(&changes)
    }

    fn commit(&self, commit: Commit) -> Result<Committed, StateError> {
        let mut inner = self.inner.lock();
        self.clear(&mut inner)?;
        if commit.is_empty() {
            return Ok(Committed::Applied);
        }
        let commit = match &inner.restamped {
            Some(format) if !commit.changes.contains_key(Document::Format.path()) => {
                commit.document(Document::Format, format.encode())?
            }
            _ => commit,
        };
        let record = intent::encode(&commit.changes);
        if record.len() > MAX_FILE_BYTES {
            return Err(StateError::Rejected {
                file: "intent.json".to_owned(),
                problem: format!("the change is larger than {MAX_FILE_BYTES} octets"),
            });
        }
        self.record(&mut inner, &record)?;
        inner.restamped = None;
        match self.apply(&commit.changes) {
            Ok(()) => Ok(Committed::Applied),
            Err(error) => {
                inner.standing = Standing::Unapplied(commit.changes);
                Ok(Committed::Recorded(error))
            }
        }
    }

    /// Ends what the last commit left.
    fn clear(&self, inner: &mut Inner) -> Result<(), StateError> {
        match &inner.standing {
            Standing::Clean => return Ok(()),
            Standing::Unapplied(changes) => {
                self.apply(changes).map_err(|error| StateError::Unapplied {
                    source: Box::new(error),
                })?
            }
            Standing::Unwithdrawn => self.drop_record()?,
        }
        inner.standing = Standing::Clean;
        Ok(())
    }

    /// Makes the record durable; on failure there is none, unless the answer is `Undecided`.
    fn record(&self, inner: &mut Inner, record: &[u8]) -> Result<(), StateError> {
        let path = self.dir.intent_path();
        let temporary = temporary(&path);
        let named = self
            .disk
            .write(&temporary, 0o600, record)
            .and_then(|()| self.disk.rename(&temporary, &path));
        if let Err(source) = named {
            // Without its name it means nothing; the next start sweeps it if this cannot.
            let _ = self.disk.remove(&temporary);
            return Err(StateError::io(&path, source));
        }
        let Err(source) = self.disk.sync_dir(self.dir.path()) else {
            return Ok(());
        };
        let error = StateError::io(self.dir.path(), source);
        if self.drop_record().is_ok() {
            return Err(error);
        }
        inner.standing = Standing::Unwithdrawn;
        Err(StateError::Undecided {
            source: Box::new(error),
        })
    }

    /// Brings recorded changes into the files. Doing it twice is the same as doing it once.
    fn apply(&self, changes: &BTreeMap<String, Change>) -> Result<(), StateError> {
        let mut folders = BTreeSet::new();
        for (path, change) in changes {
            let path = self.dir.path().join(path);
            if let Change::Write { mode, bytes } = change {
                self.make_folders(&path, &mut folders)?;
                let temporary = temporary(&path);
                self.disk.write(&temporary, *mode, bytes).on(&path)?;
            }
        }
        for (path, change) in changes {
            let path = self.dir.path().join(path);
            match change {
                Change::Write { .. } => {
                    self.disk.rename(&temporary(&path), &path).on(&path)?;
                    folders.insert(parent(&path).to_owned());
                }
                Change::Remove => self.remove(&path, &mut folders)?,
            }
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            self.disk.sync_dir(folder).on(folder)?;
        }
        self.drop_record()
    }

    /// Makes the folders that `path` needs and notes whose names changed.
    fn make_folders(&self, path: &Path, changed: &mut BTreeSet<PathBuf>) -> Result<(), StateError> {
        let root = self.dir.path();
        let mut missing: Vec<_> = parent(path)
            .ancestors()
            .take_while(|folder| *folder != root && !folder.is_dir())
            .collect();
        while let Some(folder) = missing.pop() {
            self.disk.create_dir(folder, DIRECTORY_MODE).on(folder)?;
            changed.insert(parent(folder).to_owned());
        }
        Ok(())
    }

    /// Removes a file, and the folder of a host or an agent that it leaves empty.
    fn remove(&self, path: &Path, changed: &mut BTreeSet<PathBuf>) -> Result<(), StateError> {
        self.disk.remove(path).on(path)?;
        let folder = parent(path);
        changed.insert(folder.to_owned());
        let holder = parent(folder);
        if holder.ends_with("certificates") || holder.ends_with("pki/agents") {
            self.disk.remove_empty_dir(folder).on(folder)?;
            changed.insert(holder.to_owned());
        }
        Ok(())
    }

    fn drop_record(&self) -> Result<(), StateError> {
        let path = self.dir.intent_path();
        self.disk.remove(&path).on(&path)?;
        self.disk.sync_dir(self.dir.path()).on(self.dir.path())
    }

    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, StateError> {
        if let Standing::Unapplied(changes) = &self.inner.lock().standing {
            match changes.get(path.as_str()) {
                Some(Change::Write { bytes, .. }) => return Ok(Some(bytes.clone())),
                Some(Change::Remove) => return Ok(None),
                None => {}
            }
        }
        self.dir.read(path)
    }

    fn hosts_with_certificates(&self) -> Result<Vec<Hostname>, StateError> {
        let folder = self.dir.path().join("certificates");
        let entries = match std::fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.on(&folder)?,
        };
        let mut hosts = Vec::new();
        for entry in entries {
            let name = entry.on(&folder)?.file_name();
            hosts.extend(name.to_str().and_then(|name| name.parse::<Hostname>().ok()));
        }
        hosts.sort();
        Ok(hosts)
    }
}

/// The name under which a file is written before it gets its own.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .expect("a file of the state lies in a directory")
}
