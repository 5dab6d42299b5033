//! SSH to one machine whose host key is known before the first contact.

mod key;
mod lines;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use key::{HostKey, SshKeyPair};
use lines::Lines;
pub use lines::MAX_LINE_BYTES;
use russh::client::{self, Handle};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect, Preferred};
use tokio::time::timeout;
pub use transfer::{MAX_SENT_BYTES, Sent};

/// Who is logged in as: nobody else is on a new machine.
const USER: &str = "root";
/// How long connecting and logging in may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the other end may be silent before it is asked whether it is still there.
pub const SILENCE: Duration = Duration::from_secs(15);
/// How often it may leave that question open before the connection counts as lost.
pub const SILENCES: usize = 3;
/// The most that a command may write, octets: the talk of an installation has less than 100 KiB.
pub const MAX_OUTPUT_BYTES: usize = 8 * 1024 * 1024;
/// How long leaving may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why SSH did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// A key could not be made or read.
    #[error("an SSH key cannot be used: {0}")]
    Key(String),
    /// Nobody answers yet.
    #[error("{address} does not answer by SSH: {reason}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// Somebody else answers.
    #[error(
        "{address} is not the machine that was made: it shows the host key {found}. Somebody may be listening in between"
    )]
    WrongHostKey {
        /// Where.
        address: SocketAddr,
        /// The fingerprint that was found.
        found: String,
    },
    /// Our key is not taken.
    #[error("{address} does not take the key")]
    Denied {
        /// Where.
        address: SocketAddr,
    },
    /// The connection ended.
    #[error("the connection to {address} broke off: {reason}")]
    Broken {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// A command said no.
    #[error("{doing} failed with {code}{}", last_words(.words))]
    Failed {
        /// What was done, in words.
        doing: String,
        /// Its exit code.
        code: u32,
        /// Its last words.
        words: String,
    },
    /// It takes too long.
    #[error("{doing} took longer than {} s", .limit.as_secs_f32())]
    TimedOut {
        /// What was done, in words.
        doing: String,
        /// How long was waited.
        limit: Duration,
    },
    /// It says too much.
    #[error("{doing} wrote more than {limit} octets")]
    TooMuch {
        /// What was done, in words.
        doing: String,
        /// How much is read.
        limit: usize,
    },
    /// A file here.
    #[error("cannot read `{}`: {reason}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What arrived is something else.
    #[error("`{to}` arrived damaged at {address}: its SHA-256 is another")]
    Damaged {
        /// Where.
        address: SocketAddr,
        /// The file there.
        to: String,
    },
}

fn last_words(words: &str) -> String {
    match words {
        "" => String::new(),
        words => format!(": {words}"),
    }
}

impl SshError {
    /// Whether a machine that is starting may answer so.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Denied { .. }
        )
    }
}

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Something to run. The words for people never hold a secret, and neither may the command: it
/// stands in the list of processes there.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// What it does, for messages.
    pub doing: &'a str,
    /// What the shell there is given.
    pub line: &'a str,
    /// How long it may take.
    pub limit: Duration,
}

/// Believes one key.
struct Pin {
    expected: HostKey,
    found: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Pin {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = presented else {
            return Ok(false);
        };
        let is_expected = self.expected.is(key);
        if !is_expected && let Ok(mut found) = self.found.lock() {
            *found = Some(key.fingerprint(Default::default()).to_string());
        }
        Ok(is_expected)
    }
}

/// A connection.
pub struct Ssh {
    handle: Handle<Pin>,
    address: SocketAddr,
}

