//! The journal of a provisioning: what may exist because of it.
//!
//! Each thing is written down *before* it is asked for, under a name or tag that nobody else has.
//! So however the process ends, whoever reads the journal can find everything that costs money.

use std::path::{Path, PathBuf};

use portlama_files::{self as files, FileError};
use portlama_model::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digitalocean::{Droplet, SshKey};
use crate::{RegionSlug, ServerLabel};

/// What names one provisioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Uuid);

impl OperationId {
    /// A new one.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// The tag that the droplet of this provisioning has, and no other.
    #[must_use]
    pub fn tag(self) -> String {
        format!("portlama:op-{}", self.0)
    }

    /// What the key of this provisioning is called at DigitalOcean.
    #[must_use]
    pub fn key_name(self) -> String {
        let hex = self.0.simple().to_string();
        format!("portlama-provision-{}", &hex[..8])
    }
}

impl std::fmt::Display for OperationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What may exist because of one provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Which.
    pub id: OperationId,
    /// What the server was to be called.
    pub label: ServerLabel,
    /// Where it was to stand.
    pub region: RegionSlug,
    /// When it began.
    pub begun: Timestamp,
    /// Whose account it was made in, where the token may say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The public key that is going to be, or was, uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Whether a droplet was going to be, or was, asked for.
    #[serde(default)]
    pub droplet_asked: bool,
    /// Its number, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub droplet: Option<u64>,
    /// The folder and credentials of the server that was going to be, or is, registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Uuid>,
    /// Whether the server is in the list: then the droplet is its owner's, and stays.
    #[serde(default)]
    pub registered: bool,
}

/// Something at DigitalOcean that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// A machine, which costs money.
    Droplet {
        /// Its number.
        id: u64,
        /// Its host name.
        name: String,
    },
    /// A public key.
    Key {
        /// Its number.
        id: u64,
        /// Its name.
        name: String,
    },
}

impl Leftover {
    /// For people, with the place to look at it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Droplet { id, name } => {
                format!("the droplet `{name}`: https://cloud.digitalocean.com/droplets/{id}")
            }
            Self::Key { name, .. } => {
                format!("the SSH key `{name}`: https://cloud.digitalocean.com/account/security")
            }
        }
    }
}

impl Operation {
    /// One that has made nothing yet.
    #[must_use]
    pub fn new(label: ServerLabel, region: RegionSlug, now: Timestamp) -> Self {
        Self {
            id: OperationId::new(),
            label,
            region,
            begun: now,
            account: None,
            public_key: None,
            droplet_asked: false,
            droplet: None,
            server: None,
            registered: false,
        }
    }

    /// What of all this is this operation's and is to go: the droplet first, since it costs
    /// money. `tagged` are the droplets with this operation's tag; `own` is the droplet with the
    /// number in the journal, whose tags the token may not see.
    #[must_use]
    pub fn leftovers(
        &self,
        tagged: &[Droplet],
        own: Option<&Droplet>,
        keys: &[SshKey],
    ) -> Vec<Leftover> {
        let mut left = Vec::new();
        if !self.registered {
            let tagged = tagged.iter().filter(|d| d.has_tag(&self.id.tag()));
            let own = own.filter(|droplet| self.is_own(droplet));
            let mut droplets: Vec<_> = tagged.chain(own).collect();
            droplets.sort_by_key(|droplet| droplet.id);
            droplets.dedup_by_key(|droplet| droplet.id);
            left.extend(droplets.into_iter().map(|droplet| Leftover::Droplet {
                id: droplet.id,
                name: droplet.name.clone(),
            }));
        }
        let is_own = |key: &&SshKey| key.name == self.id.key_name() && self.has_key(key);
        left.extend(keys.iter().filter(is_own).map(|key| Leftover::Key {
            id: key.id,
            name: key.name.clone(),
        }));
        left
    }

    /// Whether the droplet that this very operation was told the number of is still that one.
    /// Tags that can be seen must not say otherwise.
    fn is_own(&self, droplet: &Droplet) -> bool {
        let tags_fit = droplet.tags.is_empty() || droplet.has_tag(&self.id.tag());
        self.droplet == Some(droplet.id) && droplet.name == self.label.droplet_name() && tags_fit
    }

    fn has_key(&self, key: &SshKey) -> bool {
        let parts = |text: &str| {
            let parts = text.split_whitespace().take(2);
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        let own = self.public_key.as_deref().map(parts);
        own == Some(parts(&key.public_key))
    }
}

/// The journals in a directory, one file an operation.
#[derive(Debug, Clone)]
pub struct Operations {
    directory: PathBuf,
}

impl Operations {
    /// Those below `~/.portlama`, or another place.
    #[must_use]
    pub fn at(home: &Path) -> Self {
        Self {
            directory: home.join("operations"),
        }
    }

