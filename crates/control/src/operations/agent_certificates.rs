//! Agents whose key the server makes, and the sites of any.

use portlama_access::Identity;
use portlama_model::{
    AgentEntry, AgentLabel, Capability, CapabilitySet, EnrollmentMethod, Secret, Serial, SiteName,
    State, Timestamp,
};
use portlama_state::FilePath;
use serde_json::json;

use crate::change::{Change, Forbids, audit_row, blocking, not_done};
use crate::operations::agents::{NO_AGENT, live_entries};
use crate::operations::enrolment::{adopt_tunnels, are_site_names, is_free};
use crate::operations::keys::{self, Packed, certificate_failed};
use crate::operations::still_may;
use crate::writer::Files;
use crate::{Control, OperationError};

/// An agent whose key the server made.
#[derive(Debug, Clone)]
pub struct NewP12 {
    /// The agent.
    pub label: AgentLabel,
    /// The password of its P12 file, shown once and stored nowhere.
    pub p12_password: Secret,
    /// Its certificate's serial.
    pub serial: Serial,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

impl Control {
    /// Makes an agent with key, certificate and P12 file. Tunnels without an agent become this
    /// one's.
    ///
    /// # Errors
    /// When a live agent has the label, or a site's name is not one.
    pub async fn create_p12_agent(
        &self,
        by: &Identity,
        label: AgentLabel,
        capabilities: Vec<Capability>,
        allowed_sites: Vec<String>,
    ) -> Result<NewP12, OperationError> {
        are_site_names(&allowed_sites)?;
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        is_free(&state, &label)?;
        let now = core.live.now();
        let (authority, name) = (core.authority.clone(), label.clone());
        let made = blocking(move || {
            let pair = authority.issue_agent(&name, now)?;
            Packed::of(pair, &authority, &format!("Portlama agent {name}"))
        });
        let made = made.await.map_err(certificate_failed)?;
        let certificate = made.pair.certificate();
        let entry = AgentEntry {
            label: label.clone(),
            serial: certificate.serial().clone(),
            capabilities: capabilities.into_iter().collect::<CapabilitySet>(),
            allowed_sites,
            enrollment_method: EnrollmentMethod::P12,
            created_at: now,
            expires_at: certificate.validity().not_after,
            revoked: false,
            revoked_at: None,
            successor: None,
            predecessor: None,
            extra: keys::remembered(certificate),
        };
        let after = json!({ "serial": entry.serial, "capabilities": entry.capabilities, "allowedSites": entry.allowed_sites });
        let audit = audit_row(
            now,
            by.audit_name(),
            "agent.create",
            &label,
            None,
            Some(after),
        );
        let mut next = State::clone(&state);
        next.registry.agents.push(entry);
        adopt_tunnels(&mut next, &label);
        let key = made.pair.key_pem().expose().into();
        let files: Files = vec![
            (FilePath::agent_key(&label), Some(key)),
            (
                FilePath::agent_cert(&label),
                Some(certificate.pem().into_bytes()),
            ),
            (FilePath::agent_p12(&label), Some(made.p12)),
        ];
        core.apply(writer, Change::new(next, audit).with_files(files))
            .await?;
        Ok(NewP12 {
            serial: certificate.serial().clone(),
            expires_at: certificate.validity().not_after,
            p12_password: made.password,
            label,
        })
    }

    /// The file that carries an agent's certificate and key to its machine.
    ///
    /// # Errors
    /// When no live agent with a key of our making has the label, or its file is gone.
    pub async fn agent_p12(&self, label: &AgentLabel) -> Result<Vec<u8>, OperationError> {
        let core = self.core.clone();
        let state = core.state.load_full();
        let entry = state.registry.live(label);
        entry
            .filter(|entry| entry.enrollment_method == EnrollmentMethod::P12)
            .ok_or(NO_P12)?;
        let path = FilePath::agent_p12(label);
        let found = blocking(move || core.store.read(&path)).await;
        found.map_err(not_done)?.ok_or(NO_P12)
    }

    /// Replaces the sites that an agent may touch; they need not exist. One that is taken away
    /// is gone with the next request.
    ///
    /// # Errors
    /// When no live agent has the label.
    pub async fn set_allowed_sites(
        &self,
        by: &Identity,
        label: &AgentLabel,
        sites: Vec<SiteName>,
    ) -> Result<Vec<String>, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let entry = state.registry.live(label).ok_or(NO_AGENT)?;
        let mut after: Vec<String> = Vec::with_capacity(sites.len());
        for site in sites.iter().map(SiteName::as_str) {
            if !after.iter().any(|known| known == site) {
                after.push(site.to_owned());
            }
        }
        let before = entry.allowed_sites.clone();
        if before == after {
            return Ok(after);
        }
        let mut next = State::clone(&state);
        for entry in live_entries(&mut next, label) {
            entry.allowed_sites.clone_from(&after);
        }
        let forbids = Forbids {
            at_once: before.iter().any(|site| !after.contains(site)),
            ..Forbids::default()
        };
        let (was, is) = (
            json!({ "allowedSites": before }),
            json!({ "allowedSites": after }),
        );
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "agent.allowed-sites",
            label,
            Some(was),
            Some(is),
        );
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await?;
        Ok(after)
    }
}

const NO_P12: OperationError = OperationError::NotFound { what: "P12 file" };

/// The folder of an agent is gone.
pub(crate) fn without_files(label: &AgentLabel) -> Files {
    let files = [
        FilePath::agent_key(label),
        FilePath::agent_cert(label),
        FilePath::agent_p12(label),
    ];
    files.into_iter().map(|path| (path, None)).collect()
}
