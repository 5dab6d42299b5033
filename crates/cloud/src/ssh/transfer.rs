//! Files that go over.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use russh_sftp::client::SftpSession;
use russh_sftp::client::fs::File;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Command, Ssh, SshError};

/// The largest file that is sent, octets: our program has less than 40 MiB.
pub const MAX_SENT_BYTES: u64 = 256 * 1024 * 1024;
/// Pieces in which a file goes over, octets: what every SFTP server takes at once.
const PIECE_BYTES: usize = 32 * 1024;
/// How long its SHA-256 may take there: a slow disk reads 1 MiB a second.
const SUM_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a text of some kilobytes may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a file has gone over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// So many octets.
    pub octets: u64,
    /// Of so many.
    pub of: u64,
}

impl Ssh {
    /// Brings a file, with this mode, and makes sure that it arrived as it is. Every piece is
    /// told.
    ///
    /// # Errors
    /// [`SshError`]; [`SshError::Damaged`].
    pub async fn send(
        &self,
        file: &Path,
        to: &str,
        mode: u32,
        limit: Duration,
        mut on_piece: impl FnMut(Sent) + Send,
    ) -> Result<(), SshError> {
        let sending = self.send_pieces(file, to, mode, &mut on_piece);
        let sum = timeout(limit, sending)
            .await
            .map_err(|_| SshError::TimedOut {
                doing: format!("sending `{}`", file.display()),
                limit,
            })??;
        self.compare(to, &sum).await
    }

    /// Brings a text, with this mode.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn write(&self, text: &str, to: &str, mode: u32) -> Result<(), SshError> {
        let writing = async {
            let sftp = self.sftp().await?;
            let mut target = self.create(&sftp, to, mode).await?;
            self.append(&mut target, text.as_bytes()).await?;
            self.finish(&sftp, target).await
        };
        timeout(WRITE_TIMEOUT, writing)
            .await
            .map_err(|_| SshError::TimedOut {
                doing: format!("writing `{to}`"),
                limit: WRITE_TIMEOUT,
            })?
    }

    /// Gives back the SHA-256 of what was read here.
    async fn send_pieces(
        &self,
        file: &Path,
        to: &str,
        mode: u32,
        on_piece: &mut (impl FnMut(Sent) + Send),
    ) -> Result<String, SshError> {
        let unreadable = |reason: String| SshError::File {
            path: file.to_owned(),
            reason,
        };
        let read_error = |error: std::io::Error| unreadable(error.to_string());
        let mut source = tokio::fs::File::open(file).await.map_err(read_error)?;
        let of = source.metadata().await.map_err(read_error)?.len();
        if of > MAX_SENT_BYTES {
            return Err(unreadable(format!("it has {of} octets")));
        }
        let sftp = self.sftp().await?;
        let mut target = self.create(&sftp, to, mode).await?;
        let (mut piece, mut octets) = (vec![0; PIECE_BYTES], 0);
        let mut sum = Context::new(&SHA256);
        loop {
            let read = source.read(&mut piece).await.map_err(read_error)?;
            if read == 0 {
                break;
            }
            sum.update(&piece[..read]);
            self.append(&mut target, &piece[..read]).await?;
            octets += read as u64;
            on_piece(Sent { octets, of });
        }
        self.finish(&sftp, target).await?;
        Ok(hex::encode(sum.finish()))
    }

    async fn compare(&self, to: &str, sum: &str) -> Result<(), SshError> {
        let line = format!("sha256sum -- '{to}'");
        let command = Command {
            doing: "comparing what arrived",
            line: &line,
            limit: SUM_TIMEOUT,
        };
        let said = self.output(command).await?;
        match said.split_whitespace().next() == Some(sum) {
            true => Ok(()),
            false => Err(SshError::Damaged {
                address: self.address,
                to: to.to_owned(),
            }),
        }
    }

    async fn sftp(&self) -> Result<SftpSession, SshError> {
        let channel = self
            .handle
            .channel_open_session()
            .await
            .map_err(|error| self.broken(error))?;
        channel
            .request_subsystem(true, "sftp")
            .await
            .map_err(|error| self.broken(error))?;
        SftpSession::new(channel.into_stream())
            .await
            .map_err(|error| self.broken(error))
    }

    async fn create(&self, sftp: &SftpSession, path: &str, mode: u32) -> Result<File, SshError> {
        let attributes = FileAttributes {
            permissions: Some(mode),
            ..FileAttributes::empty()
        };
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
        sftp.open_with_flags_and_attributes(path, flags, attributes)
            .await
            .map_err(|error| self.broken(error))
    }

    async fn append(&self, target: &mut File, octets: &[u8]) -> Result<(), SshError> {
        target
            .write_all(octets)
            .await
            .map_err(|error| self.broken(error))
    }

    /// Waits until the other end has taken everything.
    async fn finish(&self, sftp: &SftpSession, mut target: File) -> Result<(), SshError> {
        target
            .shutdown()
            .await
            .map_err(|error| self.broken(error))?;
        sftp.close().await.map_err(|error| self.broken(error))
    }
}
