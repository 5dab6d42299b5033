//! Enrolment: a token for an agent, and the certificate it is exchanged for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portlama_access::Identity;
use portlama_model::{
    AgentEntry, AgentLabel, Capability, EnrollmentMethod, EnrollmentToken, Serial, SetupToken,
    State, Timestamp, TunnelPort,
};
use portlama_pki::{AdmittedKey, ParsedRequest};
use portlama_state::{Consumption, Grant, TokenHash};
use serde_json::json;

use crate::change::{Change, audit_row, blocking, not_done};
use crate::control::Core;
use crate::operations::{keys, still_may};
use crate::random::octets;
use crate::writer::WriterGuard;
use crate::{Control, Issue, OperationError, Refusal, Step};

/// How long an enrolment token holds: time to walk to the other machine.
pub const ENROLLMENT_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The longest name of a static site.
pub const MAX_SITE_NAME_CHARACTERS: usize = 100;

/// A token that was made for an agent.
#[derive(Debug, Clone)]
pub struct Enrollment {
    /// The bare token, shown once.
    pub token: EnrollmentToken,
    /// The token with the authority's fingerprint, shown once.
    pub setup_token: SetupToken,
    /// For whom.
    pub label: AgentLabel,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The certificate an agent received.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The certificate, PEM.
    pub cert: String,
    /// The authority's certificate, PEM.
    pub ca_cert: String,
    /// Whose it is.
    pub label: AgentLabel,
    /// Its serial.
    pub serial: Serial,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Control {
    /// Makes an enrolment token; one that is pending for the label dies.
    ///
    /// # Errors
    /// When a live agent has the label, or a site's name is not one.
    pub async fn create_enrollment(
        &self,
        by: &Identity,
        label: AgentLabel,
        capabilities: Vec<Capability>,
        allowed_sites: Vec<String>,
    ) -> Result<Enrollment, OperationError> {
        are_site_names(&allowed_sites)?;
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        is_free(&state, &label)?;
        let now = core.live.now();
        let token = EnrollmentToken::from_random(octets());
        let grant = Grant {
            hash: TokenHash::of(token.expose().as_bytes()),
            label: label.clone(),
            capabilities: capabilities.into_iter().collect(),
            allowed_sites,
            created: now,
            expires: now.plus(ENROLLMENT_LIFETIME),
        };
        let expires_at = grant.expires;
        let after = json!({ "capabilities": grant.capabilities, "allowedSites": grant.allowed_sites, "expiresAt": expires_at });
        let audit = audit_row(
            now,
            by.audit_name(),
            "enrollment.create",
            &label,
            None,
            Some(after),
        );
        let runtime = core.store.runtime().clone();
        blocking(move || {
            // Held to the end, also when the caller goes away.
            let _writer = writer;
            runtime.audit().append(&audit)?;
            runtime.enrollments().issue(&grant)
        })
        .await
        .map_err(not_done)?;
        let setup_token = SetupToken {
            token: token.clone(),
            fingerprint: self.ca_fingerprint(),
        };
        Ok(Enrollment {
            token,
            setup_token,
            label,
            expires_at,
        })
    }

    /// Takes back a pending token; `false` when none was pending.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn cancel_enrollment(
        &self,
        by: &Identity,
        label: &AgentLabel,
    ) -> Result<bool, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        still_may(&core.state.load(), by, None)?;
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "enrollment.cancel",
            label,
            None,
            None,
        );
        let (runtime, label) = (core.store.runtime().clone(), label.clone());
        blocking(move || {
            let _writer = writer;
            let withdrawn = runtime.enrollments().withdraw(&label)?;
            if withdrawn {
                runtime.audit().append(&audit)?;
            }
            Ok(withdrawn)
        })
        .await
        .map_err(not_done)
    }

    /// Exchanges a token and a certificate request for a certificate. Tunnels without an agent
    /// become this one's.
    ///
    /// # Errors
    /// When the request is not acceptable (the token stays good), the token is not good, or a
    /// live agent has the label.
    pub async fn enroll(&self, token: &str, csr: &str) -> Result<Enrolled, OperationError> {
        let request = ParsedRequest::parse(csr).map_err(Refusal::Csr)?;
        let token: EnrollmentToken = token.parse().map_err(|_| OperationError::InvalidToken)?;
        let hash = TokenHash::of(token.expose().as_bytes());
        let core = self.core.clone();
        // The token is used up and the agent written down by one task, whoever goes away.
        let task = tokio::spawn(async move { core.enroll(request, hash).await });
        task.await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

impl Core {
    async fn enroll(
        self: Arc<Self>,
        request: ParsedRequest,
        token: TokenHash,
    ) -> Result<Enrolled, OperationError> {
        let writer = self.writer().await;
        let state = self.state.load_full();
        let now = self.live.now();
        let key = request
            .admit(&self.authority, &keys::revoked(&state))
            .map_err(Refusal::Csr)?;
        let core = self.clone();
        let grant =
            match blocking(move || core.store.runtime().enrollments().consume(&token, now)).await {
                Ok(Consumption::Consumed(grant)) => grant,
                Ok(Consumption::Unknown | Consumption::Used { .. } | Consumption::Expired) => {
                    return Err(OperationError::InvalidToken);
                }
                Err(error) => return Err(not_done(error)),
            };
        let enrolled = self.admit(writer, &state, grant, &key, now).await;
        if enrolled.is_err() {
            // Nobody was enrolled, so the person at the agent may try again.
            let core = self.clone();
            if let Err(error) =
                blocking(move || core.store.runtime().enrollments().release(&token)).await
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a token could not be given back"
                );
            }
        }
        enrolled
    }

    async fn admit(
        self: &Arc<Self>,
        writer: WriterGuard,
        state: &State,
        grant: Grant,
        key: &AdmittedKey,
        now: Timestamp,
    ) -> Result<Enrolled, OperationError> {
        let label = grant.label;
        is_free(state, &label)?;
        let certificate = self
            .authority
            .sign_agent(&label, key, now)
            .map_err(|error| OperationError::Failed {
                step: Step::Certificate,
                source: error.into(),
            })?;
        let entry = AgentEntry {
            label: label.clone(),
            serial: certificate.serial().clone(),
            capabilities: grant.capabilities,
            allowed_sites: grant.allowed_sites,
            enrollment_method: EnrollmentMethod::HardwareBound,
            created_at: now,
            expires_at: certificate.validity().not_after,
            revoked: false,
            revoked_at: None,
            successor: None,
            predecessor: None,
            extra: keys::remembered(&certificate),
        };
        let after = json!({ "serial": entry.serial, "capabilities": entry.capabilities, "allowedSites": entry.allowed_sites });
        let audit = audit_row(
            now,
            label.common_name(),
            "agent.enroll",
            &label,
            None,
            Some(after),
        );
        let mut next = State::clone(state);
        next.registry.agents.push(entry);
        adopt_tunnels(&mut next, &label);
        self.apply(writer, Change::new(next, audit)).await?;
        Ok(Enrolled {
            cert: certificate.pem(),
            ca_cert: self.authority.certificate_pem(),
            label,
            serial: certificate.serial().clone(),
            expires_at: certificate.validity().not_after,
        })
    }
}

