//! `/api/certs/agent` and `/api/enroll`.

use axum::response::Response;
use portlama_api::{
    Agent, AgentCapabilities, AgentList, AgentRevoked, CapabilityChange, EnrollRequest, Enrolled,
    Enrollment, EnrollmentCancelled, NewEnrollment,
};
use portlama_control::AgentView;
use portlama_model::Secret;

use crate::call::{Call, ok};
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
    let label = call.label()?;
    let revoked = call.control.cancel_enrollment(call.by(), &label).await?;
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
