//! The running server, asked from its own machine by root or by the user it runs as.

mod answer;
mod report;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portlama_control::CHECK_TIMEOUT;
use portlama_control::picture::{Picture, STATE_FORMAT};
use portlama_control_socket::{AskError, Held, Question, ask_and_hold};
use portlama_model::{Domain, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use answer::Local;
pub(crate) use report::{Agents, Expiry, Report};

/// The socket's name, in the run-time directory or in the state directory.
const SOCKET: &str = "control.sock";
/// Where the unit's socket lies (`RuntimeDirectory=portlama`).
const RUNTIME_SOCKET: &str = "/run/portlama/control.sock";

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ask {
    /// How it is; answered with a [`Report`].
    Status,
    /// For a copy of everything; answered with a [`PictureTaken`], and kept while the asker
    /// holds the connection.
    Picture,
    /// For a new admin certificate; answered with a [`ResetDone`].
    ResetAdmin,
}

/// A question to the server of one state directory: a machine may have several.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Asked {
    state_dir: PathBuf,
    ask: Ask,
}

impl Question for Asked {
    fn time_limit(&self) -> Duration {
        match self.ask {
            // Longer than its own ports may take to answer.
            Ask::Status => CHECK_TIMEOUT + Duration::from_secs(10),
            // It waits for the changes that are under way.
            Ask::ResetAdmin => Duration::from_secs(60),
            // Hundreds of thousands of links and a database of gigabytes, on a slow disk.
            Ask::Picture => Duration::from_secs(15 * 60),
        }
    }
}

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Said<T> {
    /// It did, or knows, what was asked.
    Done(T),
    /// It serves another state directory.
    ServesAnother,
    /// It did not, and nothing was changed.
    Refused(String),
}

/// The answer to [`Ask::ResetAdmin`]; the files lie where they always do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResetDone {
    pub(crate) ca_fingerprint: String,
    /// Why the audit does not have it, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_audited: Option<String>,
}

/// The answer to [`Ask::Picture`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PictureTaken {
    /// Its name in the staging folder.
    pub(crate) id: Uuid,
    /// The moment it shows.
    pub(crate) at: Timestamp,
    /// The format of the state in it.
    pub(crate) state_format: u32,
    pub(crate) server_id: Uuid,
    pub(crate) domain: Option<Domain>,
    pub(crate) address: IpAddr,
}

impl PictureTaken {
    pub(crate) fn of(picture: &Picture) -> Self {
        Self {
            id: picture.id(),
            at: picture.at,
            state_format: STATE_FORMAT,
            server_id: picture.panel.server_id,
            domain: picture.panel.domain.clone(),
            address: picture.panel.ip,
        }
    }
}

/// Where the server that serves `state_dir` listens: in the directory that systemd made for its
/// run time, or beside its state.
pub(crate) fn own_socket(state_dir: &Path) -> PathBuf {
    // systemd.exec(5): the directories of `RuntimeDirectory=`, separated by colons.
    let given = std::env::var("RUNTIME_DIRECTORY").unwrap_or_default();
    match given.split(':').next() {
        Some(dir) if !dir.is_empty() => Path::new(dir).join(SOCKET),
        _ => state_dir.join(SOCKET),
    }
}

/// Asks the server that runs over `state_dir`; `None` when none does.
pub(crate) async fn ask<T: DeserializeOwned>(state_dir: &Path, what: Ask) -> Result<Option<T>> {
    Ok(ask_holding(state_dir, what).await?.map(|(said, _)| said))
}

/// The same; what the answer lends is kept until the second value is dropped.
pub(crate) async fn ask_holding<T: DeserializeOwned>(
    state_dir: &Path,
    what: Ask,
) -> Result<Option<(T, Held)>> {
    let Ok(state_dir) = state_dir.canonicalize() else {
        return Ok(None);
    };
    let sockets = [state_dir.join(SOCKET), PathBuf::from(RUNTIME_SOCKET)];
    let question = Asked {
        state_dir,
        ask: what,
    };
    for socket in sockets {
        match ask_and_hold(&socket, &question).await {
            Ok((Said::Done(said), held)) => return Ok(Some((said, held))),
            Ok((Said::Refused(why), _)) => bail!(why),
            Ok((Said::ServesAnother, _)) | Err(AskError::NotRunning { .. }) => {}
            // The installed server's, which does not know this user: a server of their own, if
            // one runs, holds the lock of its state.
            Err(AskError::NoAnswer { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied
                    && socket == Path::new(RUNTIME_SOCKET) => {}
            Err(error) => return Err(error).context("the running server gives no answer"),
        }
    }
    Ok(None)
}
