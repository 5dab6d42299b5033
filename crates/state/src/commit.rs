//! What one commit changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use portlama_model::{Invitation, PanelConfig, Registry, Revocations, Site, State, Tunnel, Users};

use crate::document::{self, Document, Fault};
use crate::tunnel_log::{Amendment, TUNNEL_LOG};
use crate::{FilePath, StateError};

/// New contents for any of the documents and files: all of them come to be, or none.
///
/// A document that the next start could not read is refused when it is added, so that a
/// commit never locks the server out of its own state.
#[derive(Default, Clone)]
pub struct Commit {
    pub(crate) changes: BTreeMap<String, Change>,
    /// A small change of many tunnels, of which the journal says how it is written.
    pub(crate) amendment: Option<Amendment>,
}

/// What becomes of one file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The file has this content and these permissions.
    Write { mode: u32, bytes: Vec<u8> },
    /// There is no such file.
    Remove,
}

impl Change {
    /// What the file will hold; `None` when it goes.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        match self {
            Self::Write { bytes, .. } => Some(bytes),
            Self::Remove => None,
        }
    }
}

/// How far a successful commit came. Either way it is durable: it survives a crash.
#[derive(Debug)]
#[must_use = "a commit that is only recorded should be said to be so"]
pub enum Committed {
    /// The files have their new contents.
    Applied,
    /// The intent record is durable, but a file could not be written. The next commit or the
    /// next start tries again; until then nothing else can be committed.
    Recorded(StateError),
}

impl Commit {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All documents of `state`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when a document could not be read back.
    pub fn of(state: &State) -> Result<Self, StateError> {
        Self::new()
            .panel(&state.panel)?
            .tunnels(&state.tunnels)?
            .users(&state.users)?
            .registry(&state.registry)?
            .revoked(&state.revoked)?
            .sites(&state.sites)?
            .invitations(&state.invitations)
    }

    /// The documents in which `new` differs from `old`. What is the same is not written, and
    /// not even encoded, so that a change costs what it changes.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when a document could not be read back.
    pub fn between(old: &State, new: &State) -> Result<Self, StateError> {
        let mut commit = Self::new();
        if old.panel != new.panel {
            commit = commit.panel(&new.panel)?;
        }
        if old.tunnels != new.tunnels {
            let amendment = Amendment::between(&old.tunnels, &new.tunnels);
            match amendment.map_err(|fault| rejected(Document::Tunnels, fault))? {
                Some(amendment) => commit.amendment = Some(amendment),
                None => commit = commit.tunnels(&new.tunnels)?,
            }
        }
        if old.users != new.users {
            commit = commit.users(&new.users)?;
        }
        if old.registry != new.registry {
            commit = commit.registry(&new.registry)?;
        }
        if old.revoked != new.revoked {
            commit = commit.revoked(&new.revoked)?;
        }
        if old.sites != new.sites {
            commit = commit.sites(&new.sites)?;
        }
        if old.invitations != new.invitations {
            commit = commit.invitations(&new.invitations)?;
        }
        Ok(commit)
    }

    /// With a new `panel.json`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back.
    pub fn panel(self, panel: &PanelConfig) -> Result<Self, StateError> {
        self.document(Document::Panel, document::encode_panel(panel))
    }

    /// With a new `tunnels.json`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back: two tunnels share an id or name.
    pub fn tunnels(self, tunnels: &[Arc<Tunnel>]) -> Result<Self, StateError> {
        self.document(Document::Tunnels, document::encode_tunnels(tunnels))
    }

    /// With a new `users.yml`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back.
    pub fn users(self, users: &Users) -> Result<Self, StateError> {
        self.document(Document::Users, document::encode_users(users))
    }

    /// With a new agent registry.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back: a label has two live entries.
    pub fn registry(self, registry: &Registry) -> Result<Self, StateError> {
        self.document(Document::Registry, document::encode_registry(registry))
    }

    /// With a new revocation list.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back.
    pub fn revoked(self, revoked: &Revocations) -> Result<Self, StateError> {
        self.document(Document::Revoked, document::encode_revoked(revoked))
    }

    /// With a new `sites.json`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back: two sites share an id or name.
    pub fn sites(self, sites: &[Site]) -> Result<Self, StateError> {
        self.document(Document::Sites, document::encode_sites(sites))
    }

    /// With a new `invitations.json`.
    ///
    /// # Errors
    /// [`StateError::Rejected`] when it could not be read back: two invitations share an id or
    /// a token.
    pub fn invitations(self, invitations: &[Invitation]) -> Result<Self, StateError> {
        self.document(
            Document::Invitations,
            document::encode_invitations(invitations),
        )
    }

    /// With this content for a key, a certificate or a similar file.
    #[must_use]
    pub fn write(mut self, path: &FilePath, bytes: impl Into<Vec<u8>>) -> Self {
        let change = Change::Write {
            mode: path.mode(),
            bytes: bytes.into(),
        };
        self.changes.insert(path.as_str().to_owned(), change);
        self
    }

    /// Without this file; one that does not exist is fine.
    #[must_use]
    pub fn remove(mut self, path: &FilePath) -> Self {
        self.changes
            .insert(path.as_str().to_owned(), Change::Remove);
        self
    }

    /// Whether it is a small change of many tunnels and nothing else, so that it is written as a
    /// line of a log. Files would make it a change of the whole document.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.changes.is_empty() && self.amendment.is_some()
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.amendment.is_none()
    }

    /// With a new content of a document.
    pub(crate) fn document(
        mut self,
        document: Document,
        bytes: Result<Vec<u8>, Fault>,
    ) -> Result<Self, StateError> {
        let bytes = bytes.map_err(|fault| rejected(document, fault))?;
        self.changes.insert(
            document.path().to_owned(),
            Change::Write { mode: 0o600, bytes },
        );
        Ok(self)
    }
}

fn rejected(document: Document, fault: Fault) -> StateError {
    StateError::Rejected {
        file: document.path().to_owned(),
        problem: fault.problem,
    }
}

/// Names the files; contents may be keys.
impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let amended = self.amendment.iter().map(|_| TUNNEL_LOG);
        let files = self.changes.keys().map(String::as_str);
        f.debug_set().entries(files.chain(amended)).finish()
    }
}
