//! Agents: the registry, their rights, their end.

use std::time::Duration;

use portlama_access::Identity;
use portlama_model::{AgentEntry, AgentLabel, Capability, CapabilitySet, State, Timestamp};
use portlama_tunnel::AgentStatus;
use serde_json::json;

use crate::change::{Change, Forbids, audit_row};
use crate::operations::{agent_certificates, keys, still_may};
use crate::{Control, Farewell, OperationError};

/// How long before its end a certificate is shown as expiring soon: 30 days.
pub const EXPIRING_SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An agent with what is observed of it.
#[derive(Debug, Clone)]
pub struct AgentView {
    /// The registry entry.
    pub entry: AgentEntry,
    /// Whether it has a connection.
    pub connected: bool,
    /// Since when.
    pub connected_since: Option<Timestamp>,
    /// The version it says it runs.
    pub version: Option<String>,
    /// When a second process with the same certificate was last turned away.
    pub second_instance_refused: Option<Timestamp>,
    /// Live, and its certificate ends within [`EXPIRING_SOON`].
    pub expiring_soon: bool,
}

impl Control {
    /// All agents in the order they were enrolled, revoked ones included.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentView> {
        let now = self.core.live.now();
        let state = self.core.state.load();
        state
            .registry
            .agents
            .iter()
            .map(|entry| self.view_agent(entry, now))
            .collect()
    }

    /// Replaces an agent's rights and answers with what it has then. A right that is taken
    /// away is gone at once.
    ///
    /// # Errors
    /// When no live agent has the label.
    pub async fn set_capabilities(
        &self,
        by: &Identity,
        label: &AgentLabel,
        capabilities: Vec<Capability>,
    ) -> Result<CapabilitySet, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let before = state
            .registry
            .live(label)
            .ok_or(NO_AGENT)?
            .capabilities
            .clone();
        let after: CapabilitySet = capabilities.into_iter().collect();
        if before == after {
            return Ok(after);
        }
        let mut next = State::clone(&state);
        for entry in live_entries(&mut next, label) {
            entry.capabilities = after.clone();
        }
        let forbids = Forbids {
            at_once: before.iter().any(|right| !after.contains(right)),
            ..Forbids::default()
        };
        let (old, new) = (
            json!({ "capabilities": before }),
            json!({ "capabilities": after }),
        );
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "agent.capabilities",
            label,
            Some(old),
            Some(new),
        );
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await?;
        Ok(after)
    }

    /// Revokes an agent: its requests are refused and its connections closed at once, its
    /// label is free, its tunnels stay.
    ///
    /// # Errors
    /// When no live agent has the label.
    pub async fn revoke_agent(
        &self,
        by: &Identity,
        label: &AgentLabel,
    ) -> Result<(), OperationError> {
        self.end_agent(by, label, None).await
    }

    /// Revokes the calling agent, and no other. Its connections end when it has its answer.
    ///
    /// # Errors
    /// When the caller is no live agent, or has another label.
    pub async fn revoke_self(
        &self,
        by: &Identity,
        label: &AgentLabel,
        farewell: &Farewell,
    ) -> Result<(), OperationError> {
        let own = by.agent().ok_or(NO_AGENT)?.label();
        if label != own {
            let message = format!("must be the calling agent's own, {own}");
            return Err(OperationError::invalid("label", message));
        }
        self.end_agent(by, own, Some(farewell)).await
    }

    async fn end_agent(
        &self,
        by: &Identity,
        label: &AgentLabel,
        farewell: Option<&Farewell>,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let entry = state.registry.live(label).ok_or(NO_AGENT)?;
        let now = core.live.now();
        let mut next = State::clone(&state);
        let mut others = Vec::new();
        for entry in live_entries(&mut next, label) {
            entry.revoked = true;
            entry.revoked_at = Some(now);
            let next = entry.successor.take();
            let old = entry.predecessor.take();
            others.extend(next.map(|next| (next.serial, Some(next.public_key))));
            others.extend(old.map(|old| (old.serial, old.public_key)));
        }
        keys::revoke(&mut next, &entry.serial, label.common_name(), None, now);
        for (serial, key) in others {
            keys::revoke_stored(&mut next, &serial, label.common_name(), key, now);
        }
        let forbids = Forbids {
            at_once: true,
            agent: Some(label.clone()),
            user: None,
        };
        let before = Some(json!({ "serial": entry.serial }));
        let audit = audit_row(now, by.audit_name(), "agent.revoke", label, before, None);
        let mut change = Change::new(next, audit)
            .forbidding(forbids)
            .with_files(agent_certificates::without_files(label));
        if let Some(farewell) = farewell {
            change = change.answering(farewell.clone());
        }
        core.apply(writer, change).await
    }

    fn view_agent(&self, entry: &AgentEntry, now: Timestamp) -> AgentView {
        // A label can come back: what the hub knows is the live entry's.
        let status = if entry.revoked {
            AgentStatus::default()
        } else {
            self.core.hub.status(&entry.label)
        };
        AgentView {
            connected: status.is_connected(),
            connected_since: status.connected_since,
            version: status.version,
            second_instance_refused: status.refused_second_instance,
            expiring_soon: !entry.revoked && entry.expires_at.since(now) <= EXPIRING_SOON,
            entry: entry.clone(),
        }
    }
}

pub(crate) const NO_AGENT: OperationError = OperationError::NotFound { what: "Agent" };

pub(crate) fn live_entries<'a>(
    state: &'a mut State,
    label: &'a AgentLabel,
) -> impl Iterator<Item = &'a mut AgentEntry> {
    state
        .registry
        .agents
        .iter_mut()
        .filter(move |entry| !entry.revoked && entry.label == *label)
}
