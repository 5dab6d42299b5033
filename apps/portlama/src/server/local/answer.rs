//! The server's side: what it does for whoever asks at its socket.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portlama_control::Control;
use portlama_control_socket::{Answer, BoxFuture, Reply};
use portlama_model::Timestamp;
use tracing::{info, warn};

use super::{Ask, Asked, PictureTaken, Report, ResetDone, Said};

/// How long a copy is kept for whoever reads it: a full disk of the smallest server over a slow
/// line.
const PICTURE_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// The running server behind its socket.
pub(crate) struct Local {
    /// What answers.
    pub(crate) control: Arc<Control>,
    /// The state directory, without links.
    pub(crate) state_dir: PathBuf,
    /// Since when it runs.
    pub(crate) since: Timestamp,
    /// The ports it listens on.
    pub(crate) listening: Vec<std::net::SocketAddr>,
}

impl Answer<Asked> for Local {
    fn answer(&self, question: Asked) -> BoxFuture<'_, io::Result<Reply>> {
        Box::pin(async move {
            if question.state_dir != self.state_dir {
                return Reply::of(&Said::<()>::ServesAnother);
            }
            match question.ask {
                Ask::Status => Reply::of(&Said::Done(Report::of(self).await)),
                Ask::Picture => self.picture().await,
                Ask::ResetAdmin => Reply::of(&self.reset_admin().await),
            }
        })
    }
}

impl Local {
    async fn picture(&self) -> io::Result<Reply> {
        match self.control.picture().await {
            Ok(picture) => {
                info!("a copy of everything was made for a backup");
                let taken = PictureTaken::of(&picture);
                Ok(Reply::of(&Said::Done(taken))?.lending(picture, PICTURE_LIMIT))
            }
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a backup was not made"
                );
                let why = format!("{:#}", anyhow::Error::from(error));
                Reply::of(&Said::<PictureTaken>::Refused(why))
            }
        }
    }

    async fn reset_admin(&self) -> Said<ResetDone> {
        match self.control.reset_admin().await {
            Ok(made) => {
                info!("the admin was reset from this machine: every certificate before is revoked");
                Said::Done(ResetDone {
                    ca_fingerprint: made.ca_fingerprint.to_string(),
                    not_audited: None,
                })
            }
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "the admin was not reset"
                );
                Said::Refused(format!("{:#}", anyhow::Error::from(error)))
            }
        }
    }
}
