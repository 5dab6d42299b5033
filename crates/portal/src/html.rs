//! The routes for people: pages and the forms on them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use portlama_access::may_read_site;
use portlama_control::http::ClientInfo;
use portlama_control::{Control, SsoState};
use portlama_model::{AccessMode, Domain, HostService, Hostname, Secret, SiteAccess};

use crate::assets;
use crate::change::{Change, Media, client, typed_code, typed_username};
use crate::cookie;
use crate::destination::{Destination, Wish, path_with};
use crate::fields::{Doubled, Fields};
use crate::pages::{self, App, CodePage, PasswordPage, SignedInPage};
use crate::refusal::{NotAccepted, Refusal};
use crate::texts::TEXTS;

/// `GET /`: the page that fits how far the sign-in has come, or the way back to the app.
pub(crate) async fn home(State(control): State<Arc<Control>>, request: Request) -> Response {
    let look = match Look::at(&control, &request) {
        Ok(look) => look,
        Err(refusal) => return refusal.page(""),
    };
    let destination = look.wish.destination();
    let site = &look.client.host;
    match &look.state {
        SsoState::Anonymous => pages::password(&PasswordPage {
            site,
            destination,
            username: "",
            problem: None,
            dropped: matches!(look.wish, Wish::Refused),
        })
        .into_response(),
        SsoState::FirstFactor { username } => pages::code(&CodePage {
            site,
            destination,
            username: username.as_str(),
            problem: None,
        })
        .into_response(),
        SsoState::TwoFactor { displayname, .. } => match destination {
            Some(destination) => hand_over(&control, &look, destination),
            None => pages::signed_in(&SignedInPage {
                site,
                name: displayname.as_str(),
                apps: &apps(&control, &look),
                dropped: matches!(look.wish, Wish::Refused),
            })
            .into_response(),
        },
    }
}

/// `GET /continue`: says that the sign-in worked and moves on to the app by itself.
pub(crate) async fn go_on(State(control): State<Arc<Control>>, request: Request) -> Response {
    let look = match Look::at(&control, &request) {
        Ok(look) => look,
        Err(refusal) => return refusal.page(""),
    };
    match (&look.state, look.wish.destination()) {
        (SsoState::TwoFactor { .. }, Some(destination)) => {
            pages::go_on(&look.client.host, destination).into_response()
        }
        (_, destination) => found(&path_with("/", destination)),
    }
}

/// `POST /sign-in`: the password.
pub(crate) async fn sign_in(State(control): State<Arc<Control>>, request: Request) -> Response {
    let site = site(&request);
    match try_password(&control, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.page(&site),
    }
}

/// `POST /code`: the code of the authenticator app.
pub(crate) async fn code(State(control): State<Arc<Control>>, request: Request) -> Response {
    let site = site(&request);
    match try_code(&control, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.page(&site),
    }
}

/// `GET /sign-out`: asks whether to; a link must not sign anybody out.
pub(crate) async fn ask_sign_out(
    State(control): State<Arc<Control>>,
    request: Request,
) -> Response {
    match Look::at(&control, &request) {
        Ok(look) => {
            let somebody = look.state != SsoState::Anonymous;
            pages::ask_sign_out(&look.client.host, somebody).into_response()
        }
        Err(refusal) => refusal.page(""),
    }
}

/// `POST /sign-out`: ends the sign-in and everything it opened. With `then=sign-in` the
/// next page is the password page, for another account.
pub(crate) async fn sign_out(State(control): State<Arc<Control>>, request: Request) -> Response {
    let site = site(&request);
    let change = match Change::accept(request, Media::Form).await {
        Ok(change) => change,
        Err(refusal) => return refusal.page(&site),
    };
    if let Some(sso) = change.sso() {
        control.sign_out(sso).await;
    }
    let fields = change.fields();
    let mut response = if fields.one("then") == Ok(Some("sign-in")) {
        see_other(&path_with("/", Wish::of(&fields, &control).destination()))
    } else {
        see_other("/signed-out")
    };
    response.headers_mut().insert(SET_COOKIE, cookie::forget());
    response
}

