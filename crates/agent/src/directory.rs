//! `agents/<label>/`: what one agent keeps.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portlama_model::{AgentLabel, CaFingerprint, Domain, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::allow::AllowFile;
use crate::keys::{KeySlot, KeyStore, KeyStoreError, KeyStoreKind, key_store};
use crate::log_files::LogFiles;
use crate::socket::ConfigChange;
use portlama_files::{self as files, FileError, FileLock};
use portlama_tunnel::Transport;

/// The certificate that is to take the present one's place.
const NEXT_CERTIFICATE: &str = "client.next.crt";

/// `config.json`: who the agent is and where its server stands. It holds no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfig {
    /// The agent's name on this machine.
    pub label: AgentLabel,
    /// The server's panel, without a trailing slash.
    pub panel_url: String,
    /// Where the key is kept, by the name of a [`KeyStoreKind`].
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
    /// Which way carriers take, unless whoever runs the agent says otherwise.
    #[serde(default, with = "TransportWord", skip_serializing_if = "is_auto")]
    pub transport: Transport,
    /// Variables that the agent's service needs to find the way out, such as `HTTPS_PROXY`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_environment: BTreeMap<String, String>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// [`Transport`] by the words of the command line.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Transport", rename_all = "lowercase")]
enum TransportWord {
    Auto,
    Tls,
    WebSocket,
}

fn is_auto(transport: &Transport) -> bool {
    *transport == Transport::Auto
}

impl AgentConfig {
    /// What the panel has otherwise.
    pub(crate) fn differs_from(&self, domain: &Domain, server: &TunnelServer) -> Vec<ConfigChange> {
        let mut changes = Vec::new();
        if self.domain.as_ref() != Some(domain) {
            changes.push(ConfigChange::Domain {
                from: self.domain.clone(),
                to: domain.clone(),
            });
        }
        if self.tunnel_server.as_ref() != Some(server) {
            let name = |server: &TunnelServer| format!("{}:{}", server.host, server.port);
            changes.push(ConfigChange::TunnelServer {
                from: self.tunnel_server.as_ref().map(name),
                to: name(server),
            });
        }
        changes
    }
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

    /// Keeps the variables that the agent's service needs.
    ///
    /// # Errors
    /// When the configuration cannot be changed.
    pub fn set_service_environment(
        &self,
        now: Timestamp,
        environment: BTreeMap<String, String>,
    ) -> Result<(), FileError> {
        if self.config()?.service_environment != environment {
            self.change_config(now, |config| config.service_environment = environment)?;
        }
        Ok(())
    }

    /// Keeps which way carriers take from the next start on.
    ///
    /// # Errors
    /// When the configuration cannot be changed.
    pub fn set_transport(&self, now: Timestamp, transport: Transport) -> Result<(), FileError> {
        if self.config()?.transport != transport {
            self.change_config(now, |config| config.transport = transport)?;
        }
        Ok(())
    }

    /// Which store keeps the agent's key.
    ///
    /// # Errors
    /// When the configuration cannot be read, or names a store that this program does not know.
    pub fn key_store_kind(&self) -> Result<KeyStoreKind, KeyStoreError> {
        let found = self.config()?.auth_method;
        found.parse().map_err(|_| KeyStoreError::UnknownKind {
            label: self.label.clone(),
            found,
        })
    }

    /// The store that keeps the agent's key.
    ///
    /// # Errors
    /// As [`key_store_kind`](Self::key_store_kind).
    pub fn key_store(&self) -> Result<Box<dyn KeyStore>, KeyStoreError> {
        Ok(key_store(self.key_store_kind()?, self))
    }

    /// Removes the agent's keys from the store that keeps them: the end of the agent.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn remove_keys(&self) -> Result<(), KeyStoreError> {
        let store = self.key_store()?;
        store.remove(KeySlot::Next)?;
        store.remove(KeySlot::Present)
    }

    /// The authority's certificate, PEM.
    pub(crate) fn authority(&self) -> Result<String, FileError> {
        self.text("ca.crt")
    }

    /// The certificate in use, PEM.
    pub(crate) fn certificate(&self) -> Result<String, FileError> {
        self.text("client.crt")
    }

    /// The certificate that is to take its place, PEM, if there is one.
    pub(crate) fn next_certificate(&self) -> Result<Option<String>, FileError> {
        files::read_text(&self.path.join(NEXT_CERTIFICATE))
    }

    fn text(&self, name: &str) -> Result<String, FileError> {
        let path = self.path.join(name);
        files::read_text(&path)?.ok_or_else(|| not_there(&path))
    }

    /// Makes the directory, 0700.
    pub(crate) fn create(&self) -> Result<(), FileError> {
        files::create_private_dir(&self.path)
    }

    /// Keeps a key and its certificate in place of those before, and forgets a renewal that was
    /// under way. They take the way of a renewal, so a crash in between leaves what
    /// [`Held`](crate::identity::Held) can read: the old pair, or the new one.
    pub(crate) fn save_key(
        &self,
        store: &dyn KeyStore,
        identity: &IdentityFiles,
    ) -> Result<(), KeyStoreError> {
        self.discard_next(store)?;
        store.write(KeySlot::Next, &identity.key)?;
        self.save_next_certificate(&identity.certificate)?;
        self.promote_next(store, identity)
    }

    fn save_certificate(&self, pem: &str) -> Result<(), FileError> {
        files::write_private(&self.path.join("client.crt"), pem.as_bytes())
    }

    /// Keeps the certificate that is to take the present one's place; its key is kept already.
    pub(crate) fn save_next_certificate(&self, pem: &str) -> Result<(), FileError> {
        files::write_private(&self.path.join(NEXT_CERTIFICATE), pem.as_bytes())
    }

    /// Puts the next key and certificate in the place of the present ones. Whatever step a crash
    /// comes after, one certificate is left with its key.
    pub(crate) fn promote_next(
        &self,
        store: &dyn KeyStore,
        next: &IdentityFiles,
    ) -> Result<(), KeyStoreError> {
        store.write(KeySlot::Present, &next.key)?;
        self.save_certificate(&next.certificate)?;
        self.discard_next(store)
    }

    /// Forgets the next key and certificate.
    pub(crate) fn discard_next(&self, store: &dyn KeyStore) -> Result<(), KeyStoreError> {
        files::remove(&self.path.join(NEXT_CERTIFICATE))?;
        store.remove(KeySlot::Next)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_stands_in_the_configuration_by_its_word_unless_it_is_the_usual() {
        let usual = r#"{"label": "attic", "panelUrl": "https://h", "authMethod": "file",
            "agentLabel": "attic", "setupAt": "2027-01-15T08:00:00Z",
            "caFingerprint": "FINGERPRINT"}"#
            .replace("FINGERPRINT", &"ab".repeat(32));
        let mut config: AgentConfig = serde_json::from_str(&usual).expect("a configuration");
        assert_eq!(config.transport, Transport::Auto);
        let value = |config: &AgentConfig| serde_json::to_value(config).expect("a document");
        assert!(value(&config).get("transport").is_none());
        config.transport = Transport::WebSocket;
        assert_eq!(value(&config)["transport"], "websocket");
        let read: AgentConfig = serde_json::from_value(value(&config)).expect("read back");
        assert_eq!(read.transport, Transport::WebSocket);
    }
}
