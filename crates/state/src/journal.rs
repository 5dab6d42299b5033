//! The commit protocol: several files, all or none.
//!
//! 1. The record `intent.json` gets all new contents and a checksum; it is durable once its
//!    name is (write, fsync, rename, fsync of the directory). From here on the commit has
//!    happened.
//! 2. Every file is written under a temporary name and fsynced, then all are renamed, then
//!    their directories are fsynced.
//! 3. The record is removed and the directory fsynced.
//!
//! A small change of many tunnels alone is one line at the end of `tunnels.log` instead (see
//! [`tunnel_log`](crate::tunnel_log)): durable once the line is. Whatever writes `tunnels.json`
//! removes the log in the same record.
//!
//! A start that finds a record does 2 and 3. Doing them twice is the same as doing them once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use portlama_model::State;

use crate::commit::{Change, Commit, Committed};
use crate::dir::{DIRECTORY_MODE, StateDir};
use crate::disk::Disk;
use crate::document::{Document, MAX_FILE_BYTES};
use crate::error::OnFile;
use crate::format::Format;
use crate::tunnel_log::{Amendment, MAX_LOG_BYTES, TUNNEL_LOG};
use crate::{FilePath, StateError, intent};

/// One directory and what its last commit left to do.
pub(crate) struct Journal {
    pub(crate) dir: StateDir,
    disk: Box<dyn Disk>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Changes that are durable in the record and must reach the files before anything else.
    unapplied: Option<BTreeMap<String, Change>>,
    /// `format.json` with our name, until a commit has taken it along.
    restamped: Option<Format>,
    log: Log,
}

/// What the journal knows of `tunnels.log`.
#[derive(Default, Clone, Copy)]
struct Log {
    /// Whether there is such a file, and its name is durable.
    exists: bool,
    /// How many octets of it count.
    bytes: usize,
    /// Whether a line may be in it that was refused, or a record beside it. The next change of
    /// tunnels writes the document and removes the log, which ends the doubt.
    doubtful: bool,
}

impl Log {
    fn takes(self, amendment: &Amendment) -> bool {
        !self.doubtful && self.bytes + amendment.line().len() <= MAX_LOG_BYTES
    }
}

impl Journal {
    pub(crate) fn new(dir: &StateDir, disk: Box<dyn Disk>) -> Self {
        Self {
            dir: dir.clone(),
            disk,
            inner: Mutex::default(),
        }
    }

