//! The files of a site: list, delete, upload.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use portlama_access::Identity;
pub use portlama_model::MAX_SITE_FILE_BYTES as MAX_UPLOAD_FILE_BYTES;
use portlama_model::{Capability, SitePath};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::change::{Change, audit_row, blocking};
use crate::control::Core;
use crate::operations::site_rules::site_for;
use crate::operations::sites::{files_failed, replace, site_of};
use crate::site_files::{SiteFileError, Slot, StagedFile};
use crate::{Control, Listing, OperationError, Refusal};

/// How much of an upload is collected before it goes to the disk, octets: few enough to hold for
/// every parallel upload, many enough that changing threads costs nothing beside writing.
pub const UPLOAD_BUFFER_BYTES: usize = 128 * 1024;
/// How many names of one upload the audit keeps; it always has their number.
const MAX_AUDITED_NAMES: usize = 20;

/// What an upload left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The files saved, in their order.
    pub files: Vec<SitePath>,
    /// Octets of all files of the site.
    pub total_size: u64,
    /// The size above which the admin is warned, when the site exceeds it.
    pub exceeds: Option<u64>,
}

impl Control {
    /// Whether `by` may do with a site what needs `right`; asked before a body is read. What is
    /// done asks again.
    ///
    /// # Errors
    /// When the site is not the caller's, which an agent is told of sites that do not exist, too;
    /// the admin is told that it does not exist.
    pub fn may_use_site(
        &self,
        by: &Identity,
        site: Uuid,
        right: Capability,
    ) -> Result<(), OperationError> {
        site_for(&self.core.state.load(), by, site, right).map(drop)
    }

    /// What lies in a folder of a site, with digests of its files if they are wanted; some may be
    /// missing, and are there when the same is asked again.
    ///
    /// # Errors
    /// When the site is not the caller's or does not exist, or has no such folder.
    pub async fn site_folder(
        &self,
        by: &Identity,
        site: Uuid,
        folder: SitePath,
        with_digests: bool,
    ) -> Result<Listing, OperationError> {
        let core = self.core.clone();
        site_for(&core.state.load(), by, site, Capability::SitesRead)?;
        let listed =
            blocking(move || core.live.site_files().list(site, &folder, with_digests)).await;
        listed.map_err(|error| match error {
            SiteFileError::NoFolder => Refusal::NoSuchFolder.into(),
            error => files_failed(error),
        })
    }

    /// Deletes a file, or a folder with all that is in it. What is not there counts as deleted.
    ///
    /// # Errors
    /// When the site is not the caller's or does not exist, or the path is its root.
    pub async fn delete_site_files(
        &self,
        by: &Identity,
        site: Uuid,
        path: SitePath,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        site_for(&core.state.load(), by, site, Capability::SitesWrite)?;
        if path.is_root() {
            return Err(Refusal::SiteRoot.into());
        }
        let (removing, remover, target) = (core.clone(), by.clone(), path.clone());
        let removed = blocking(move || {
            let files = removing.live.site_files();
            files.while_sites_stay(|| {
                let state = removing.state.load();
                site_for(&state, &remover, site, Capability::SitesWrite)?;
                files.remove(site, &target).map_err(files_failed)
            })
        });
        if removed.await? {
            let told = json!({ "path": path.as_str() });
            core.record_files(by, site, "site.files.delete", told)
                .await?;
        }
        Ok(())
    }

    /// Begins an upload into a folder of a site, which is made when it is missing.
    ///
    /// # Errors
    /// When the site is not the caller's or does not exist, or as many uploads run as may, of the
    /// caller or of everybody.
    pub fn begin_upload(
        &self,
        by: &Identity,
        site: Uuid,
        folder: SitePath,
    ) -> Result<Upload, OperationError> {
        let core = self.core.clone();
        site_for(&core.state.load(), by, site, Capability::SitesWrite)?;
        let slot = core.live.site_files().upload_slot(by.audit_name());
        let slot = slot.ok_or(OperationError::Busy)?;
        Ok(Upload {
            facts: Arc::new(Facts {
                core,
                by: by.clone(),
                site,
            }),
            folder,
            open: None,
            saved: Vec::new(),
            unrecorded: false,
            _slot: slot,
        })
    }
}

