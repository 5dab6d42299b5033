//! Carrying a plan out.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use portlama_api::client::{ClientError, OutgoingFile, PanelClient};
use portlama_api::{Site, SiteFile, SiteFileType, SiteFiles};
use portlama_model::SitePath;
use portlama_pki::Sha256;

use super::{Batch, LocalFile, MAX_BATCH_BYTES, Plan, RemoteEntry, RemoteKind};

/// How many requests run at once: a server takes four uploads of one agent. Each holds its files
/// in memory.
pub const MAX_PARALLEL_REQUESTS: usize = 4;
/// How often a request is made that the server is too busy for, or that the network lost.
pub const MAX_TRIES: u32 = 5;
/// How long the server may go on hashing a folder without getting further.
pub const LISTING_WAIT: Duration = Duration::from_secs(10);

/// How long is waited before a listing is asked for again.
const LISTING_PAUSE: Duration = Duration::from_millis(200);
/// How long is waited after the first failure; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// So many files.
    pub files: usize,
    /// Of so many octets.
    pub octets: u64,
}

/// Why a deploy ended early. What was sent by then stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The panel refused, or was not reached.
    #[error(transparent)]
    Panel(#[from] ClientError),
    /// The site's own folder is too full to be compared.
    #[error(
        "the folder `{0}` of the site holds more files than the server lists, so it cannot be compared"
    )]
    TooManyToList(SitePath),
    /// The server lists something that this version does not know.
    #[error(
        "the server lists `{0}`, which is no path of a site: is this program older than the server?"
    )]
    UnknownPath(String),
    /// A file changed between comparing and sending.
    #[error(
        "`{0}` was changed while it was being sent: deploy again when nothing writes into the folder"
    )]
    Changed(SitePath),
    /// A file cannot be read any more.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// Which.
        path: SitePath,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Everything that lies in a site.
///
/// # Errors
/// When the panel does not list it all.
pub async fn remote_entries(
    panel: &PanelClient,
    site: &Site,
) -> Result<Vec<RemoteEntry>, DeployError> {
    let mut entries = vec![];
    let mut folders = vec![SitePath::root()];
    while !folders.is_empty() {
        let listing = stream::iter(folders.drain(..))
            .map(|folder| list(panel, site, folder))
            .buffer_unordered(MAX_PARALLEL_REQUESTS);
        let listed: Vec<Vec<RemoteEntry>> = listing.try_collect().await?;
        let found = entries.len();
        entries.extend(listed.into_iter().flatten());
        let new = entries.get(found..).unwrap_or_default().iter();
        folders = new
            .filter(|entry| entry.kind == RemoteKind::Folder)
            .map(|entry| entry.path.clone())
            .collect();
    }
    Ok(entries)
}

/// What lies in one folder. The server hashes so much at a time, and is asked until it has all;
/// a file whose digest it does not find counts as another.
async fn list(
    panel: &PanelClient,
    site: &Site,
    folder: SitePath,
) -> Result<Vec<RemoteEntry>, DeployError> {
    let (mut waited, mut missing) = (Duration::ZERO, usize::MAX);
    loop {
        let listed = again(|| panel.site_files(site.id, &folder)).await?;
        if listed.truncated {
            return Err(DeployError::TooManyToList(folder));
        }
        let now = without_digest(&listed);
        if now == 0 || waited >= LISTING_WAIT {
            return listed.files.into_iter().map(entry).collect();
        }
        waited = if now < missing {
            Duration::ZERO
        } else {
            waited + LISTING_PAUSE
        };
        missing = missing.min(now);
        tokio::time::sleep(LISTING_PAUSE).await;
    }
}

fn without_digest(listed: &SiteFiles) -> usize {
    let files = listed.files.iter();
    files
        .filter(|file| file.kind == SiteFileType::File && file.sha256.is_none())
        .count()
}

fn entry(file: SiteFile) -> Result<RemoteEntry, DeployError> {
    let Ok(path) = file.relative_path.parse() else {
        return Err(DeployError::UnknownPath(file.relative_path));
    };
    let kind = match file.kind {
        SiteFileType::Directory => RemoteKind::Folder,
        SiteFileType::File => RemoteKind::File(file.sha256),
    };
    Ok(RemoteEntry { path, kind })
}

/// Sends what is new and changed, and tells of each step. Answers with what the server warns of.
///
/// # Errors
/// When a file changed meanwhile, or the panel refuses.
pub async fn send(
    panel: &PanelClient,
    site: &Site,
    plan: &Plan,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Option<String>, DeployError> {
    let mut warning = None;
    for batches in plan.stages() {
        let parallel = parallel(&batches);
        let sending = stream::iter(batches)
            .map(|batch| send_batch(panel, site, batch))
            .buffer_unordered(parallel);
        let mut sending = std::pin::pin!(sending);
        while let Some((done, warned)) = sending.try_next().await? {
            progress(done);
            warning = warned.or(warning);
        }
    }
    Ok(warning)
}

/// Large files go one at a time: side by side they would take memory and be no faster.
fn parallel(batches: &[Batch]) -> usize {
    let is_large = |batch: &Batch| batch.iter().any(|file| file.size > MAX_BATCH_BYTES);
    if batches.iter().any(is_large) {
        1
    } else {
        MAX_PARALLEL_REQUESTS
    }
}

async fn send_batch(
    panel: &PanelClient,
    site: &Site,
    batch: Batch,
) -> Result<(Progress, Option<String>), DeployError> {
    let done = Progress {
        files: batch.len(),
        octets: batch.iter().map(|file| file.size).sum(),
    };
    let folder = batch.first().and_then(|file| file.path.parent());
    let folder = folder.unwrap_or_else(SitePath::root);
    let reading = tokio::task::spawn_blocking(move || batch.iter().map(outgoing).collect());
    let files: Result<Vec<_>, _> = match reading.await {
        Ok(read) => read,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let files = files?;
    let answer = again(|| panel.upload_site_files(site.id, &folder, &files)).await?;
    Ok((done, answer.warning))
}

/// The file as it was compared.
fn outgoing(file: &LocalFile) -> Result<OutgoingFile, DeployError> {
    let path = || file.path.clone();
    let content = std::fs::read(&file.on_disk).map_err(|source| DeployError::Unreadable {
        path: path(),
        source,
    })?;
    if Sha256::of(&content) != file.sha256 {
        return Err(DeployError::Changed(path()));
    }
    Ok(OutgoingFile {
        name: file.path.file_name().unwrap_or_default().to_owned(),
        content: content.into(),
    })
}

/// Removes files, and folders with all that is in them.
///
/// # Errors
/// When the panel refuses.
pub async fn remove(
    panel: &PanelClient,
    site: &Site,
    paths: &[SitePath],
) -> Result<(), DeployError> {
    let removing = stream::iter(paths)
        .map(|path| again(move || panel.delete_site_file(site.id, path)))
        .buffer_unordered(MAX_PARALLEL_REQUESTS);
    Ok(removing.try_collect().await?)
}

/// Asks again when the server is busy or the network failed: each of these requests may be
/// carried out twice.
async fn again<T, F>(mut ask: impl FnMut() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..MAX_TRIES {
        match ask().await {
            Err(error) if is_passing(&error) => tokio::time::sleep(pause).await,
            answered => return answered,
        }
        pause *= 2;
    }
    ask().await
}

fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Connection { .. } => true,
        error => matches!(error.status(), Some(429 | 503)),
    }
}