    /// Completes the commit that a crash cut short, if there is one.
    pub(crate) fn recover(&self) -> Result<(), StateError> {
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

    /// Writes all of `commit` or nothing; see [`crate::Store::commit`].
    pub(crate) fn commit(&self, commit: Commit) -> Result<Committed, StateError> {
        let mut inner = self.inner.lock();
        self.clear(&mut inner)?;
        if commit.is_empty() {
            return Ok(Committed::Applied);
        }
        let mut commit = match &inner.restamped {
            Some(format) if !commit.changes.contains_key(Document::Format.path()) => {
                commit.document(Document::Format, format.encode())?
            }
            _ => commit,
        };
        if let Some(amendment) = commit.amendment.take() {
            if commit.is_empty() && inner.log.takes(&amendment) {
                return self.amend(&mut inner, &amendment);
            }
            commit = commit.tunnels(&amendment.tunnels)?;
        }
        let ends_log = commit.changes.contains_key(Document::Tunnels.path());
        if ends_log && (inner.log.exists || inner.log.doubtful) {
            commit.changes.insert(TUNNEL_LOG.to_owned(), Change::Remove);
        }
        let record = intent::encode(&commit.changes);
        if record.len() > MAX_FILE_BYTES {
            return Err(StateError::Rejected {
                file: "intent.json".to_owned(),
                problem: format!("the change is larger than {MAX_FILE_BYTES} octets"),
            });
        }
        if let Err(error) = self.record(&record) {
            // A record that may be left is ended by the next record, not by a line of the log.
            inner.log.doubtful = true;
            return Err(error);
        }
        inner.restamped = None;
        if ends_log {
            inner.log = Log::default();
        }
        match self.apply(&commit.changes) {
            Ok(()) => Ok(Committed::Applied),
            Err(error) => {
                inner.unapplied = Some(commit.changes);
                Ok(Committed::Recorded(error))
            }
        }
    }

    /// Appends a line to the log; on failure there is none, unless the answer is `Undecided`.
    fn amend(&self, inner: &mut Inner, amendment: &Amendment) -> Result<Committed, StateError> {
        let path = self.dir.tunnel_log_path();
        let Log { exists, bytes, .. } = inner.log;
        let append = |line| self.disk.append(&path, bytes as u64, line).on(&path);
        let sync_name = || self.disk.sync_dir(self.dir.path()).on(self.dir.path());
        let appended = append(amendment.line());
        let appended = appended.and_then(|()| if exists { Ok(()) } else { sync_name() });
        let Err(error) = appended else {
            inner.log.exists = true;
            inner.log.bytes += amendment.line().len();
            return Ok(Committed::Applied);
        };
        // What failed to become durable must not be found by the next start. The file is not
        // appended to again: after a failed fsync nobody knows what the disk holds.
        inner.log.doubtful = true;
        match append(b"") {
            Ok(()) => Err(error),
            Err(_) => Err(StateError::Undecided {
                source: Box::new(error),
            }),
        }
    }

    /// Runs `work` while every commit is in its files and none begins.
    pub(crate) fn while_nothing_changes<T>(
        &self,
        work: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut inner = self.inner.lock();
        self.clear(&mut inner)?;
        work()
    }

    /// Whether there are changes that are not in `tunnels.json` yet.
    pub(crate) fn is_amended(&self) -> bool {
        self.inner.lock().log.bytes > 0
    }

    /// Brings the log into the document; see [`crate::Store::fold`].
    pub(crate) fn fold(&self, state: &State) -> Result<(), StateError> {
        if !self.inner.lock().log.exists {
            return Ok(());
        }
        match self.commit(Commit::new().tunnels(&state.tunnels)?)? {
            Committed::Applied => Ok(()),
            Committed::Recorded(error) => Err(error),
        }
    }

    /// Takes the log over as a start found it.
    pub(crate) fn continue_log(&self, exists: bool, bytes: usize) {
        self.inner.lock().log = Log {
            exists,
            bytes,
            doubtful: false,
        };
    }

    /// Puts our name into `format.json` with the next commit.
    pub(crate) fn restamp(&self, format: &Format) {
        self.inner.lock().restamped = format.restamped();
    }

    /// Ends what the last commit left.
    fn clear(&self, inner: &mut Inner) -> Result<(), StateError> {
        if let Some(changes) = &inner.unapplied {
            self.apply(changes).map_err(|error| StateError::Unapplied {
                source: Box::new(error),
            })?;
            inner.unapplied = None;
        }
        Ok(())
    }

    /// Makes the record durable; on failure there is none, unless the answer is `Undecided`.
    fn record(&self, record: &[u8]) -> Result<(), StateError> {
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
        // A record that cannot be taken back may be found by the next start. Another commit
        // ends the doubt: its record takes the place of this one.
        match self.drop_record() {
            Ok(()) => Err(error),
            Err(_) => Err(StateError::Undecided {
                source: Box::new(error),
            }),
        }
    }

    /// Brings recorded changes into the files. Doing it twice is the same as doing it once.
    fn apply(&self, changes: &BTreeMap<String, Change>) -> Result<(), StateError> {
        let mut folders = BTreeSet::new();
        for (path, change) in changes {
            let path = self.dir.path().join(path);
            // All the way up, and not only where this call makes a folder: an earlier attempt
            // may have made it without coming as far as making its name durable.
            folders.extend(self.folders_of(&path).map(Path::to_owned));
            if let Change::Write { mode, bytes } = change {
                self.make_folders(&path)?;
                self.disk.write(&temporary(&path), *mode, bytes).on(&path)?;
            }
        }
        for (path, change) in changes {
            let path = self.dir.path().join(path);
            match change {
                Change::Write { .. } => self.disk.rename(&temporary(&path), &path).on(&path)?,
                Change::Remove => self.remove(&path)?,
            }
        }
        for folder in folders.iter().filter(|f| self.dir.has_folder(f)) {
            self.disk.sync_dir(folder).on(folder)?;
        }
        self.drop_record()
    }

    /// The folders in which `path` lies, inside out, the state directory last.
    fn folders_of<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Path> {
        path.ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(self.dir.path()))
    }

    fn make_folders(&self, path: &Path) -> Result<(), StateError> {
        let mut missing: Vec<_> = self
            .folders_of(path)
            .filter(|folder| !self.dir.has_folder(folder))
            .collect();
        while let Some(folder) = missing.pop() {
            self.disk.create_dir(folder, DIRECTORY_MODE).on(folder)?;
        }
        Ok(())
    }

    /// Removes a file, and the folder of a host or an agent that it leaves empty.
    fn remove(&self, path: &Path) -> Result<(), StateError> {
        // Below a link lies nothing of ours.
        if !self.folders_of(path).all(|f| self.dir.has_folder(f)) {
            return Ok(());
        }
        self.disk.remove(path).on(path)?;
        let of_one_thing = |folder: &&Path| {
            let holder = folder.parent();
            holder.is_some_and(|holder| {
                holder.ends_with("certificates") || holder.ends_with("pki/agents")
            })
        };
        match self.folders_of(path).next().filter(of_one_thing) {
            Some(folder) => self.disk.remove_empty_dir(folder).on(folder),
            None => Ok(()),
        }
    }

    fn drop_record(&self) -> Result<(), StateError> {
        let path = self.dir.intent_path();
        self.disk.remove(&path).on(&path)?;
        self.disk.sync_dir(self.dir.path()).on(self.dir.path())
    }

    /// The content of a file as committed.
    pub(crate) fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(changes) = &self.inner.lock().unapplied {
            match changes.get(path.as_str()) {
                Some(Change::Write { bytes, .. }) => return Ok(Some(bytes.clone())),
                Some(Change::Remove) => return Ok(None),
                None => {}
            }
        }
        self.dir.read(path)
    }
}

/// The name under which a file is written before it gets its own.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}
