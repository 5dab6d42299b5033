//! The side that asks.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::line::{MAX_ANSWER_BYTES, read_line, to_line};
use crate::path::ShortPath;
use crate::{Question, READ_TIMEOUT};

/// Why a running process did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: no such process is running.
    #[error("nobody answers at `{}`", .path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// It listens and does not answer well.
    #[error("no answer at `{}`", .path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// What an answer lent; given back when this is dropped or this process ends.
#[derive(Debug)]
pub struct Held {
    _stream: UnixStream,
}

/// Asks the process that listens at `path`.
///
/// # Errors
/// When none does, or it gives no answer of this form in time.
pub async fn ask<A: DeserializeOwned>(
    path: &Path,
    question: &impl Question,
) -> Result<A, AskError> {
    let (answer, _held) = ask_and_hold(path, question).await?;
    Ok(answer)
}

/// Asks the same, and holds what the answer lends.
///
/// # Errors
/// As [`ask`].
pub async fn ask_and_hold<A: DeserializeOwned>(
    path: &Path,
    question: &impl Question,
) -> Result<(A, Held), AskError> {
    // The process counts its own time; whoever asks waits for its refusal, too.
    let limit = question.time_limit() + READ_TIMEOUT;
    let answer = timeout(limit, exchange(path, question)).await;
    let error = match answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok((answer, stream)) => return Ok((answer, Held { _stream: stream })),
        Err(error) => error,
    };
    let path = path.to_owned();
    Err(match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning { path },
        _ => AskError::NoAnswer {
            path,
            source: error,
        },
    })
}

async fn exchange<A: DeserializeOwned>(
    path: &Path,
    question: &impl Question,
) -> io::Result<(A, UnixStream)> {
    let short = ShortPath::of(path)?;
    let mut stream = UnixStream::connect(short.path()).await?;
    stream.write_all(&to_line(question)?).await?;
    let line = read_line(&mut stream, MAX_ANSWER_BYTES).await?;
    Ok((serde_json::from_slice(&line)?, stream))
}