/// `GET /signed-out`: says so only when it is true.
pub(crate) async fn signed_out(State(control): State<Arc<Control>>, request: Request) -> Response {
    match Look::at(&control, &request) {
        Ok(look) if look.state == SsoState::Anonymous => {
            pages::signed_out(&look.client.host).into_response()
        }
        Ok(_) => found("/"),
        Err(refusal) => refusal.page(""),
    }
}

/// `GET /assets/…`
pub(crate) async fn asset(request: Request) -> Response {
    match assets::find(request.uri().path()) {
        Some(asset) => asset.into_response(),
        None => Refusal::NotFound.page(&site(&request)),
    }
}

/// What a reading request shows of the visitor.
struct Look {
    client: ClientInfo,
    sso: Option<Secret>,
    state: SsoState,
    wish: Wish,
}

impl Look {
    fn at(control: &Control, request: &Request) -> Result<Self, Refusal> {
        let client = client(request)?;
        let sso = cookie::sso_token(request.headers());
        let fields = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
        Ok(Self {
            client,
            state: control.sso_state(sso.as_ref().map(Secret::expose)),
            sso,
            wish: Wish::of(&fields, control),
        })
    }
}

async fn try_password(control: &Control, request: Request) -> Result<Response, Refusal> {
    let change = Change::accept(request, Media::Form).await?;
    let fields = change.fields();
    let username = typed_username(required(&fields, "username")?)?;
    let password = Secret::new(required(&fields, "password")?);
    let wish = Wish::of(&fields, control);
    let destination = wish.destination();
    let tried = control
        .first_factor(change.sso(), &username, password, change.from)
        .await;
    let problem = match tried.map_err(NotAccepted::from) {
        Ok(passed) => {
            let mut response = see_other(&path_with("/", destination));
            response
                .headers_mut()
                .insert(SET_COOKIE, cookie::keep(&passed.sso_token));
            return Ok(response);
        }
        Err(NotAccepted::Refused(refusal)) => return Err(refusal),
        Err(NotAccepted::Wrong | NotAccepted::StartAgain) => TEXTS.wrong_password,
    };
    let page = pages::password(&PasswordPage {
        site: &change.site,
        destination,
        username: &username,
        problem: Some(problem),
        dropped: matches!(wish, Wish::Refused),
    });
    Ok((StatusCode::UNAUTHORIZED, page).into_response())
}

async fn try_code(control: &Control, request: Request) -> Result<Response, Refusal> {
    let change = Change::accept(request, Media::Form).await?;
    let fields = change.fields();
    let wish = Wish::of(&fields, control);
    let destination = wish.destination();
    let typed = required(&fields, "code")?;
    let next = if destination.is_some() {
        "/continue"
    } else {
        "/"
    };
    let (username, sso) = match (control.sso_state(change.sso()), change.sso()) {
        (SsoState::FirstFactor { username }, Some(sso)) => (username, sso),
        // The form was sent twice.
        (SsoState::TwoFactor { .. }, _) => return Ok(see_other(&path_with(next, destination))),
        _ => return Ok(start_again(&change.site, destination)),
    };
    let refuse = |status: StatusCode, problem: &'static str| {
        let page = pages::code(&CodePage {
            site: &change.site,
            destination,
            username: username.as_str(),
            problem: Some(problem),
        });
        Ok((status, page).into_response())
    };
    let Some(code) = typed_code(typed) else {
        return refuse(StatusCode::BAD_REQUEST, TEXTS.code_shape);
    };
    let tried = control.second_factor(sso, &code, change.from).await;
    match tried.map_err(NotAccepted::from) {
        Ok(token) => {
            let mut response = see_other(&path_with(next, destination));
            response
                .headers_mut()
                .insert(SET_COOKIE, cookie::keep(&token));
            Ok(response)
        }
        Err(NotAccepted::Wrong) => refuse(StatusCode::UNAUTHORIZED, TEXTS.wrong_code),
        Err(NotAccepted::StartAgain) => Ok(start_again(&change.site, destination)),
        Err(NotAccepted::Refused(refusal)) => Err(refusal),
    }
}

