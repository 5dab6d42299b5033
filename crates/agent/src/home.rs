//! `~/.portlama`: the agents of this machine and which one is meant.

use std::path::{Path, PathBuf};

use portlama_model::{AgentLabel, Domain, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::directory::{AgentConfig, AgentDir};
use portlama_files::{self as files, FileError, FileLock};

/// The newest format of `agents.json` that this program reads.
pub const REGISTRY_FORMAT: u64 = 1;

/// The directory that holds everything the agents of one person keep. The desktop program
/// keeps its own files beside them, which are not ours to touch.
#[derive(Debug, Clone)]
pub struct Home {
    path: PathBuf,
}

/// Why it is not clear which agent is meant.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// There is none.
    #[error("no agent is set up in `{}`: run `portlama agent setup --panel-url https://<server>:9292`", .home.display())]
    None {
        /// Where agents would be.
        home: PathBuf,
    },
    /// None has this label.
    #[error("no agent is called {label} in `{}`{}", .home.display(), known_labels(.known))]
    Unknown {
        /// The label asked for.
        label: AgentLabel,
        /// Where agents would be.
        home: PathBuf,
        /// The labels there are.
        known: Vec<AgentLabel>,
    },
    /// There are several and none is current.
    #[error("there are several agents: choose one with --label ({})", join(.known))]
    Several {
        /// Their labels.
        known: Vec<AgentLabel>,
    },
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
}

fn known_labels(known: &[AgentLabel]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(": there are {}", join(known))
    }
}

