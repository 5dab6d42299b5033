//! `/api/certs/agent` and `/api/enroll`.

use axum::response::Response;
use portlama_api::{
    Agent, AgentCapabilities, AgentList, AgentP12, AgentRevoked, AgentSites, AllowedSitesChange,
    CapabilityChange, CertificateRequest, EnrollRequest, Enrolled, Enrollment, EnrollmentCancelled,
    NewEnrollment, OwnRevocation,
};
use portlama_control::AgentView;
use portlama_model::Secret;

use crate::call::{Call, download, ok};
use crate::handlers::certificates::{PKCS12, signed_certificate};
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    ok(AgentList {
        agents: call.control.agents().into_iter().map(agent).collect(),
    })
}

pub(crate) async fn set_capabilities(mut call: Call) -> Result<Response, Refusal> {
    let label = call.label()?;
    let CapabilityChange { capabilities } = call.json().await?;
    let capabilities = call
        .control
        .set_capabilities(call.by(), &label, capabilities)
        .await?;
    ok(AgentCapabilities {
        ok: true,
        label,
        capabilities,
    })
}

pub(crate) async fn revoke(call: Call) -> Result<Response, Refusal> {
    let label = call.label()?;
    call.control.revoke_agent(call.by(), &label).await?;
    ok(AgentRevoked { ok: true, label })
}

pub(crate) async fn revoke_self(mut call: Call) -> Result<Response, Refusal> {
    let OwnRevocation { label } = call.json().await?;
    call.control
        .revoke_self(call.by(), &label, call.farewell())
        .await?;
    ok(AgentRevoked { ok: true, label })
}

pub(crate) async fn create(mut call: Call) -> Result<Response, Refusal> {
    let new: NewEnrollment = call.json().await?;
    let sites = new.allowed_sites.into_iter().map(String::from).collect();
    let made = call
        .control
        .create_p12_agent(call.by(), new.label, new.capabilities, sites)
        .await?;
    ok(AgentP12 {
        ok: true,
        label: made.label,
        p12_password: made.p12_password,
        serial: made.serial,
        expires_at: made.expires_at,
    })
}

pub(crate) async fn download_p12(call: Call) -> Result<Response, Refusal> {
    let label = call.label()?;
    let file = call.control.agent_p12(&label).await?;
    download(PKCS12, &format!("{label}.p12"), file)
}

pub(crate) async fn set_allowed_sites(mut call: Call) -> Result<Response, Refusal> {
    let label = call.label()?;
    let AllowedSitesChange { allowed_sites } = call.json().await?;
    let allowed_sites = call
        .control
        .set_allowed_sites(call.by(), &label, allowed_sites)
        .await?;
    ok(AgentSites {
        ok: true,
        label,
        allowed_sites,
    })
}

pub(crate) async fn upgrade(mut call: Call) -> Result<Response, Refusal> {
    let CertificateRequest { csr } = call.json().await?;
    let signed = call.control.upgrade_agent(call.by(), &csr).await?;
    ok(signed_certificate(signed))
}

pub(crate) async fn create_enrollment(mut call: Call) -> Result<Response, Refusal> {
    let new: NewEnrollment = call.json().await?;
    let sites = new.allowed_sites.into_iter().map(String::from).collect();
    let enrollment = call
        .control
        .create_enrollment(call.by(), new.label, new.capabilities, sites)
        .await?;
    ok(Enrollment {
        ok: true,
        token: Secret::new(enrollment.token.expose()),
        setup_token: enrollment.setup_token.expose(),
        label: enrollment.label,
        expires_at: enrollment.expires_at,
    })
}

pub(crate) async fn cancel_enrollment(call: Call) -> Result<Response, Refusal> {
    let revoked = match call.label() {
        Ok(label) => call.control.cancel_enrollment(call.by(), &label).await?,
        // A label of another version, for which nobody makes tokens here.
        Err(Refusal::NotFound(_)) => false,
        Err(refusal) => return Err(refusal),
    };
    ok(EnrollmentCancelled { ok: true, revoked })
}

pub(crate) async fn enroll(mut call: Call) -> Result<Response, Refusal> {
    let request: EnrollRequest = call.json().await?;
    let enrolled = call
        .control
        .enroll(request.token.expose(), &request.csr)
        .await?;
    ok(Enrolled {
        ok: true,
        cert: enrolled.cert,
        ca_cert: enrolled.ca_cert,
        label: enrolled.label,
        serial: enrolled.serial,
        expires_at: enrolled.expires_at,
    })
}

fn agent(view: AgentView) -> Agent {
    let AgentView {
        entry,
        connected,
        connected_since,
        version,
        second_instance_refused,
        expiring_soon,
    } = view;
    Agent {
        label: entry.label,
        serial: entry.serial,
        capabilities: entry.capabilities,
        allowed_sites: entry.allowed_sites,
        enrollment_method: entry.enrollment_method,
        created_at: entry.created_at,
        expires_at: entry.expires_at,
        revoked: entry.revoked,
        revoked_at: entry.revoked_at,
        expiring_soon,
        connected,
        connected_since,
        version,
        second_instance_refused_at: second_instance_refused,
    }
}
