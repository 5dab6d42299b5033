//! The socket in the agent's directory, where its owner asks the running agent.
//!
//! A question is one line of JSON, the answer is one, and then the connection ends. The
//! directory is 0700, the socket 0600, and the peer must be the same user (or root).

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portlama_tunnel::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest question, bytes; the longest real one has 20.
pub const MAX_QUESTION_BYTES: u64 = 1024;
/// The longest answer, bytes: a status with tunnels on thousands of ports.
pub const MAX_ANSWER_BYTES: u64 = 8 * 1024 * 1024;
/// Questions that are answered at the same time.
pub const MAX_QUESTIONS: usize = 8;
/// How long one question and its answer may take.
pub const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest path that every system takes for a socket, bytes (`sun_path` of macOS less the
/// final zero).
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
pub enum Ask {
    /// How it is; answered with an [`AgentReport`](crate::AgentReport).
    Status,
    /// To read the allow-list again at once; answered with [`Reloaded`].
    Reload,
}

/// The answer to [`Ask::Reload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Open streams that were cut.
    pub cut: usize,
}

/// Why the running agent did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: the agent is not running.
    #[error("the agent is not running: start it with `portlama agent run`")]
    NotRunning,
    /// It listens and does not answer well.
    #[error("the running agent does not answer at `{}`", .path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// Asks the agent that listens at `path`.
///
/// # Errors
/// When none does, or it gives no answer of this form.
pub async fn ask<A: DeserializeOwned>(path: &Path, question: Ask) -> Result<A, AskError> {
    let answer = timeout(QUESTION_TIMEOUT, exchange(path, question)).await;
    match answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(answer) => Ok(answer),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Err(AskError::NotRunning)
        }
        Err(source) => Err(AskError::NoAnswer {
            path: path.to_owned(),
            source,
        }),
    }
}

async fn exchange<A: DeserializeOwned>(path: &Path, question: Ask) -> io::Result<A> {
    let short = ShortPath::of(path)?;
    let mut stream = UnixStream::connect(short.path()).await?;
    let mut line = serde_json::to_vec(&question)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Answers questions.
pub(crate) trait Answer: Send + Sync + 'static {
    /// The answer as JSON.
    fn answer(&self, question: Ask) -> BoxFuture<'_, io::Result<Vec<u8>>>;
}

/// The listening socket; its file is removed when this is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Listens at `path`. The caller holds the agent's lock, so a socket that is there was left
    /// behind by a process that ended badly.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
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

    /// Answers until `shutdown`.
    pub(crate) async fn serve(self, answers: Arc<dyn Answer>, shutdown: CancellationToken) {
        let turns = Arc::new(Semaphore::new(MAX_QUESTIONS));
        let accept = async {
            loop {
                let Ok(turn) = turns.clone().acquire_owned().await else {
                    return;
                };
                match self.listener.accept().await {
                    Ok((stream, _)) => {
                        let answers = answers.clone();
                        tokio::spawn(async move {
                            let _turn = turn;
                            // Who hangs up or asks nonsense gets no answer; that is all.
                            let _ = timeout(QUESTION_TIMEOUT, answer_one(stream, answers.as_ref()))
                                .await;
                        });
                    }
                    // Out of descriptors: give the others a moment to end.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = accept => {}
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer_one(mut stream: UnixStream, answers: &dyn Answer) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut line = Vec::new();
    (&mut stream)
        .take(MAX_QUESTION_BYTES)
        .read_to_end(&mut line)
        .await?;
    let answer = answers.answer(serde_json::from_slice(&line)?).await?;
    stream.write_all(&answer).await?;
    stream.shutdown().await
}

/// A way to a path that fits into a socket address, however long the path is.
struct ShortPath {
    path: PathBuf,
    // Keeps `/proc/self/fd/N` alive.
    _directory: Option<File>,
}

impl ShortPath {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
            return Ok(Self {
                path: path.to_owned(),
                _directory: None,
            });
        }
        if !cfg!(target_os = "linux") {
            let text = format!(
                "`{}` is longer than {MAX_SOCKET_PATH_BYTES} bytes: choose a shorter --home or --label",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let directory = File::open(parent)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        Ok(Self {
            path: short,
            _directory: Some(directory),
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Answer for Echo {
        fn answer(&self, question: Ask) -> BoxFuture<'_, io::Result<Vec<u8>>> {
            Box::pin(async move {
                match question {
                    Ask::Status => Ok(b"\"well\"".to_vec()),
                    Ask::Reload => Ok(serde_json::to_vec(&Reloaded { cut: 3 })?),
                }
            })
        }
    }

    fn serve(path: &Path) -> CancellationToken {
        let stop = CancellationToken::new();
        let socket = ControlSocket::bind(path).expect("bound");
        tokio::spawn(socket.serve(Arc::new(Echo), stop.clone()));
        stop
    }

    #[tokio::test]
    async fn questions_are_answered_on_a_private_socket() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("agent.sock");
        let _stop = serve(&path);
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            ask::<String>(&path, Ask::Status).await.expect("answered"),
            "well"
        );
        assert_eq!(
            ask::<Reloaded>(&path, Ask::Reload).await.expect("answered"),
            Reloaded { cut: 3 }
        );
    }

    #[tokio::test]
    async fn an_agent_that_does_not_run_is_told_apart() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("agent.sock");
        assert!(matches!(
            ask::<String>(&path, Ask::Status).await,
            Err(AskError::NotRunning)
        ));
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        assert!(matches!(
            ask::<String>(&path, Ask::Status).await,
            Err(AskError::NotRunning)
        ));
        let _stop = serve(&path);
        assert_eq!(
            ask::<String>(&path, Ask::Status).await.expect("answered"),
            "well"
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_directory_of_any_depth_holds_a_socket() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let deep = dir.path().join("d".repeat(120));
        fs::create_dir(&deep).expect("made");
        let path = deep.join("agent.sock");
        let _stop = serve(&path);
        assert_eq!(
            ask::<String>(&path, Ask::Status).await.expect("answered"),
            "well"
        );
    }

    #[tokio::test]
    async fn nonsense_gets_no_answer_and_harms_nobody() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("agent.sock");
        let _stop = serve(&path);
        for nonsense in [&b"{}\n"[..], b"\xff\xff", &[b'{'; 4096]] {
            let mut stream = UnixStream::connect(&path).await.expect("connected");
            let _ = stream.write_all(nonsense).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty());
        }
        assert_eq!(
            ask::<String>(&path, Ask::Status).await.expect("answered"),
            "well"
        );
    }
}