/// Names of sites, which need not exist yet: as DNS labels, but up to 100 characters.
pub(crate) fn are_site_names(names: &[String]) -> Result<(), OperationError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_site_name = |name: &str| {
        (1..=MAX_SITE_NAME_CHARACTERS).contains(&name.len())
            && name.bytes().all(|b| plain(b) || b == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    let broken = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !is_site_name(name));
    let issues: Vec<Issue> = broken
        .map(|(index, _)| Issue {
            path: vec!["allowedSites".to_owned(), index.to_string()],
            message: "must be the name of a site: a-z, 0-9 and inner hyphens".to_owned(),
        })
        .collect();
    if issues.is_empty() {
        Ok(())
    } else {
        Err(OperationError::Invalid(issues))
    }
}

pub(crate) fn is_free(state: &State, label: &AgentLabel) -> Result<(), OperationError> {
    match state.registry.live(label) {
        None => Ok(()),
        Some(_) => Err(OperationError::Conflict {
            message: format!("agent `{label}` is enrolled: revoke it first"),
        }),
    }
}

/// Gives the agent the tunnels that have none. One whose port it serves already (its label
/// was used before) stays as it is.
pub(crate) fn adopt_tunnels(state: &mut State, label: &AgentLabel) {
    let own = state
        .tunnels
        .iter()
        .filter(|tunnel| tunnel.agent_label.as_ref() == Some(label));
    let mut taken: BTreeSet<TunnelPort> = own.map(|tunnel| tunnel.port).collect();
    for tunnel in state
        .tunnels
        .iter_mut()
        .filter(|tunnel| tunnel.agent_label.is_none())
    {
        if taken.insert(tunnel.port) {
            Arc::make_mut(tunnel).agent_label = Some(label.clone());
        }
    }
}