/// Files on their way into a site, one after the other. Each appears whole when it is
/// [saved](Self::save_file); an upload that is dropped keeps what was saved.
pub struct Upload {
    facts: Arc<Facts>,
    folder: SitePath,
    open: Option<OpenFile>,
    saved: Vec<SitePath>,
    /// Whether the state does not know the site's size.
    unrecorded: bool,
    _slot: Slot,
}

/// Whose upload it is, and where to.
struct Facts {
    core: Arc<Core>,
    by: Identity,
    site: Uuid,
}

struct OpenFile {
    path: SitePath,
    staged: StagedFile,
    waiting: BytesMut,
}

impl Upload {
    /// Begins a file of this name. A directory part, with either slash, is dropped.
    ///
    /// # Errors
    /// When the name is not one that a file of a site may have.
    pub async fn begin_file(&mut self, name: &str) -> Result<(), OperationError> {
        let path = file_path(&self.folder, name)?;
        let core = self.facts.core.clone();
        let staged = blocking(move || StagedFile::new(core.live.site_files())).await;
        self.open = Some(OpenFile {
            path,
            staged: staged.map_err(files_failed)?,
            waiting: BytesMut::new(),
        });
        Ok(())
    }

    /// Adds to the file.
    ///
    /// # Errors
    /// When the file gets larger than [`MAX_UPLOAD_FILE_BYTES`] or the disk is full; nothing is
    /// left of the file then.
    pub async fn write(&mut self, octets: Bytes) -> Result<(), OperationError> {
        let Some(mut file) = self.open.take() else {
            return Ok(());
        };
        let size = file.staged.size() + file.waiting.len() as u64 + octets.len() as u64;
        if size > MAX_UPLOAD_FILE_BYTES {
            return Err(Refusal::FileTooLarge { path: file.path }.into());
        }
        file.waiting.extend_from_slice(&octets);
        if file.waiting.len() >= UPLOAD_BUFFER_BYTES {
            file = blocking(move || file.flush()).await.map_err(files_failed)?;
        }
        self.open = Some(file);
        Ok(())
    }

    /// Ends the file: durable, and in the site under its name.
    ///
    /// # Errors
    /// When the site was deleted or the caller's right taken away meanwhile, the name is a
    /// folder's, the site has as many files as it may, or the disk is full; nothing is left of the
    /// file then.
    pub async fn save_file(&mut self) -> Result<(), OperationError> {
        let Some(file) = self.open.take() else {
            return Ok(());
        };
        let path = file.path.clone();
        let facts = self.facts.clone();
        // Also when this call is given up half-way.
        let before = std::mem::replace(&mut self.unrecorded, true);
        let saved = blocking(move || file.save(&facts)).await;
        match &saved {
            Ok(()) => self.saved.push(path),
            // Nothing appeared.
            Err(
                OperationError::Refused(_)
                | OperationError::Forbidden { .. }
                | OperationError::NotFound { .. },
            ) => self.unrecorded = before,
            Err(_) => {}
        }
        saved
    }

    /// Writes down what was saved.
    ///
    /// # Errors
    /// When the site was deleted meanwhile, or nothing can be written down; the files stay.
    pub async fn finish(mut self) -> Result<Uploaded, OperationError> {
        let files = std::mem::take(&mut self.saved);
        let facts = self.facts.clone();
        let total_size = if std::mem::take(&mut self.unrecorded) {
            facts.record(&files).await?
        } else {
            site_of(&facts.core.state.load(), facts.site)?.total_size
        };
        let limit = facts.core.state.load().panel.max_site_size;
        Ok(Uploaded {
            files,
            total_size,
            exceeds: (total_size > limit).then_some(limit),
        })
    }
}