/// Sends a signed-in visitor back to the app with a one-time code. Without the nonce of the
/// browser that came from there, or when the app needs no sign-in, to the plain address: the
/// edge then begins the hand-over itself, if one is needed.
fn hand_over(control: &Control, look: &Look, destination: &Destination) -> Response {
    let protected = is_protected(control, destination);
    let (Some(nonce), Some(sso), true) = (destination.nonce(), &look.sso, protected) else {
        return found(&destination.url());
    };
    match control.handover(sso.expose(), destination.target(), nonce) {
        Ok(code) => found(&destination.handover_url(&code)),
        Err(error) => match NotAccepted::from(error) {
            NotAccepted::Refused(refusal) => refusal.page(&look.client.host),
            // The app was changed, or the session ended, between two looks.
            NotAccepted::Wrong => found(&destination.url()),
            NotAccepted::StartAgain => start_again(&look.client.host, Some(destination)),
        },
    }
}

fn is_protected(control: &Control, destination: &Destination) -> bool {
    let desired = control.live().desired();
    match desired.hosts.get(destination.target().host()) {
        Some(HostService::App(route)) => route.access != AccessMode::Public,
        Some(HostService::Site(route)) => route.access != SiteAccess::Public,
        _ => false,
    }
}

/// What a signed-in visitor may open: apps that are switched on and not restricted, and sites
/// that they may read.
fn apps(control: &Control, look: &Look) -> Vec<App> {
    let desired = control.live().desired();
    let visitor = control.signed_in(look.sso.as_ref().map(Secret::expose));
    let client = &look.client;
    let port = client
        .served_origin
        .strip_prefix("https://")
        .and_then(|authority| authority.strip_prefix(&*client.host))
        .unwrap_or_default();
    let open = desired.hosts.values().filter_map(|service| match service {
        HostService::App(route) if route.enabled && route.access != AccessMode::Restricted => {
            Some(&route.host)
        }
        HostService::Site(route) => may_read_site(&route.access, visitor.as_deref())
            .is_ok()
            .then_some(&route.host),
        _ => None,
    });
    open.map(|host| App {
        name: short_name(host, desired.domain.as_ref()).to_owned(),
        url: format!("https://{host}{port}/"),
        place: format!("{host}{port}"),
    })
    .collect()
}

/// The first label below our own domain; a foreign name is told whole.
fn short_name<'a>(host: &'a Hostname, domain: Option<&Domain>) -> &'a str {
    let below = domain.and_then(|domain| host.as_str().strip_suffix(domain.as_str()));
    match below {
        Some(_) => host.first_label(),
        None => host.as_str(),
    }
}

fn start_again(site: &str, destination: Option<&Destination>) -> Response {
    let page = pages::password(&PasswordPage {
        site,
        destination,
        username: "",
        problem: Some(TEXTS.start_again),
        dropped: false,
    });
    (StatusCode::UNAUTHORIZED, page).into_response()
}

fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Refusal> {
    match fields.one(name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) | Err(Doubled) => Err(Refusal::Malformed),
    }
}

/// The host a request was sent to, for the page that refuses it.
fn site(request: &Request) -> String {
    client(request)
        .map(|client| client.host.to_string())
        .unwrap_or_default()
}

/// The answer to a form: fetch that page next.
fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (status, [(LOCATION, location)]).into_response(),
        // Addresses are percent-encoded before they come here.
        Err(_) => Refusal::Internal.page(""),
    }
}
