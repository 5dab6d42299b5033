//! Sites from a folder of this machine: what is there, what is here, and what has to be done.
//!
//! Each file is swapped whole; a site of several files is not: between the first and the last of
//! a deploy, visitors see some new files and some old ones. [`Plan`] orders them so that this
//! hurts least.

mod deploy;
mod plan;
mod scan;

use std::path::PathBuf;

use portlama_model::SitePath;
use portlama_pki::Sha256;

pub use deploy::{
    DeployError, LISTING_WAIT, MAX_PARALLEL_REQUESTS, MAX_TRIES, Progress, remote_entries, remove,
    send,
};
pub use plan::{Batch, MAX_BATCH_BYTES, MAX_BATCH_FILES, Plan, RemoteEntry, RemoteKind, plan};
pub use scan::{Scan, ScanError, Unfit, scan};

/// A file that is to be part of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it belongs in the site.
    pub path: SitePath,
    /// Octets.
    pub size: u64,
    /// Of its content.
    pub sha256: Sha256,
    /// Where it lies here.
    pub on_disk: PathBuf,
}
