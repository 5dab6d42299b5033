//! The routes for programs, in Authelia's shapes.
//!
//! Bodies are JSON of at most [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES). Success is
//! `{"status":"OK"}` with `data` where there is something to say, failure
//! `{"status":"KO","message":…}`. Unknown members are ignored, as Authelia's clients send
//! some that mean nothing here: `keepMeLoggedIn` (every sign-in has the same life) and
//! `requestMethod` (every protected app asks for both factors).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use portlama_control::{Control, SsoState};
use portlama_model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::change::{Change, Media, typed_code, typed_username};
use crate::cookie;
use crate::refusal::{NotAccepted, Refusal, ko};
use crate::texts::TEXTS;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstFactorBody {
    username: String,
    password: Secret,
}

#[derive(Deserialize)]
struct TotpBody {
    token: String,
    #[serde(rename = "targetURL")]
    target_url: Option<String>,
}

#[derive(Deserialize)]
struct LogoutBody {
    #[serde(rename = "targetURL")]
    target_url: Option<String>,
}

/// `POST /api/firstfactor`
pub(crate) async fn first_factor(
    State(control): State<Arc<Control>>,
    request: Request,
) -> Response {
    try_first_factor(&control, request)
        .await
        .unwrap_or_else(Refusal::json)
}

/// `POST /api/secondfactor/totp`
pub(crate) async fn totp(State(control): State<Arc<Control>>, request: Request) -> Response {
    try_totp(&control, request)
        .await
        .unwrap_or_else(Refusal::json)
}

/// `GET /api/state`
pub(crate) async fn state(State(control): State<Arc<Control>>, request: Request) -> Response {
    let sso = cookie::sso_token(request.headers());
    let (level, username) = match control.sso_state(sso.as_ref().map(Secret::expose)) {
        SsoState::Anonymous => (0, String::new()),
        SsoState::FirstFactor { username } => (1, username.into()),
        SsoState::TwoFactor { username, .. } => (2, username.into()),
    };
    ok(Some(json!({
        "username": username,
        "authentication_level": level,
        "default_redirection_url": "",
    })))
}

/// `POST /api/logout`
pub(crate) async fn logout(State(control): State<Arc<Control>>, request: Request) -> Response {
    try_logout(&control, request)
        .await
        .unwrap_or_else(Refusal::json)
}

async fn try_first_factor(control: &Control, request: Request) -> Result<Response, Refusal> {
    let change = Change::accept(request, Media::Json).await?;
    let body: FirstFactorBody = change.json()?;
    let username = typed_username(&body.username)?;
    if body.password.expose().is_empty() {
        return Err(Refusal::Malformed);
    }
    let tried = control
        .first_factor(change.sso(), &username, body.password, change.from)
        .await;
    match tried.map_err(NotAccepted::from) {
        // The code is still to come, so there is nowhere to go on to yet.
        Ok(passed) => Ok(with_cookie(ok(None), cookie::keep(&passed.sso_token))),
        Err(NotAccepted::Wrong | NotAccepted::StartAgain) => {
            Ok(ko(StatusCode::UNAUTHORIZED, TEXTS.wrong_password))
        }
        Err(NotAccepted::Refused(refusal)) => Err(refusal),
    }
}

async fn try_totp(control: &Control, request: Request) -> Result<Response, Refusal> {
    let change = Change::accept(request, Media::Json).await?;
    let body: TotpBody = change.json()?;
    let code = typed_code(&body.token).ok_or(Refusal::Malformed)?;
    let Some(sso) = change.sso() else {
        return Ok(ko(StatusCode::UNAUTHORIZED, TEXTS.start_again));
    };
    let tried = control.second_factor(sso, &code, change.from).await;
    match tried.map_err(NotAccepted::from) {
        Ok(token) => {
            let target = body.target_url.and_then(|url| control.return_target(&url));
            let data = target.map(|target| json!({ "redirect": target.url() }));
            Ok(with_cookie(ok(data), cookie::keep(&token)))
        }
        Err(NotAccepted::Wrong) => Ok(ko(StatusCode::UNAUTHORIZED, TEXTS.wrong_code)),
        Err(NotAccepted::StartAgain) => Ok(ko(StatusCode::UNAUTHORIZED, TEXTS.start_again)),
        Err(NotAccepted::Refused(refusal)) => Err(refusal),
    }
}

async fn try_logout(control: &Control, request: Request) -> Result<Response, Refusal> {
    let change = Change::accept(request, Media::JsonOrNothing).await?;
    let body: LogoutBody = change.json()?;
    if let Some(sso) = change.sso() {
        control.sign_out(sso).await;
    }
    let safe = body
        .target_url
        .is_some_and(|url| control.return_target(&url).is_some());
    Ok(with_cookie(
        ok(Some(json!({ "safeTargetURL": safe }))),
        cookie::forget(),
    ))
}

/// Authelia's shape of success.
fn ok(data: Option<Value>) -> Response {
    let body = match data {
        Some(data) => json!({ "status": "OK", "data": data }),
        None => json!({ "status": "OK" }),
    };
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn with_cookie(mut response: Response, value: HeaderValue) -> Response {
    response.headers_mut().insert(SET_COOKIE, value);
    response
}
