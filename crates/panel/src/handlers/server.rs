//! `/api/health`, `/api/openapi.json`.

use axum::response::Response;
use portlama_api::Health;

use crate::call::{Call, ok};
use crate::openapi::DOCUMENT;
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn health(_: Call) -> Result<Response, Refusal> {
    ok(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn openapi(_: Call) -> Result<Response, Refusal> {
    ok(&*DOCUMENT)
}
