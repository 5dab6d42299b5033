//! Certificates of agents beside enrolment: those whose key the server makes, and the move to
//! a key of the agent's own.

use portlama_access::Identity;
use portlama_model::{
    AgentEntry, AgentLabel, Capability, CapabilitySet, EnrollmentMethod, Secret, Serial, SiteName,
    State, Timestamp,
};
use portlama_pki::ParsedRequest;
use portlama_state::FilePath;
use serde_json::json;

use crate::change::{Change, Forbids, audit_row, blocking, not_done};
use crate::operations::agents::{NO_AGENT, live_entries};
use crate::operations::enrolment::{adopt_tunnels, are_site_names, is_free};
use crate::operations::keys::{self, Packed, SignedClient, certificate_failed};
use crate::operations::still_may;
use crate::writer::Files;
use crate::{Control, Farewell, OperationError, Refusal};

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

    /// Signs a certificate for a new key of the calling agent's own. Its present certificate
    /// is dead with the answer, and its connections end; rights and sites stay.
    ///
    /// # Errors
    /// When the request is not acceptable, or another upgrade of the same agent was first.
    pub async fn upgrade_agent(
        &self,
        by: &Identity,
        csr: &str,
        farewell: &Farewell,
    ) -> Result<SignedClient, OperationError> {
        let request = ParsedRequest::parse(csr).map_err(Refusal::Csr)?;
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let label = by.agent().ok_or(NO_AGENT)?.label();
        if request.key_digest() == by.key_digest() {
            return Err(Refusal::KeyInUse.into());
        }
        let now = core.live.now();
        let key = request
            .admit(&core.authority, &keys::revoked(&state))
            .map_err(Refusal::Csr)?;
        let certificate = core
            .authority
            .sign_agent(label, &key, now)
            .map_err(certificate_failed)?;

        let mut next = State::clone(&state);
        let upgraded = format!("{} (upgraded to hardware-bound)", label.common_name());
        keys::revoke(&mut next, by.serial(), upgraded, Some(by.key_digest()), now);
        for entry in live_entries(&mut next, label) {
            entry.serial = certificate.serial().clone();
            entry.expires_at = certificate.validity().not_after;
            entry.enrollment_method = EnrollmentMethod::HardwareBound;
            entry.extra.extend(keys::remembered(&certificate));
        }
        let (was, is) = (
            json!({ "serial": by.serial() }),
            json!({ "serial": certificate.serial(), "enrollmentMethod": EnrollmentMethod::HardwareBound }),
        );
        let audit = audit_row(
            now,
            by.audit_name(),
            "agent.upgrade",
            label,
            Some(was),
            Some(is),
        );
        let forbids = Forbids {
            agent: Some(label.clone()),
            ..Forbids::default()
        };
        let change = Change::new(next, audit)
            .forbidding(forbids)
            .with_files(without_files(label))
            .answering(farewell.clone());
        core.apply(writer, change).await?;
        Ok(SignedClient::of(&certificate, &core.authority))
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
