//! An agent's own web panel, and the job that keeps an agent running on a Mac.

use portlama_model::{Hostname, TunnelPort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Fields, FromBody, formats};

/// `POST /api/tunnels/expose-panel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExposePanel {
    /// The local port of the agent on which its panel answers.
    #[schema(value_type = formats::TunnelPort)]
    pub port: TunnelPort,
}

impl FromBody for ExposePanel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            port: fields.required("port")?,
        })
    }
}

/// `GET /api/tunnels/agent-panel-status`: the caller's own; the admin has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentPanelStatus {
    /// Whether it is exposed and switched on.
    pub enabled: bool,
    /// Its host name, while it is exposed.
    #[schema(value_type = Option<formats::Hostname>)]
    pub fqdn: Option<Hostname>,
    /// The agent's port, while it is exposed.
    #[schema(value_type = Option<formats::TunnelPort>)]
    pub port: Option<TunnelPort>,
}

/// The query of `GET /api/tunnels/mac-plist`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
pub struct PlistQuery {
    /// `json` for the property list with instructions; the file alone without it.
    #[param(pattern = "^(plist|json)$", example = "json")]
    pub format: Option<String>,
}

/// `GET /api/tunnels/mac-plist?format=json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MacPlist {
    /// A launchd job, XML.
    pub plist: String,
    /// What to do with it.
    pub instructions: PlistInstructions,
}

/// What a person does with a launchd job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlistInstructions {
    /// Where to put the file.
    pub download: String,
    /// The command that starts it, and at each login.
    pub install: String,
    /// The command that ends and removes it.
    pub uninstall: String,
    /// The command that shows its output.
    pub logs: String,
    /// The command that shows how it does.
    pub status: String,
    /// What must be there first.
    pub prerequisite: String,
}
