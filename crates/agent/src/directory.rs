//! `agents/<label>/`: what one agent keeps.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portlama_model::{AgentLabel, CaFingerprint, Domain, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::allow::AllowFile;
use crate::log_files::LogFiles;
use portlama_files::{self as files, FileError, FileLock};

/// `config.json`: who the agent is and where its server stands. It holds no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfig {
    /// The agent's name on this machine.
    pub label: AgentLabel,
    /// The server's panel, without a trailing slash.
    pub panel_url: String,
    /// How the key is kept; `file`.
    pub auth_method: String,
    /// The agent's name at the server; its certificate is `agent:<this>`.
    pub agent_label: AgentLabel,
    /// The authority whose certificates are believed.
    pub ca_fingerprint: CaFingerprint,
    /// The server's base domain, once known.
    #[serde(default)]
    pub domain: Option<Domain>,
    /// Where the tunnel is dialled, once known.
    #[serde(default)]
    pub tunnel_server: Option<TunnelServer>,
    /// The address that last led to the server: the way back when names do not resolve.
    #[serde(default)]
    pub last_good_address: Option<SocketAddr>,
    /// When the agent was set up.
    pub setup_at: Timestamp,
    /// When something here last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A host and port to dial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelServer {
    /// `tunnel.<domain>`.
    pub host: String,
    /// 443, unless the server says otherwise.
    pub port: u16,
}

impl From<portlama_api::TunnelServer> for TunnelServer {
    fn from(server: portlama_api::TunnelServer) -> Self {
        Self {
            host: server.host.to_string(),
            port: server.port,
        }
    }
}

/// What proves to the server who the agent is.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    /// The private key, PKCS#8 PEM.
    pub key: Secret,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The authority, PEM.
    pub authority: String,
}

/// The directory of one agent.
#[derive(Debug, Clone)]
pub struct AgentDir {
    path: PathBuf,
    label: AgentLabel,
}

impl AgentDir {
    pub(crate) fn at(path: PathBuf, label: AgentLabel) -> Self {
        Self { path, label }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The agent's name on this machine.
    #[must_use]
    pub fn label(&self) -> &AgentLabel {
        &self.label
    }

    /// Whether an agent was set up here.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.config_path().exists()
    }

    /// The list of what may be forwarded.
    #[must_use]
    pub fn allowed(&self) -> AllowFile {
        AllowFile::at(self.path.join("allowed.json"))
    }

    /// The log, where the agent keeps it itself.
    #[must_use]
    pub fn logs(&self) -> LogFiles {
        LogFiles::at(self.path.join("logs"))
    }

    /// The socket on which a running agent answers.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.path.join("agent.sock")
    }

    /// `config.json`.
    ///
    /// # Errors
    /// When it is not there, cannot be read or is broken.
    pub fn config(&self) -> Result<AgentConfig, FileError> {
        let path = self.config_path();
        files::read_json(&path)?.ok_or_else(|| not_there(&path))
    }

    /// Changes `config.json` and stamps it with `now`.
    pub(crate) fn change_config(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut AgentConfig),
    ) -> Result<AgentConfig, FileError> {
        let _turn = FileLock::wait(&self.path.join("config.lock"))?;
        let mut config = self.config()?;
        change(&mut config);
        config.updated_at = Some(now);
        files::write_json(&self.config_path(), &config)?;
        Ok(config)
    }

    /// Key, certificate and authority.
    ///
    /// # Errors
    /// When one is missing or cannot be read.
    pub fn identity(&self) -> Result<IdentityFiles, FileError> {
        let read = |name: &str| {
            let path = self.path.join(name);
            files::read_text(&path)?.ok_or_else(|| not_there(&path))
        };
        Ok(IdentityFiles {
            key: Secret::new(read("client.key")?),
            certificate: read("client.crt")?,
            authority: read("ca.crt")?,
        })
    }

    /// Makes the directory, 0700.
    pub(crate) fn create(&self) -> Result<(), FileError> {
        files::create_private_dir(&self.path)
    }

    pub(crate) fn save_key(&self, identity: &IdentityFiles) -> Result<(), FileError> {
        files::write_private(
            &self.path.join("client.key"),
            identity.key.expose().as_bytes(),
        )?;
        files::write_private(
            &self.path.join("client.crt"),
            identity.certificate.as_bytes(),
        )
    }

    pub(crate) fn save_authority(&self, identity: &IdentityFiles) -> Result<(), FileError> {
        files::write_private(&self.path.join("ca.crt"), identity.authority.as_bytes())
    }

    /// Puts a whole new configuration in place.
    pub(crate) fn save_config(&self, config: &AgentConfig) -> Result<(), FileError> {
        let _turn = FileLock::wait(&self.path.join("config.lock"))?;
        files::write_json(&self.config_path(), config)
    }

    /// The right to run this agent, which one process has at a time.
    ///
    /// # Errors
    /// When another process runs it.
    pub fn lock(&self) -> Result<FileLock, FileError> {
        FileLock::take(&self.path.join("agent.lock"))
    }

    fn config_path(&self) -> PathBuf {
        self.path.join("config.json")
    }
}

fn not_there(path: &Path) -> FileError {
    FileError::Read {
        path: path.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    }
}
