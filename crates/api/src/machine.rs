//! `/api/services` and `/api/system`.

use portlama_model::{ReleaseVersion, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fields, FromBody, formats};

/// `GET /api/services`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceList {
    /// The server's own parts, then the units that the machine has.
    pub services: Vec<Service>,
}

/// A service: a part of the server (`edge`, `portal`, `tunnel`, `acme`), or a unit of a machine
/// with systemd (`portlama-panel`, `ssh`, `fail2ban`, `systemd-timesyncd`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// The name, as paths have it.
    #[schema(example = "edge")]
    pub name: String,
    /// How it is.
    pub status: ServiceStatus,
    /// How long it has been active.
    #[schema(example = "3d 4h 10m")]
    pub uptime: Option<String>,
    /// Why it is so, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it can be told.
    #[serde(default)]
    pub actions: Vec<ServiceAction>,
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    /// It does its work.
    Active,
    /// It does not, and is not meant to.
    Inactive,
    /// It is meant to, and does not.
    Failed,
    /// Anything else, such as being about to start.
    #[serde(other)]
    Unknown,
}

/// What can be asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceAction {
    /// Begin.
    Start,
    /// End.
    Stop,
    /// End and begin.
    Restart,
    /// Take up changed settings or certificates while running.
    Reload,
}

/// `POST /api/services/{name}/{action}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDone {
    /// `true`.
    pub ok: bool,
    /// The service.
    #[schema(example = "edge")]
    pub name: String,
    /// What was done.
    pub action: ServiceAction,
}

/// A text frame of `GET /api/services/{name}/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogFrame {
    /// When the line was written; empty where its source does not say.
    #[schema(example = "2027-02-03T08:15:00.000Z")]
    pub timestamp: String,
    /// One line of text without control characters.
    pub message: String,
    /// How much it matters, where its source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// This is no line: so many lines were dropped here, because the client read too slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl LogFrame {
    /// What the server itself says on the socket.
    #[must_use]
    pub fn note(at: Timestamp, message: impl Into<String>) -> Self {
        Self {
            timestamp: at.to_string(),
            message: message.into(),
            level: Some(LogLevel::Warn),
            dropped: None,
        }
    }
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Something happened.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Something is broken.
    Error,
}

/// `GET /api/system/stats`, at most two seconds old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemStats {
    /// The processor.
    pub cpu: CpuStats,
    /// The memory.
    pub memory: Usage,
    /// The root file system.
    pub disk: Usage,
    /// Seconds since the machine started.
    pub uptime: u64,
    /// This server's process.
    pub process: ProcessStats,
}

/// The processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CpuStats {
    /// Percent of all cores together that were busy, with one decimal.
    #[schema(minimum = 0, maximum = 100, example = 12.5)]
    pub usage: f64,
    /// Cores.
    pub cores: usize,
}

/// Octets that are there, used and free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// All.
    pub total: u64,
    /// In use.
    pub used: u64,
    /// What programs can have.
    pub free: u64,
}

/// This server's process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcessStats {
    /// Octets of memory that it holds resident.
    pub memory: u64,
}

/// `POST /api/system/update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateRequest {
    /// The version to run.
    #[schema(value_type = formats::ReleaseVersion)]
    pub version: ReleaseVersion,
}

/// The answer to `POST /api/system/update`: it is verified and ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateOrdered {
    /// `true`.
    pub ok: bool,
    /// What happens now.
    pub message: String,
}

/// `GET /api/system/update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateState {
    /// The version that answers.
    #[schema(example = "1.2.3")]
    pub version: String,
    /// Whether this server knows where releases are fetched (`releases` of its panel.json).
    pub can_fetch: bool,
    /// How the last change of the version ended; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UpdateOutcome>,
}

/// How a change of the server's version ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateOutcome {
    /// Whether the version that was asked for serves.
    pub upgraded: bool,
    /// The version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::ReleaseVersion>)]
    pub from: Option<ReleaseVersion>,
    /// The version that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::ReleaseVersion>)]
    pub to: Option<ReleaseVersion>,
    /// Why it does not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl FromBody for UpdateRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let version = fields.required("version")?;
        Some(Self { version })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_names_a_version() {
        for body in [
            json!({ "version": 1.2 }),
            json!({ "version": "../1.2.3" }),
            json!({}),
        ] {
            assert!(UpdateRequest::from_body(&body).is_err(), "{body}");
        }
        assert!(UpdateRequest::from_body(&json!({ "version": "1.2.3" })).is_ok());
    }

    #[test]
    fn optional_members_of_a_frame_are_left_out() {
        let frame = LogFrame {
            timestamp: String::new(),
            message: "hello".into(),
            level: None,
            dropped: None,
        };
        assert_eq!(
            serde_json::to_value(&frame).ok(),
            Some(json!({ "timestamp": "", "message": "hello" }))
        );
    }
}