fn join(labels: &[AgentLabel]) -> String {
    labels
        .iter()
        .map(AgentLabel::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `agents.json`: the agents of this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRegistry {
    /// Format of the file.
    pub version: u64,
    /// The agent meant when no label is given.
    #[serde(default)]
    pub current_label: Option<AgentLabel>,
    /// All agents, oldest first.
    #[serde(default)]
    pub agents: Vec<RegisteredAgent>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One agent of this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredAgent {
    /// Its name here.
    pub label: AgentLabel,
    /// The server it belongs to.
    pub panel_url: String,
    /// Where its key is kept: `file` or `system`.
    pub auth_method: String,
    /// Its name at the server.
    #[serde(default)]
    pub agent_label: Option<String>,
    /// The server's base domain, once known.
    #[serde(default)]
    pub domain: Option<Domain>,
    /// When it was set up.
    pub setup_at: Timestamp,
    /// When something of it last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for AgentRegistry {
    fn default() -> Self {
        Self {
            version: REGISTRY_FORMAT,
            current_label: None,
            agents: Vec::new(),
            extra: Map::new(),
        }
    }
}

impl AgentRegistry {
    /// The labels, oldest first.
    #[must_use]
    pub fn labels(&self) -> Vec<AgentLabel> {
        self.agents
            .iter()
            .map(|agent| agent.label.clone())
            .collect()
    }

    fn put(&mut self, config: &AgentConfig) {
        let known = self
            .agents
            .iter()
            .position(|agent| agent.label == config.label);
        let extra = known
            .map(|at| self.agents[at].extra.clone())
            .unwrap_or_default();
        let agent = RegisteredAgent {
            label: config.label.clone(),
            panel_url: config.panel_url.clone(),
            auth_method: config.auth_method.clone(),
            agent_label: Some(config.agent_label.to_string()),
            domain: config.domain.clone(),
            setup_at: config.setup_at,
            updated_at: config.updated_at,
            extra,
        };
        match known {
            Some(at) => self.agents[at] = agent,
            None => self.agents.push(agent),
        }
    }
}

impl Home {
    /// The directory at `path`, which need not exist yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// `~/.portlama` of the user who runs the program; `None` when the user has no home.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        std::env::home_dir()
            .filter(|home| home.is_absolute())
            .map(|home| Self::at(home.join(".portlama")))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of one agent, which need not exist yet.
    #[must_use]
    pub fn agent(&self, label: &AgentLabel) -> AgentDir {
        AgentDir::at(self.path.join("agents").join(label.as_str()), label.clone())
    }

    /// Makes the directory, and in it the one of all agents, 0700. A directory that was there
    /// keeps its mode: it may hold other things than ours.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(&self) -> Result<(), FileError> {
        files::create_private_dir(&self.path.join("agents"))
    }

    /// `agents.json`; without a file the empty registry.
    ///
    /// # Errors
    /// When it cannot be read, is broken, or is newer than this program.
    pub fn registry(&self) -> Result<AgentRegistry, FileError> {
        let path = self.registry_path();
        let registry: AgentRegistry = files::read_json(&path)?.unwrap_or_default();
        if registry.version > REGISTRY_FORMAT {
            return Err(FileError::Newer {
                path,
                found: registry.version,
                known: REGISTRY_FORMAT,
            });
        }
        Ok(registry)
    }

    /// Enters an agent as its configuration says, and makes it the current one if asked or if
    /// there is no other.
    pub(crate) fn register(
        &self,
        config: &AgentConfig,
        make_current: bool,
    ) -> Result<(), FileError> {
        let _turn = FileLock::wait(&self.path.join("agents.lock"))?;
        let mut registry = self.registry()?;
        registry.put(config);
        if make_current || registry.current_label.is_none() {
            registry.current_label = Some(config.label.clone());
        }
        files::write_json(&self.registry_path(), &registry)
    }

    /// Makes an agent the one that is meant when no label is given.
    ///
    /// # Errors
    /// When none has the label, or the registry cannot be changed.
    pub fn switch(&self, label: &AgentLabel) -> Result<(), ChooseError> {
        let _turn = FileLock::wait(&self.path.join("agents.lock"))?;
        let mut registry = self.registry()?;
        let known = registry.labels();
        if !known.contains(label) {
            return Err(ChooseError::Unknown {
                label: label.clone(),
                home: self.path.clone(),
                known,
            });
        }
        registry.current_label = Some(label.clone());
        files::write_json(&self.registry_path(), &registry)?;
        Ok(())
    }

    /// Takes an agent out of the registry. Where it was the current one, the oldest of the others
    /// is from then on. Says whether none is left, and then the registry is gone.
    pub(crate) fn forget(&self, label: &AgentLabel) -> Result<bool, FileError> {
        let lock = self.path.join("agents.lock");
        let _turn = FileLock::wait(&lock)?;
        let mut registry = self.registry()?;
        registry.agents.retain(|agent| agent.label != *label);
        if registry.current_label.as_ref() == Some(label) {
            registry.current_label = registry.agents.first().map(|agent| agent.label.clone());
        }
        if !registry.agents.is_empty() || !registry.extra.is_empty() {
            files::write_json(&self.registry_path(), &registry)?;
            return Ok(false);
        }
        files::remove(&self.registry_path())?;
        files::remove(&lock)?;
        Ok(true)
    }

    /// The agent that is meant: the one with `label`, else the current one, else the only one.
    ///
    /// # Errors
    /// When there is none, or no way to tell.
    pub fn choose(&self, label: Option<&AgentLabel>) -> Result<AgentDir, ChooseError> {
        let registry = self.registry()?;
        let known = registry.labels();
        let chosen = match (label, &registry.current_label, known.as_slice()) {
            (Some(label), _, _) => label,
            (None, Some(current), _) => current,
            (None, None, []) => {
                return Err(ChooseError::None {
                    home: self.path.clone(),
                });
            }
            (None, None, [only]) => only,
            (None, None, _) => return Err(ChooseError::Several { known }),
        };
        let agent = self.agent(chosen);
        if agent.exists() {
            return Ok(agent);
        }
        Err(ChooseError::Unknown {
            label: chosen.clone(),
            home: self.path.clone(),
            known,
        })
    }

    fn registry_path(&self) -> PathBuf {
        self.path.join("agents.json")
    }
}
