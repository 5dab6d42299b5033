//! `/api/settings/2fa`.

use axum::response::Response;
use portlama_api::{
    TwoFactorCode, TwoFactorSetup, TwoFactorStatus, TwoFactorSwitched, TwoFactorVerified,
};

use crate::call::{Call, ok};
use crate::cookie;
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn status(call: Call) -> Result<Response, Refusal> {
    let state = call.control.two_factor();
    ok(TwoFactorStatus {
        enabled: state.enabled,
        setup_complete: state.setup_complete,
    })
}

pub(crate) async fn setup(call: Call) -> Result<Response, Refusal> {
    let seed = call.control.set_up_two_factor(call.by()).await?;
    ok(TwoFactorSetup {
        uri: seed.uri,
        manual_key: seed.manual_key,
    })
}

pub(crate) async fn confirm(mut call: Call) -> Result<Response, Refusal> {
    let body: TwoFactorCode = call.json().await?;
    let from = call.client_ip();
    let session = call
        .control
        .confirm_two_factor(call.by(), body.code.as_ref(), from)
        .await?;
    let mut answer = ok(TwoFactorSwitched { enabled: true })?;
    cookie::set(answer.headers_mut(), &session);
    Ok(answer)
}

pub(crate) async fn verify(mut call: Call) -> Result<Response, Refusal> {
    let body: TwoFactorCode = call.json().await?;
    let from = call.client_ip();
    let session = call
        .control
        .verify_two_factor(call.by(), body.code.as_ref(), from)
        .await?;
    let mut answer = ok(TwoFactorVerified { verified: true })?;
    cookie::set(answer.headers_mut(), &session);
    Ok(answer)
}

pub(crate) async fn disable(mut call: Call) -> Result<Response, Refusal> {
    let body: TwoFactorCode = call.json().await?;
    let from = call.client_ip();
    call.control
        .disable_two_factor(call.by(), body.code.as_ref(), from)
        .await?;
    let mut answer = ok(TwoFactorSwitched { enabled: false })?;
    cookie::clear(answer.headers_mut());
    Ok(answer)
}
