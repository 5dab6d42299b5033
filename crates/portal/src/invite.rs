//! Invitations: a page that sets the password, and one that shows the code's seed once. The routes
//! for programs, `/api/invite/…`, are the panel's on every host.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, PreEscaped};
use portlama_control::security::SecurityEvent;
use portlama_control::{Accepted, Control, OperationError};
use portlama_model::Secret;
use qrcode::QrCode;
use qrcode::render::svg;

use crate::change::{self, Change, Media, client};
use crate::pages::{self, InvitationPage, WelcomePage};
use crate::refusal::Refusal;
use crate::texts::TEXTS;

/// Side of the QR code on the page, CSS pixels: a phone reads it at arm's length.
const QR_PIXELS: u32 = 240;

/// Stands before every route of an invitation: a token that is tried is counted before it is
/// looked at, together with those at the panel.
pub(crate) async fn limit(
    State(control): State<Arc<Control>>,
    request: Request,
    next: Next,
) -> Response {
    let client = match client(&request) {
        Ok(client) => client,
        Err(refusal) => return refusal.page(""),
    };
    let from = client.address.ip();
    let is_foreign = change::is_foreign(&client, &request);
    let tell = |event| {
        if !is_foreign {
            control.live().security().refused(event, from);
        }
    };
    if let Err(wait) = control.count_invitation_try(from).check() {
        tell(SecurityEvent::TooManyRequests);
        return Refusal::TooManyTries(wait).page(&client.host);
    }
    let answer = next.run(request).await;
    if answer.status() == StatusCode::NOT_FOUND {
        tell(SecurityEvent::WrongInvitation);
    }
    answer
}

/// `GET /invite/{token}`: who is invited, and a form for the password. Uses nothing up.
pub(crate) async fn page(
    State(control): State<Arc<Control>>,
    token: Path<String>,
    request: Request,
) -> Response {
    let site = match client(&request) {
        Ok(client) => client.host.to_string(),
        Err(refusal) => return refusal.page(""),
    };
    match control.look_at_invitation(&token) {
        Ok(open) => invitation_page(&site, &token, open.username.as_str(), None).into_response(),
        Err(error) => refused(&site, &error),
    }
}

/// `POST /invite/{token}`: makes the user and shows the seed, once.
pub(crate) async fn accept(
    State(control): State<Arc<Control>>,
    token: Path<String>,
    request: Request,
) -> Response {
    let change = match Change::accept(request, Media::Form).await {
        Ok(change) => change,
        Err(refusal) => return refusal.page(""),
    };
    let open = match control.look_at_invitation(&token) {
        Ok(open) => open,
        Err(error) => return refused(&change.site, &error),
    };
    let again = |problem: &str| {
        let page = invitation_page(&change.site, &token, open.username.as_str(), Some(problem));
        (StatusCode::BAD_REQUEST, page).into_response()
    };
    let fields = change.fields();
    let (Ok(password), Ok(repeated)) = (fields.one("password"), fields.one("repeated")) else {
        return Refusal::Malformed.page(&change.site);
    };
    let Some(password) = password else {
        return again(TEXTS.password_missing);
    };
    if Some(password) != repeated {
        return again(TEXTS.passwords_differ);
    }
    let password = Secret::new(password);
    match control
        .accept_invitation(&token, &password, change.from)
        .await
    {
        Ok(accepted) => welcome_page(&change.site, &accepted).into_response(),
        Err(OperationError::Invalid(issues)) => {
            let message = issues
                .first()
                .map_or(TEXTS.password_missing, |i| &i.message);
            again(&format!("{} {message}.", TEXTS.the_password))
        }
        Err(error) => refused(&change.site, &error),
    }
}

fn invitation_page(site: &str, token: &str, username: &str, problem: Option<&str>) -> Markup {
    pages::invitation(&InvitationPage {
        site,
        action: &format!("/invite/{token}"),
        username,
        problem,
    })
}

fn welcome_page(site: &str, accepted: &Accepted) -> Markup {
    let uri = accepted.totp_uri.expose();
    let key = uri
        .split(['?', '&'])
        .find_map(|p| p.strip_prefix("secret="));
    pages::welcome(&WelcomePage {
        site,
        username: accepted.username.as_str(),
        key: key.unwrap_or_default(),
        uri,
        qr: qr(uri),
    })
}

/// The code as a drawing in the page: the page loads nothing that holds a secret.
fn qr(text: &str) -> Option<Markup> {
    let code = QrCode::new(text).ok()?;
    let drawing = code
        .render::<svg::Color<'_>>()
        .min_dimensions(QR_PIXELS, QR_PIXELS)
        .build();
    // Without the XML declaration, which HTML does not know.
    let start = drawing.find("<svg")?;
    Some(PreEscaped(drawing.get(start..)?.to_owned()))
}

fn refused(site: &str, error: &OperationError) -> Response {
    let words = match error {
        OperationError::Gone { .. } => &TEXTS.invitation_gone,
        OperationError::Conflict { .. } => &TEXTS.invitation_taken,
        OperationError::Busy => return Refusal::Busy.page(site),
        OperationError::Invalid(_) | OperationError::NotFound { .. } => &TEXTS.invitation_unknown,
        _ => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "an invitation could not be accepted"
            );
            &TEXTS.internal
        }
    };
    (status(error), pages::refused(site, words)).into_response()
}

fn status(error: &OperationError) -> StatusCode {
    match error {
        OperationError::Invalid(_) => StatusCode::BAD_REQUEST,
        OperationError::NotFound { .. } => StatusCode::NOT_FOUND,
        OperationError::Conflict { .. } => StatusCode::CONFLICT,
        OperationError::Gone { .. } => StatusCode::GONE,
        OperationError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        OperationError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
