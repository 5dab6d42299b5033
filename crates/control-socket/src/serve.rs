//! The side that answers.

use std::any::Any;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Question;
use crate::line::{MAX_QUESTION_BYTES, read_line, to_line};
use crate::path::ShortPath;

/// Questions that are answered at the same time.
pub const MAX_QUESTIONS: usize = 8;
/// How long a question may take to arrive, and an answer to be taken.
pub const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait when the process has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A future that can be kept in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers questions.
pub trait Answer<Q>: Send + Sync + 'static {
    /// What is said. An error hangs up without a word.
    fn answer(&self, question: Q) -> BoxFuture<'_, io::Result<Reply>>;
}

/// An answer.
pub struct Reply {
    line: Vec<u8>,
    lent: Option<(Box<dyn Any + Send>, Duration)>,
}

impl Reply {
    /// This value.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(value: &impl Serialize) -> io::Result<Self> {
        Ok(Self {
            line: to_line(value)?,
            lent: None,
        })
    }

    /// The same; `thing` is dropped when the asker hangs up, and after `most` at the latest.
    #[must_use]
    pub fn lending(self, thing: impl Any + Send, most: Duration) -> Self {
        Self {
            lent: Some((Box::new(thing), most)),
            ..self
        }
    }
}

/// The listening socket; its file is removed when this is dropped.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Listens at `path`. The caller holds a lock that no second process can have, so a socket
    /// that is there was left behind by a process that ended badly.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let short = ShortPath::of(path)?;
        let listener = UnixListener::bind(short.path())?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Answers until `shutdown`. What was begun by then is cut.
    pub async fn serve<Q: Question + DeserializeOwned>(
        self,
        answers: Arc<dyn Answer<Q>>,
        shutdown: CancellationToken,
    ) {
        let (turns, tasks) = (Arc::new(Semaphore::new(MAX_QUESTIONS)), TaskTracker::new());
        let accept = async {
            loop {
                let Ok(turn) = turns.clone().acquire_owned().await else {
                    return;
                };
                match self.listener.accept().await {
                    Ok((stream, _)) => {
                        let (answers, shutdown) = (answers.clone(), shutdown.clone());
                        tasks.spawn(async move {
                            let _turn = turn;
                            // Who hangs up or asks nonsense gets no answer; that is all.
                            let answering = answer_one(stream, answers.as_ref());
                            let _ = shutdown.run_until_cancelled(answering).await;
                        });
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        };
        shutdown.run_until_cancelled(accept).await;
        // What was lent is given back before the process goes on to end.
        tasks.close();
        tasks.wait().await;
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer_one<Q: Question + DeserializeOwned>(
    mut stream: UnixStream,
    answers: &dyn Answer<Q>,
) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let line = timeout(READ_TIMEOUT, read_line(&mut stream, MAX_QUESTION_BYTES)).await??;
    let question: Q = serde_json::from_slice(&line)?;
    let limit = question.time_limit();
    let Reply { line, lent } = timeout(limit, answers.answer(question)).await??;
    timeout(READ_TIMEOUT, stream.write_all(&line)).await??;
    if let Some((_thing, most)) = lent {
        // The asker says nothing more: whatever comes, it is the end.
        let _ = timeout(most, stream.read_u8()).await;
    }
    Ok(())
}
