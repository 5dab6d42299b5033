//! Who is at the other end of a connection: the one place that builds an [`Identity`].

use std::collections::{BTreeMap, BTreeSet};

use portlama_model::{AgentEntry, AgentLabel, CapabilitySet, Serial, State, Timestamp};
use portlama_pki::{ChainError, Sha256, Subject, VerifiedClient};

/// What a client presented in the handshake, judged once a connection as far as time and
/// registry do not matter.
#[derive(Debug, Clone)]
pub enum Presented {
    /// No certificate.
    None,
    /// A certificate that is not of our authority, or not for clients.
    Untrusted(ChainError),
    /// A certificate of our authority.
    Client(VerifiedClient),
}

/// Why nobody was identified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIdentified {
    /// The client presented no certificate.
    #[error("no client certificate was presented")]
    NoCertificate,
    /// The certificate is not of this server's authority, or not for clients.
    #[error("the client certificate is not trusted: {0}")]
    Untrusted(String),
    /// The certificate is valid later.
    #[error("the client certificate is not valid yet: check the clock")]
    NotYetValid,
    /// The certificate was valid.
    #[error("the client certificate has expired")]
    Expired,
    /// The serial was revoked.
    #[error("the client certificate was revoked")]
    Revoked,
    /// Of our authority, but no admin and no live agent with that serial.
    #[error("the client certificate belongs to nobody on this server")]
    Nobody,
}

/// Who exists: a snapshot of the state, replaced whole when the state changes.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    admins: BTreeSet<Serial>,
    agents: BTreeMap<AgentLabel, AgentEntry>,
    revoked: BTreeSet<Serial>,
}

impl Identities {
    /// Everybody whom `state` knows.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let live = state.registry.agents.iter().filter(|entry| !entry.revoked);
        Self {
            admins: state.panel.admin.serials.iter().cloned().collect(),
            agents: live.map(|e| (e.label.clone(), e.clone())).collect(),
            revoked: state
                .revoked
                .revoked
                .iter()
                .map(|r| r.serial.clone())
                .collect(),
        }
    }

    /// Says who presented this certificate at `now`.
    ///
    /// The admin is CN exactly `admin` with a serial of the admin's; an agent is CN
    /// `agent:<label>` whose live registry entry has that serial, or has it while one
    /// certificate takes another's place. Asked for every request, so that a revocation acts on
    /// open connections.
    ///
    /// # Errors
    /// Says why it is nobody.
    pub fn identify(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Identity, NotIdentified> {
        let client = match presented {
            Presented::None => return Err(NotIdentified::NoCertificate),
            Presented::Untrusted(why) => return Err(NotIdentified::Untrusted(why.to_string())),
            Presented::Client(client) => client,
        };
        if !client.is_current(now) {
            let early = now < client.validity().not_before;
            return Err(if early {
                NotIdentified::NotYetValid
            } else {
                NotIdentified::Expired
            });
        }
        if self.revoked.contains(client.serial()) {
            return Err(NotIdentified::Revoked);
        }
        match client.subject() {
            Subject::Admin if self.admins.contains(client.serial()) => Ok(Identity::Admin(Admin {
                serial: client.serial().clone(),
                key_digest: client.key_digest(),
                not_after: client.validity().not_after,
            })),
            Subject::Agent(label) => self
                .agents
                .get(label)
                .filter(|known| known.has_serial(client.serial(), now))
                .map(|known| Identity::Agent(Agent::of(known, client)))
                .ok_or(NotIdentified::Nobody),
            Subject::Admin | Subject::Nobody => Err(NotIdentified::Nobody),
        }
    }
}

/// Somebody who presented a certificate that is theirs today. Only [`Identities::identify`]
/// makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The server's administrator.
    Admin(Admin),
    /// A machine behind a router.
    Agent(Agent),
}

impl Identity {
    /// The serial presented.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        match self {
            Self::Admin(admin) => &admin.serial,
            Self::Agent(agent) => &agent.serial,
        }
    }

    /// The SHA-256 of the public key presented.
    #[must_use]
    pub fn key_digest(&self) -> Sha256 {
        match self {
            Self::Admin(admin) => admin.key_digest,
            Self::Agent(agent) => agent.key_digest,
        }
    }

    /// The agent, if it is one.
    #[must_use]
    pub fn agent(&self) -> Option<&Agent> {
        match self {
            Self::Admin(_) => None,
            Self::Agent(agent) => Some(agent),
        }
    }

    /// Whether this is the administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Admin(_))
    }

    /// `admin` or `agent`.
    #[must_use]
    pub fn role(&self) -> &'static str {
        match self {
            Self::Admin(_) => "admin",
            Self::Agent(_) => "agent",
        }
    }

    /// `admin` or `agent:<label>`, as the audit log names them.
    #[must_use]
    pub fn audit_name(&self) -> String {
        match self {
            Self::Admin(_) => "admin".to_owned(),
            Self::Agent(agent) => agent.label.common_name(),
        }
    }
}

/// The administrator, by one of their certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    serial: Serial,
    key_digest: Sha256,
    not_after: Timestamp,
}

impl Admin {
    /// When the certificate that was presented ends by itself.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// An agent with its present rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    label: AgentLabel,
    serial: Serial,
    key_digest: Sha256,
    capabilities: CapabilitySet,
    allowed_sites: Vec<String>,
}

impl Agent {
    fn of(entry: &AgentEntry, client: &VerifiedClient) -> Self {
        Self {
            label: entry.label.clone(),
            serial: client.serial().clone(),
            key_digest: client.key_digest(),
            capabilities: entry.capabilities.clone(),
            allowed_sites: entry.allowed_sites.clone(),
        }
    }

    /// The agent's name.
    #[must_use]
    pub fn label(&self) -> &AgentLabel {
        &self.label
    }

    /// The serial of the certificate presented.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Its rights.
    #[must_use]
    pub fn capabilities(&self) -> &CapabilitySet {
        &self.capabilities
    }

    /// Names of the sites it may touch.
    #[must_use]
    pub fn allowed_sites(&self) -> &[String] {
        &self.allowed_sites
    }
}
