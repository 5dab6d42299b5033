//! The servers that this person looks after: `servers.json`.

use std::path::{Path, PathBuf};

use portlama_files::{self as files, FileError, FileLock};
use portlama_model::{CaFingerprint, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{RegionSlug, ServerLabel};

/// The name of the one provider there is.
pub const DIGITALOCEAN: &str = "digitalocean";

/// How the admin proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// By a PKCS#12 file.
    #[default]
    P12,
    /// By an identity in the system's keychain.
    Keychain,
}

/// One server. Members that are not known here are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerEntry {
    /// The key of its folder and of its credentials.
    pub id: Uuid,
    /// What its owner calls it.
    pub label: ServerLabel,
    /// `https://host:port`, without a trailing slash.
    pub panel_url: String,
    /// Its address; empty or a name for servers that somebody added.
    #[serde(default)]
    pub ip: String,
    /// Its base domain, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `digitalocean`, `local`, or absent when somebody added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The number of its droplet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionSlug>,
    /// When it was made or added.
    pub created_at: Timestamp,
    /// Whether it is the one that is meant. At most one is.
    #[serde(default)]
    pub active: bool,
    /// How the admin proves who they are.
    #[serde(default)]
    pub auth_method: AuthMethod,
    /// Where the admin's file lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p12_path: Option<PathBuf>,
    /// The authority whose certificates are believed (ours; the reference has none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_fingerprint: Option<CaFingerprint>,
    /// The SSH host key that was last seen, as in `known_hosts` (ours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_host_key: Option<String>,
    /// What others wrote.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

impl ServerEntry {
    /// The droplet it is, when it is one.
    #[must_use]
    pub fn droplet(&self) -> Option<u64> {
        let id = self.provider_id.as_deref()?.parse().ok()?;
        (self.provider.as_deref() == Some(DIGITALOCEAN)).then_some(id)
    }
}

/// Why a server is not found, or not added.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The label is taken.
    #[error("there is a server `{0}` already: choose another label")]
    Taken(ServerLabel),
    /// The droplet stands there under another label.
    #[error("this droplet is in the list already, as `{0}`")]
    Known(ServerLabel),
    /// No such server.
    #[error("there is no server `{label}`{}", others(.known))]
    Unknown {
        /// What was asked for.
        label: String,
        /// What there is.
        known: Vec<ServerLabel>,
    },
}

fn others(known: &[ServerLabel]) -> String {
    match known {
        [] => ": the list is empty; `portlama cloud create` makes one".to_owned(),
        known => {
            let names: Vec<_> = known.iter().map(ServerLabel::as_str).collect();
            format!(": there are {}", names.join(", "))
        }
    }
}

/// All servers, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Servers(Vec<ServerEntry>);

impl Servers {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ServerEntry> {
        self.0.iter()
    }

    /// The one with this label.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`].
    pub fn get(&self, label: &str) -> Result<&ServerEntry, RegistryError> {
        let place = self.place(label)?;
        Ok(&self.0[place])
    }

    /// The one that is meant unless another is named.
    #[must_use]
    pub fn active(&self) -> Option<&ServerEntry> {
        self.0.iter().find(|server| server.active)
    }

    /// Adds one. An active one takes that from all others.
    ///
    /// # Errors
    /// [`RegistryError::Taken`], [`RegistryError::Known`].
    pub fn add(&mut self, server: ServerEntry) -> Result<(), RegistryError> {
        self.may_have(&server.label)?;
        let same = |other: &&ServerEntry| {
            server.droplet().is_some() && other.droplet() == server.droplet()
        };
        if let Some(other) = self.0.iter().find(same) {
            return Err(RegistryError::Known(other.label.clone()));
        }
        if server.active {
            self.0.iter_mut().for_each(|other| other.active = false);
        }
        self.0.push(server);
        Ok(())
    }

    /// Whether a label is free.
    ///
    /// # Errors
    /// [`RegistryError::Taken`].
    pub fn may_have(&self, label: &ServerLabel) -> Result<(), RegistryError> {
        match self.0.iter().any(|server| server.label == *label) {
            true => Err(RegistryError::Taken(label.clone())),
            false => Ok(()),
        }
    }

    /// Makes one the active one.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`].
    pub fn activate(&mut self, label: &str) -> Result<(), RegistryError> {
        let place = self.place(label)?;
        for (other, server) in self.0.iter_mut().enumerate() {
            server.active = other == place;
        }
        Ok(())
    }

    /// Calls one something else.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Taken`].
    pub fn rename(&mut self, label: &str, new: ServerLabel) -> Result<(), RegistryError> {
        let place = self.place(label)?;
        if self.0[place].label != new {
            self.may_have(&new)?;
        }
        self.0[place].label = new;
        Ok(())
    }

