//! What a backup says of itself, before anything else in it is believed.

use std::net::IpAddr;

use portlama_model::{Domain, Timestamp};
use portlama_state::FORMAT;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Amount, BackupError};

/// The format of backups that this version writes and reads.
pub const BACKUP_FORMAT: u32 = 1;

/// The longest head that is read, octets; ours have about 300.
pub const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The format of the backup.
    pub format: u32,
    /// The format of the state in it.
    pub state_format: u32,
    /// The program that made it.
    pub written_by: String,
    /// The moment that it shows.
    pub created_at: Timestamp,
    /// Whose it is.
    pub server_id: Uuid,
    /// The server's address then.
    pub address: IpAddr,
    /// Its domain.
    pub domain: Option<Domain>,
    /// How many files follow.
    pub files: u64,
    /// How many octets they have together.
    pub bytes: u64,
}

impl Head {
    /// How much follows.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Amount {
            files: self.files,
            bytes: self.bytes,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a head is JSON");
        text.push(b'\n');
        text
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BackupError> {
        let head: Self = serde_json::from_slice(bytes)
            .map_err(|error| BackupError::refused(format!("`backup.json`: {error}")))?;
        if head.format > BACKUP_FORMAT || head.state_format > FORMAT {
            return Err(BackupError::Newer {
                made_by: head.written_by,
            });
        }
        Ok(head)
    }
}
