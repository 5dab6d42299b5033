//! A copy of the whole server as it is at one moment, for as long as somebody reads it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portlama_model::{PanelConfig, State, Timestamp};
use portlama_state::{StateDir, StateError, Store};
use uuid::Uuid;

pub use portlama_state::FORMAT as STATE_FORMAT;

use crate::change::{blocking, not_done};
use crate::site_files::{SITES, STAGING};
use crate::{Control, OperationError, SiteFiles, Step};

/// A copy of documents, keys, certificates, database and the files of sites. It lies below
/// `sites/.staging/` of the state directory and goes when this is dropped.
#[derive(Debug)]
pub struct Picture {
    id: Uuid,
    path: PathBuf,
    /// The moment it shows.
    pub at: Timestamp,
    /// Whose it is.
    pub panel: PanelConfig,
}

impl Picture {
    /// Its name; [`way`] says where that lies.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a copy of the state stays in the staging folder until the next start");
        }
    }
}

/// The way from the state directory to the picture of this name: in the staging folder, where the
/// next start removes what a crash leaves.
#[must_use]
pub fn way(id: Uuid) -> PathBuf {
    Path::new(SITES).join(STAGING).join(id.to_string())
}

impl Control {
    /// Makes a copy of everything as it is between two changes. Changes and uploads wait while
    /// it is made; visitors don't.
    ///
    /// # Errors
    /// When there is no room, or a denial is not on the disk yet.
    pub async fn picture(&self) -> Result<Picture, OperationError> {
        let core = &self.core;
        if !core.make_durable().await {
            return Err(OperationError::DiskFull);
        }
        let writer = core.writer().await;
        let (store, files) = (core.store.clone(), core.live.site_files().clone());
        let (state, at) = (core.state.load_full(), core.live.now());
        blocking(move || {
            let made = take(&store, &files, &state, at);
            drop(writer);
            made
        })
        .await
    }
}

/// The same of a server that does not run. The second value holds its lock, so that it does not
/// start meanwhile.
///
/// # Errors
/// [`StateError::Locked`] while it runs, and what the disk says.
pub fn at_rest(dir: &Path, now: Timestamp) -> Result<(Picture, Store), PictureError> {
    let (store, state) = Store::open(&StateDir::new(dir))?;
    let files = SiteFiles::start(dir, &state).map_err(PictureError::Sites)?;
    let picture = take(&store, &Arc::new(files), &state, now).map_err(PictureError::NotMade)?;
    Ok((picture, store))
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There is no server, it runs, or the disk refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// The folder of the static sites cannot be used.
    #[error("`sites/` in the state directory cannot be opened")]
    Sites(#[source] io::Error),
    /// It could not be written.
    #[error(transparent)]
    NotMade(OperationError),
}

fn take(
    store: &Store,
    files: &Arc<SiteFiles>,
    state: &State,
    at: Timestamp,
) -> Result<Picture, OperationError> {
    let id = Uuid::new_v4();
    let path = store.dir().path().join(way(id));
    // From here on dropping it takes back what there is of it.
    let picture = Picture {
        id,
        path,
        at,
        panel: state.panel.clone(),
    };
    store.copy_to(&picture.path).map_err(not_done)?;
    let linked = files.link_all(&picture.path.join(SITES));
    linked.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OperationError::DiskFull,
        _ => OperationError::Failed {
            step: Step::Directory,
            source: error.into(),
        },
    })?;
    Ok(picture)
}