    /// Takes one away. Nobody else becomes active: which one is meant is its owner's to say.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`].
    pub fn remove(&mut self, label: &str) -> Result<ServerEntry, RegistryError> {
        let place = self.place(label)?;
        Ok(self.0.remove(place))
    }

    /// Passwords that older programs left in the file: they belong into the credential store,
    /// and are gone from here afterwards.
    pub fn take_passwords(&mut self) -> Vec<(Uuid, Secret)> {
        let take = |server: &mut ServerEntry| {
            let password = server.further.shift_remove("p12Password")?;
            let password = password.as_str().map(Secret::new)?;
            Some((server.id, password))
        };
        self.0.iter_mut().filter_map(take).collect()
    }

    fn place(&self, label: &str) -> Result<usize, RegistryError> {
        let mut servers = self.0.iter();
        servers
            .position(|server| server.label.as_str() == label)
            .ok_or_else(|| RegistryError::Unknown {
                label: label.to_owned(),
                known: self.0.iter().map(|server| server.label.clone()).collect(),
            })
    }
}

/// `servers.json` in a directory.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: PathBuf,
}

impl Registry {
    /// The registry below `~/.portlama`, or another place.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join("servers.json")
    }

    /// All servers; none when there is no file. A broken file is an error and stays as it is.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self) -> Result<Servers, FileError> {
        Ok(files::read_json(&self.path())?.unwrap_or_default())
    }

    /// Changes the list while nobody else does. It is written when `change` succeeds.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut Servers) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        files::create_private_dir(&self.directory)?;
        let _turn = FileLock::wait(&self.directory.join(".servers.lock"))?;
        let mut servers = self.read()?;
        let outcome = change(&mut servers)?;
        files::write_json(&self.path(), &servers)?;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(label: &str, active: bool) -> ServerEntry {
        serde_json::from_value(json!({
            "id": Uuid::new_v4(),
            "label": label,
            "panelUrl": "https://198.51.100.7:9292",
            "ip": "198.51.100.7",
            "createdAt": "2026-04-01T10:00:00.000Z",
            "active": active,
            "authMethod": "p12",
            "activeMode": "agent",
        }))
        .expect("an entry")
    }

    fn active(servers: &Servers) -> Vec<&str> {
        let active = servers.iter().filter(|server| server.active);
        active.map(|server| server.label.as_str()).collect()
    }

    #[test]
    fn at_most_one_server_is_active() {
        let mut servers = Servers::default();
        servers.add(entry("one", true)).expect("added");
        servers.add(entry("two", true)).expect("added");
        assert_eq!(active(&servers), ["two"]);
        servers.activate("one").expect("there");
        assert_eq!(active(&servers), ["one"]);
        servers.remove("one").expect("there");
        assert_eq!(active(&servers), Vec::<&str>::new());
    }

    #[test]
    fn a_label_and_a_droplet_stand_once() {
        let mut servers = Servers::default();
        let mut droplet = entry("one", false);
        droplet.provider = Some(DIGITALOCEAN.to_owned());
        droplet.provider_id = Some("4711000001".to_owned());
        servers.add(droplet.clone()).expect("added");
        let taken = servers.add(entry("one", false));
        assert!(matches!(taken, Err(RegistryError::Taken(_))));
        droplet.label = "two".parse().expect("a label");
        assert!(matches!(servers.add(droplet), Err(RegistryError::Known(_))));
        assert!(
            servers
                .rename("one", "one".parse().expect("a label"))
                .is_ok()
        );
    }

    #[test]
    fn an_unknown_label_is_answered_with_those_that_there_are() {
        let mut servers = Servers::default();
        servers.add(entry("one", false)).expect("added");
        let error = servers.get("two").expect_err("none").to_string();
        assert!(error.contains("there are one"), "{error}");
    }

    #[test]
    fn what_others_wrote_is_kept_and_passwords_are_taken_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let registry = Registry::at(dir.path());
        let mut old = entry("one", false);
        old.further
            .insert("p12Password".to_owned(), "hunter2".into());
        registry.change(|servers| servers.add(old)).expect("added");
        let taken = registry.change(|servers| Ok(servers.take_passwords()));
        let taken = taken.expect("changed");
        assert_eq!(taken[0].1.expose(), "hunter2");
        let text = std::fs::read_to_string(registry.path()).expect("a file");
        assert!(!text.contains("hunter2") && text.contains(r#""activeMode": "agent""#));
    }

    #[test]
    fn a_broken_file_is_an_error_and_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let registry = Registry::at(dir.path());
        std::fs::write(registry.path(), "[{").expect("written");
        let outcome = registry.change(|servers| servers.add(entry("one", false)));
        assert!(matches!(outcome, Err(RegistryError::File(_))));
        let text = std::fs::read_to_string(registry.path()).expect("a file");
        assert_eq!(text, "[{");
    }
}