impl Ssh {
    /// Connects as `root` to the machine that has this host key.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn connect(
        address: SocketAddr,
        key: &SshKeyPair,
        host_key: &HostKey,
    ) -> Result<Self, SshError> {
        let connecting = Self::connect_without_limit(address, key, host_key);
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(SshError::Unreachable {
                address,
                reason: format!("silent for {} s", CONNECT_TIMEOUT.as_secs()),
            }),
        }
    }

    async fn connect_without_limit(
        address: SocketAddr,
        key: &SshKeyPair,
        host_key: &HostKey,
    ) -> Result<Self, SshError> {
        let found = Arc::new(Mutex::new(None));
        let pin = Pin {
            expected: host_key.clone(),
            found: Arc::clone(&found),
        };
        let unreachable = |error: russh::Error| SshError::Unreachable {
            address,
            reason: error.to_string(),
        };
        let connected = client::connect(config(), address, pin).await;
        let mut handle = connected.map_err(|error| {
            let found = found.lock().ok().and_then(|mut found| found.take());
            match found {
                Some(found) => SshError::WrongHostKey { address, found },
                None => unreachable(error),
            }
        })?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.private().clone()), None);
        let taken = handle
            .authenticate_publickey(USER, key)
            .await
            .map_err(unreachable)?;
        match taken.success() {
            true => Ok(Self { handle, address }),
            false => Err(SshError::Denied { address }),
        }
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a command to its end and gives back its exit code. Every line is told as it comes.
    ///
    /// # Errors
    /// [`SshError::Broken`] when it does not end by itself, [`SshError::TimedOut`],
    /// [`SshError::TooMuch`].
    pub async fn run(
        &self,
        command: Command<'_>,
        mut on_line: impl FnMut(Stream, &str) + Send,
    ) -> Result<u32, SshError> {
        let running = self.run_without_limit(command, &mut on_line);
        timeout(command.limit, running)
            .await
            .map_err(|_| SshError::TimedOut {
                doing: command.doing.to_owned(),
                limit: command.limit,
            })?
    }

    async fn run_without_limit(
        &self,
        command: Command<'_>,
        on_line: &mut (impl FnMut(Stream, &str) + Send),
    ) -> Result<u32, SshError> {
        let mut channel = self
            .handle
            .channel_open_session()
            .await
            .map_err(|error| self.broken(error))?;
        channel
            .exec(true, command.line)
            .await
            .map_err(|error| self.broken(error))?;
        let (mut out, mut err) = (Lines::default(), Lines::default());
        let (mut code, mut read) = (None, 0);
        // Output may come after the exit code, so the channel is read to its end.
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    read += data.len();
                    out.take(&data, &mut |line| on_line(Stream::Out, line));
                }
                ChannelMsg::ExtendedData { data, .. } => {
                    read += data.len();
                    err.take(&data, &mut |line| on_line(Stream::Err, line));
                }
                ChannelMsg::ExitStatus { exit_status } => code = Some(exit_status),
                _ => {}
            }
            if read > MAX_OUTPUT_BYTES {
                return Err(SshError::TooMuch {
                    doing: command.doing.to_owned(),
                    limit: MAX_OUTPUT_BYTES,
                });
            }
        }
        out.end(&mut |line| on_line(Stream::Out, line));
        err.end(&mut |line| on_line(Stream::Err, line));
        // No code is a lost connection, not a success.
        code.ok_or_else(|| self.broken(format!("{} has no exit code", command.doing)))
    }

    /// Runs a command and gives back what it wrote to standard output.
    ///
    /// # Errors
    /// [`SshError`]; [`SshError::Failed`] when it ends with another code than 0.
    pub async fn output(&self, command: Command<'_>) -> Result<String, SshError> {
        let (mut out, mut words) = (String::new(), String::new());
        let code = self
            .run(command, |stream, line| match stream {
                Stream::Out => {
                    out.push_str(line);
                    out.push('\n');
                }
                Stream::Err => line.clone_into(&mut words),
            })
            .await?;
        match code {
            0 => Ok(out),
            code => Err(SshError::Failed {
                doing: command.doing.to_owned(),
                code,
                words,
            }),
        }
    }

    /// Ends the connection. One that has ended is fine.
    pub async fn close(self) {
        let leave = self.handle.disconnect(Disconnect::ByApplication, "", "en");
        let _ = timeout(CLOSE_TIMEOUT, leave).await;
    }

    fn broken(&self, reason: impl std::fmt::Display) -> SshError {
        SshError::Broken {
            address: self.address,
            reason: reason.to_string(),
        }
    }
}

fn config() -> Arc<client::Config> {
    Arc::new(client::Config {
        keepalive_interval: Some(SILENCE),
        keepalive_max: SILENCES,
        nodelay: true,
        preferred: Preferred {
            // The kind of the pinned key: with another the server would rightly be refused.
            key: vec![Algorithm::Ed25519].into(),
            ..Preferred::default()
        },
        ..client::Config::default()
    })
}