impl Drop for Upload {
    /// A connection that was cut leaves files whose size nobody has written down.
    fn drop(&mut self) {
        if !self.unrecorded {
            return;
        }
        let (facts, saved) = (self.facts.clone(), std::mem::take(&mut self.saved));
        let tasks = facts.core.tasks.clone();
        tasks.spawn(async move {
            if let Err(error) = facts.record(&saved).await {
                tracing::warn!(%error, "what a broken upload left could not be written down");
            }
        });
    }
}

impl Facts {
    async fn record(&self, files: &[SitePath]) -> Result<u64, OperationError> {
        let names: Vec<&str> = files.iter().map(SitePath::as_str).collect();
        let names = names.get(..MAX_AUDITED_NAMES).unwrap_or(&names);
        let told = json!({ "count": files.len(), "files": names });
        self.core
            .record_files(&self.by, self.site, "site.files.upload", told)
            .await
    }
}

impl OpenFile {
    fn flush(mut self) -> Result<Self, SiteFileError> {
        self.staged.write(&self.waiting)?;
        self.waiting.clear();
        Ok(self)
    }

    /// Writes the rest and lets it appear, if its site is still there and still the caller's.
    fn save(self, facts: &Facts) -> Result<(), OperationError> {
        let file = self.flush().map_err(files_failed)?;
        file.staged.sync().map_err(files_failed)?;
        let core = &facts.core;
        core.live.site_files().while_sites_stay(|| {
            let state = core.state.load();
            site_for(&state, &facts.by, facts.site, Capability::SitesWrite)?;
            match file.staged.publish(facts.site, &file.path) {
                Err(SiteFileError::Occupied) => Err(Refusal::NameOfAnother(file.path).into()),
                Err(SiteFileError::TooManyFiles) => Err(Refusal::TooManyFiles(file.path).into()),
                done => done.map_err(files_failed),
            }
        })
    }
}

/// Where a file of this name goes.
fn file_path(folder: &SitePath, name: &str) -> Result<SitePath, OperationError> {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let path = folder
        .join(own)
        .map_err(|error| OperationError::invalid("filename", error.to_string()))?;
    if path.has_allowed_extension() {
        Ok(path)
    } else {
        Err(Refusal::FileType(path).into())
    }
}

impl Core {
    /// Writes down what was done to a site's files, and how large it is now.
    async fn record_files(
        self: &Arc<Self>,
        by: &Identity,
        id: Uuid,
        action: &str,
        told: Value,
    ) -> Result<u64, OperationError> {
        let files = self.live.site_files();
        let counting = files.clone();
        let counted = blocking(move || counting.tally(id)).await;
        let counted = counted.map_err(files_failed)?;
        let writer = self.writer().await;
        // Whoever writes last writes what is there now. Somebody in the middle of a change will
        // write after that.
        let size = files.tally_now(id).unwrap_or(counted).size;
        let state = self.state.load_full();
        let mut site = site_of(&state, id)?.clone();
        site.total_size = size;
        site.cert_issued = self.view_site(&site).cert_issued;
        let mut next = portlama_model::State::clone(&state);
        replace(&mut next, &site);
        let audit = audit_row(
            self.live.now(),
            by.audit_name(),
            action,
            &site.fqdn,
            None,
            Some(told),
        );
        let applied = self.apply(writer, Change::new(next, audit)).await;
        applied.map_err(files_stay)?;
        Ok(size)
    }
}

/// The files are as the caller wanted them; what could not be written down is their size.
fn files_stay(error: OperationError) -> OperationError {
    match error {
        OperationError::DiskFull => OperationError::NotDurable {
            disk_full: true,
            source: "the disk is full".into(),
        },
        error => error,
    }
}
