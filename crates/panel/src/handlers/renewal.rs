//! `/api/certs`: renewal, by hand and by itself.

use axum::response::Response;
use portlama_api::{AutoRenewStatus, CertificateRenewed};

use crate::call::{Call, ok};
use crate::refusal::Refusal;

pub(crate) async fn renew(call: Call) -> Result<Response, Refusal> {
    let host = call.cert_domain()?;
    let ends = call.control.renew_certificate(call.by(), &host).await?;
    ok(CertificateRenewed {
        ok: true,
        domain: host.to_string(),
        new_expiry: Some(ends),
        warning: None,
    })
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn status(call: Call) -> Result<Response, Refusal> {
    let renewal = call.control.auto_renewal();
    ok(AutoRenewStatus {
        active: true,
        next_run: renewal.next_run,
        last_run: renewal.last_run,
    })
}