    /// Writes one down, durably.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, operation: &Operation) -> Result<(), FileError> {
        files::create_private_dir(&self.directory)?;
        files::write_json(&self.path(operation.id), operation)
    }

    /// Forgets one: nothing of it is left.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn forget(&self, id: OperationId) -> Result<(), FileError> {
        files::remove(&self.path(id))
    }

    /// All that were not forgotten, oldest first.
    ///
    /// # Errors
    /// [`FileError`]; a journal that cannot be read is an error, since what it names may cost
    /// money.
    pub fn all(&self) -> Result<Vec<Operation>, FileError> {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(FileError::Read {
                    path: self.directory.clone(),
                    source,
                });
            }
        };
        let mut operations = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let is_journal = path.extension().is_some_and(|end| end == "json");
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if is_journal && !is_hidden {
                operations.extend(files::read_json::<Operation>(&path)?);
            }
        }
        operations.sort_by_key(|operation| operation.begun);
        Ok(operations)
    }

    fn path(&self, id: OperationId) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation() -> Operation {
        let label = "home".parse().expect("a label");
        let region = "fra1".parse().expect("a region");
        Operation {
            public_key: Some("ssh-ed25519 AAAA portlama-provisioning".to_owned()),
            droplet_asked: true,
            ..Operation::new(label, region, Timestamp::UNIX_EPOCH)
        }
    }

    fn droplet(id: u64, name: &str, tags: &[&str]) -> Droplet {
        let droplet = json!({"id": id, "name": name, "status": "active", "tags": tags});
        serde_json::from_value(droplet).expect("a droplet")
    }

    fn key(id: u64, name: &str, public_key: &str) -> SshKey {
        let key = json!({"id": id, "name": name, "public_key": public_key});
        serde_json::from_value(key).expect("a key")
    }

    #[test]
    fn only_what_has_this_operations_own_tag_goes() {
        let operation = operation();
        let tag = operation.id.tag();
        let others = [
            droplet(1, "portlama-home", &["portlama:managed", &tag]),
            droplet(2, "portlama-home", &["portlama:managed"]),
            droplet(3, "shop", &["portlama:op-x"]),
        ];
        let left = operation.leftovers(&others, None, &[]);
        assert_eq!(
            left,
            [Leftover::Droplet {
                id: 1,
                name: "portlama-home".to_owned()
            }]
        );
    }

    #[test]
    fn a_droplet_whose_tags_are_hidden_is_known_by_its_number_and_name() {
        let mut operation = operation();
        operation.droplet = Some(7);
        let left = |droplet: &Droplet| operation.leftovers(&[], Some(droplet), &[]).len();
        assert_eq!(left(&droplet(7, "portlama-home", &[])), 1);
        assert_eq!(left(&droplet(8, "portlama-home", &[])), 0);
        assert_eq!(left(&droplet(7, "shop", &[])), 0);
        assert_eq!(left(&droplet(7, "portlama-home", &["portlama:managed"])), 0);
    }

    #[test]
    fn a_registered_server_stays_and_its_key_goes() {
        let mut operation = operation();
        operation.registered = true;
        let tag = operation.id.tag();
        let tagged = [droplet(1, "portlama-home", &[&tag])];
        let name = operation.id.key_name();
        let keys = [
            key(5, &name, "ssh-ed25519 AAAA"),
            key(6, &name, "ssh-ed25519 BBBB"),
            key(7, "laptop", "ssh-ed25519 AAAA"),
        ];
        let left = operation.leftovers(&tagged, None, &keys);
        assert_eq!(left, [Leftover::Key { id: 5, name }]);
    }

    #[test]
    fn journals_are_kept_until_they_are_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let operations = Operations::at(dir.path());
        assert_eq!(operations.all().expect("none"), []);
        let operation = operation();
        operations.write(&operation).expect("written");
        let kept = operations.all().expect("one");
        assert_eq!(kept, std::slice::from_ref(&operation));
        operations.forget(operation.id).expect("forgotten");
        assert_eq!(operations.all().expect("none"), []);
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_not_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let operations = Operations::at(dir.path());
        operations.write(&operation()).expect("written");
        let broken = dir.path().join("operations/broken.json");
        std::fs::write(broken, "{").expect("written");
        assert!(operations.all().is_err());
    }
}
