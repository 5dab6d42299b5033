//! A release and its signature are fetched into a folder of the caller's, and are files there
//! only once the signature holds.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use portlama_dial::{DownloadError, DownloadLimits, Https, TrustError, public_tls};
use portlama_model::{ReleaseSource, ReleaseVersion};
use tokio::task::spawn_blocking;

use super::{
    MAX_RELEASE_BYTES, MAX_SIGNATURE_BYTES, ReleaseError, ReleaseKeys, TARGET, signature_of, verify,
};

/// How long nothing may come of a release: a line that is that slow is no line.
pub const FETCH_SILENCE: Duration = Duration::from_secs(20);
/// How long a release may take: 25 MB in that time are 1 Mbit/s.
pub const FETCH_LIMIT: Duration = Duration::from_secs(200);

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is none.
    #[error("`{address}` is no address: `releases.url` of panel.json is https://…")]
    Address {
        /// What was made of the settings.
        address: String,
    },
    /// Nobody to believe.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It did not come.
    #[error("the release could not be fetched: {0}")]
    Download(#[from] DownloadError),
    /// It came and is none.
    #[error("what was fetched is no release: {0}")]
    Release(#[from] ReleaseError),
    /// Another one came.
    #[error("version {asked} was asked for, and {found} came")]
    AnotherVersion {
        /// What was asked for.
        asked: ReleaseVersion,
        /// What is signed.
        found: ReleaseVersion,
    },
    /// It cannot be kept.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Fetches the release of a version into `folder`, which is made if it is not there: the file
/// `release` and its signature. `progress` is told the octets so far, and all there will be if
/// that is known.
///
/// # Errors
/// [`FetchError`]; the folder has no `release` then.
pub async fn fetch(
    source: &ReleaseSource,
    version: &ReleaseVersion,
    folder: &Path,
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<PathBuf, FetchError> {
    let release = folder.join("release");
    let signature = signature_of(&release);
    let parts = Parts::new(folder)?;
    for old in [&release, &signature] {
        remove(old)?;
    }
    let ca_file = source.ca_file.clone().map(PathBuf::from);
    let tls = on_a_thread(move || public_tls(ca_file.as_deref())).await?;
    let https = Https::new(tls);
    let address = source.address(version, TARGET);
    // The signature first: where that is not, the rest need not come.
    parts
        .fetch(
            &https,
            &format!("{address}.minisig"),
            &parts.signature,
            MAX_SIGNATURE_BYTES,
            &mut |_, _| {},
        )
        .await?;
    parts
        .fetch(
            &https,
            &address,
            &parts.release,
            MAX_RELEASE_BYTES,
            progress,
        )
        .await?;
    parts.check(version).await?;
    rename(&parts.signature, &signature)?;
    rename(&parts.release, &release)?;
    Ok(release)
}

/// Files on their way, gone with this value.
struct Parts {
    release: PathBuf,
    signature: PathBuf,
}

impl Parts {
    fn new(folder: &Path) -> Result<Self, FetchError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| cannot_write(folder, source))?;
        let parts = Self {
            release: folder.join("release.part"),
            signature: folder.join("release.minisig.part"),
        };
        parts.remove()?;
        Ok(parts)
    }

    fn remove(&self) -> Result<(), FetchError> {
        remove(&self.release)?;
        remove(&self.signature)
    }

    async fn fetch(
        &self,
        https: &Https,
        address: &str,
        to: &Path,
        bytes: u64,
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<(), FetchError> {
        let address: Uri = address.parse().map_err(|_| FetchError::Address {
            address: address.to_owned(),
        })?;
        let limits = DownloadLimits {
            bytes,
            silence: FETCH_SILENCE,
            whole: FETCH_LIMIT,
        };
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(|source| cannot_write(to, source))?;
        let mut file = tokio::fs::File::from_std(file);
        https
            .download(&address, limits, &mut file, progress)
            .await?;
        Ok(())
    }

    async fn check(&self, version: &ReleaseVersion) -> Result<(), FetchError> {
        let (release, signature) = (self.release.clone(), self.signature.clone());
        let claim = on_a_thread(move || {
            let signature = std::fs::read_to_string(signature)?;
            verify(
                std::fs::File::open(release)?,
                &signature,
                &ReleaseKeys::compiled_in(),
            )
        })
        .await?;
        if claim.version == *version {
            return Ok(());
        }
        Err(FetchError::AnotherVersion {
            asked: version.clone(),
            found: claim.version,
        })
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // What stays is removed by the next.
        let _ = self.remove();
    }
}

async fn on_a_thread<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(act)
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, error)),
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), FetchError> {
    std::fs::rename(from, to).map_err(|source| cannot_write(to, source))
}

fn cannot_write(path: &Path, source: io::Error) -> FetchError {
    FetchError::Write {
        path: path.to_owned(),
        source,
    }
}
