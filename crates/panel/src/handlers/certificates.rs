//! `/api/certs`: the list and the admin's certificate.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portlama_api::{
    AdminAuth, AdminRotated, AdminRotation, Certificate, CertificateFailure, CertificateList,
    CertificateRequest, CertificateSigned, CertificateStatus, CertificateType,
};
use portlama_control::{CertificateKind, CertificateView, Rotation, SignedClient};
use portlama_model::Secret;

use crate::call::{Call, download, ok};
use crate::refusal::Refusal;

/// The type of files that carry key and certificate (RFC 7292, as browsers know it).
pub(super) const PKCS12: &str = "application/x-pkcs12";

const OLD_LIVES_ON: &str = "The old certificate works until five minutes after the first use of the new one. Import the new file before you close this page: its password is not shown again.";
const OLD_IS_DEAD: &str = "The old certificate has ended. Import the new file before you close this page: its password is not shown again.";

pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    let certs = call.control.certificates().await;
    ok(CertificateList {
        certs: certs.into_iter().map(certificate).collect(),
    })
}

pub(crate) async fn rotate(mut call: Call) -> Result<Response, Refusal> {
    let AdminRotation { revoke_now } = call.json_or_default().await?;
    let (rotation, warning) = if revoke_now {
        (Rotation::AtOnce, OLD_IS_DEAD)
    } else {
        (Rotation::AfterFirstUse, OLD_LIVES_ON)
    };
    let rotated = call
        .control
        .rotate_admin(call.by(), rotation, call.farewell())
        .await?;
    ok(AdminRotated {
        ok: true,
        p12: Secret::new(BASE64.encode(rotated.p12)),
        p12_password: rotated.p12_password,
        serial: rotated.serial,
        expires_at: rotated.expires_at,
        warning: warning.to_owned(),
    })
}

pub(crate) async fn download_admin(call: Call) -> Result<Response, Refusal> {
    download(PKCS12, "client.p12", call.control.admin_p12().await?)
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn auth_mode(call: Call) -> Result<Response, Refusal> {
    ok(AdminAuth {
        admin_auth_mode: call.control.admin_auth_mode(),
    })
}

pub(crate) async fn upgrade_admin(mut call: Call) -> Result<Response, Refusal> {
    let CertificateRequest { csr } = call.json().await?;
    let signed = call
        .control
        .upgrade_admin(call.by(), &csr, call.farewell())
        .await?;
    ok(signed_certificate(signed))
}

pub(super) fn signed_certificate(signed: SignedClient) -> CertificateSigned {
    CertificateSigned {
        ok: true,
        cert: signed.cert,
        ca_cert: signed.ca_cert,
        serial: signed.serial,
        expires_at: signed.expires_at,
    }
}

fn certificate(view: CertificateView) -> Certificate {
    let state = view.state.as_ref();
    Certificate {
        kind: match view.kind {
            CertificateKind::Public => CertificateType::LetsEncrypt,
            CertificateKind::Internal => CertificateType::Internal,
            CertificateKind::Authority => CertificateType::MtlsCa,
            CertificateKind::Admin => CertificateType::MtlsClient,
        },
        domain: view.host.map(|host| host.to_string()),
        expires_at: view.expires_at,
        days_until_expiry: view.days_left,
        path: view.path.display().to_string(),
        expiring_soon: view.expiring_soon,
        status: state.map(|state| status(state.status)),
        failure: state.and_then(|state| state.failure.as_ref()).map(failure),
        attempts_left: state.and_then(|state| state.attempts_left.try_into().ok()),
    }
}

fn status(seen: portlama_control::CertificateStatus) -> CertificateStatus {
    use portlama_control::CertificateStatus as Seen;
    match seen {
        Seen::Good => CertificateStatus::Good,
        Seen::Failing => CertificateStatus::Failing,
        Seen::Expired => CertificateStatus::Expired,
        Seen::Pending => CertificateStatus::Pending,
    }
}

fn failure(seen: &portlama_control::CertificateFailure) -> CertificateFailure {
    CertificateFailure {
        message: seen.message.clone(),
        since: seen.since,
        next_try: seen.next_try,
    }
}
