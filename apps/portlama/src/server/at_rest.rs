//! What is asked of a server that does not run, done by a process of its own that belongs to
//! the owner of the state directory.
//!
//! The service's user may have put links anywhere below it, so root opens nothing there to write.

use std::any::Any;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use portlama_control::at_rest::{Present, foreign_owner, hold};
use portlama_control::logs::plain;
use portlama_control::picture::at_rest as picture_of;
use portlama_control::reset_admin::reset_admin;
use portlama_control::{Clock as _, SystemClock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::local::{PictureTaken, ResetDone, Said};
use crate::output::Output;
use crate::signals;

/// The longest answer, octets: a picture's head, or an error with its causes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// The longest reason that is shown, octets.
pub(crate) const MAX_REASON_BYTES: usize = 4096;
/// How long an answer may take: hundreds of thousands of links and a database of gigabytes, on
/// a slow disk.
const ANSWER_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long the process may take to end: it removes the copy first.
const END_LIMIT: Duration = Duration::from_secs(60);

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    /// To keep a server from starting; answered with a [`Holding`].
    Hold,
    /// For a copy of everything; answered with a [`PictureTaken`].
    Picture,
    /// For a new admin certificate; answered with a [`ResetDone`].
    ResetAdmin,
}

/// The answer to [`Task::Hold`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Holding {
    /// No server starts there, and no change is half done.
    Held,
    /// There is no state.
    Nothing,
    /// There is one that cannot be opened, for this reason: no server can start there either.
    Unreadable(String),
}

/// The process and what it keeps: lock, copy. It gives them back when this is dropped.
pub(crate) struct Kept {
    // Closing its standard input ends it.
    child: Child,
}

impl Kept {
    /// Gives them back and waits until they are.
    pub(crate) async fn give_back(mut self) {
        drop(self.child.stdin.take());
        let _ = timeout(END_LIMIT, self.child.wait()).await;
    }
}

/// Asks a process of the owner of `state_dir`, whose server does not run.
pub(crate) async fn ask_owner<T: DeserializeOwned>(
    state_dir: &Path,
    task: Task,
) -> Result<(T, Kept)> {
    let task = task.to_possible_value();
    let task = task.context("every task has a word")?;
    let mut command = Command::new(program()?);
    command
        .args(["server", "at-rest", task.get_name(), "--state-dir"])
        .arg(std::path::absolute(state_dir)?)
        .current_dir("/")
        // Nothing of root's for another user to read, and nothing of another user's onto root's
        // terminal.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("this program does not start")?;
    let output = child.stdout.take().context("its output is piped")?;
    let mut line = Vec::new();
    let mut output = BufReader::new(output.take(MAX_ANSWER_BYTES));
    timeout(ANSWER_LIMIT, output.read_until(b'\n', &mut line))
        .await
        .context("the state directory's owner takes too long")??;
    let said = serde_json::from_slice(&line);
    match said.context("the process of the state directory's owner ended without an answer")? {
        Said::Done(said) => Ok((said, Kept { child })),
        Said::Refused(why) => bail!(plain(&why, MAX_REASON_BYTES)),
        Said::ServesAnother => bail!("it speaks of another server"),
    }
}

/// Does one thing as the owner of a state directory; keeps what it made until standard input ends.
#[derive(Debug, Args)]
pub(crate) struct AtRestArguments {
    task: Task,
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
}

/// Becomes the owner, does it, says it, keeps it.
pub(crate) async fn run(arguments: AtRestArguments, output: Output) -> Result<ExitCode> {
    let AtRestArguments { task, state_dir } = arguments;
    // Away from the terminal: Ctrl-C there must not end this before it has cleaned up, and
    // another user's process must not type into root's (TIOCSTI).
    let _ = rustix::process::setsid();
    let (said, kept) = match foreign_owner(&state_dir) {
        Some(owner) => (Said::Refused(become_owner(owner, task, &state_dir)?), None),
        None => {
            let done = tokio::task::spawn_blocking(move || carry_out(task, &state_dir));
            match done.await? {
                Ok((said, kept)) => (Said::Done(said), kept),
                Err(error) => (Said::Refused(format!("{error:#}")), None),
            }
        }
    };
    output.document(&said);
    if kept.is_some() {
        signals::asked_to_stop(true).await?;
    }
    drop(kept);
    Ok(ExitCode::SUCCESS)
}

/// Runs this program again as the owner; returns only when that fails, with the reason.
fn become_owner((user, group): (u32, u32), task: Task, state_dir: &Path) -> Result<String> {
    let task = task.to_possible_value().context("every task has a word")?;
    // The standard library gives the other groups of root up as well.
    let error = std::process::Command::new(program()?)
        .args(["server", "at-rest", task.get_name(), "--state-dir"])
        .arg(state_dir)
        .uid(user)
        .gid(group)
        .exec();
    Ok(format!(
        "this program cannot be run by user {user}, whom the state belongs to ({error}): let everybody run it, with `chmod a+rx`"
    ))
}

/// This program, also where its folder is shut to the owner or a new version has its name.
fn program() -> Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe().context("the system does not tell which program this is"),
    }
}

/// What is dropped at the end.
type ToKeep = Option<Box<dyn Any + Send>>;

fn carry_out(task: Task, state_dir: &Path) -> Result<(Value, ToKeep)> {
    match task {
        Task::Hold => {
            let (said, kept): (_, ToKeep) = match hold(state_dir)? {
                Present::Held(held) => (Holding::Held, Some(Box::new(held))),
                Present::Nothing => (Holding::Nothing, None),
                Present::Unreadable(error) => {
                    let why = format!("{:#}", anyhow::Error::from(error));
                    (Holding::Unreadable(why), None)
                }
            };
            Ok((serde_json::to_value(said)?, kept))
        }
        Task::Picture => {
            let (picture, lock) = picture_of(state_dir, SystemClock.now())?;
            let taken = PictureTaken::of(&picture);
            // The picture goes first.
            Ok((
                serde_json::to_value(taken)?,
                Some(Box::new((picture, lock))),
            ))
        }
        Task::ResetAdmin => {
            let made = reset_admin(state_dir, SystemClock.now())?;
            let why = made.not_audited.map(anyhow::Error::from);
            let done = ResetDone {
                ca_fingerprint: made.ca_fingerprint.to_string(),
                not_audited: why.map(|why| format!("{why:#}")),
            };
            Ok((serde_json::to_value(done)?, None))
        }
    }
}
