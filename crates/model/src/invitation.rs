//! Invitations of people, as `invitations.json` holds them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Email, Group, Timestamp, Username};

/// The right to become a user once, in the hands of whoever holds its token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Stable id.
    pub id: Uuid,
    /// SHA-256 of the token's 64 hexadecimal digits, itself in 64 lower-case hexadecimal
    /// digits. The token itself is nowhere.
    pub token_hash: String,
    /// The user to be.
    pub username: Username,
    /// Where to reach them.
    pub email: Email,
    /// Their groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether somebody became the user.
    #[serde(default)]
    pub used: bool,
    /// When.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
