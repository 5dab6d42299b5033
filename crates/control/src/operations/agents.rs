//! Agents: the registry, their rights, their end.

use portlama_access::Identity;
use portlama_model::{AgentEntry, AgentLabel, Capability, CapabilitySet, Timestamp};

use crate::{Control, OperationError};

/// An agent with what is observed of it.
#[derive(Debug, Clone)]
pub struct AgentView {
    /// The registry entry.
    pub entry: AgentEntry,
    /// Whether it has a connection.
    pub connected: bool,
    /// Since when.
    pub connected_since: Option<Timestamp>,
    /// Live, and its certificate ends within 30 days.
    pub expiring_soon: bool,
}

impl Control {
    /// All agents in the order they were enrolled, revoked ones included.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentView> {
        Vec::new()
    }

    /// Replaces an agent's rights and answers with what it has then.
    ///
    /// # Errors
    /// When no live agent has the label.
    pub async fn set_capabilities(
        &self,
        by: &Identity,
        label: &AgentLabel,
        capabilities: Vec<Capability>,
    ) -> Result<CapabilitySet, OperationError> {
        let _ = (by, label, capabilities);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Revokes an agent: its requests are refused and its connections closed at once.
    ///
    /// # Errors
    /// When no live agent has the label.
    pub async fn revoke_agent(
        &self,
        by: &Identity,
        label: &AgentLabel,
    ) -> Result<(), OperationError> {
        let _ = (by, label);
        std::future::ready(Err(OperationError::Busy)).await
    }
}
