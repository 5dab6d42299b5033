//! The handler that the edge calls, and the table of routes.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use portlama_access::{is_frame_of_sibling, may_ask};
use portlama_auth::Network;
use portlama_control::http::{Handler, RequestBody, ResponseBody};
use portlama_control::rate::Windows;
use portlama_control::security::SecurityEvent;
use portlama_control::{BoxFuture, Control, Live};
use tower::ServiceExt;

use crate::refusal::Refusal;
use crate::{change, headers, html, invite, json};

/// Requests per address (IPv6: per /64) in one [`WINDOW`](portlama_control::rate::WINDOW), style
/// sheet and pictures apart. Signing in takes five; a household or an office behind one address,
/// whose every page sends each of them through here when the sign-in has ended, stays far below. As many again in
/// frames, and what other websites ask is refused uncounted.
pub const REQUESTS_PER_MINUTE: u32 = 600;

/// The sign-in portal. Answers every request that the edge accepted for `auth.<domain>`.
pub struct Portal {
    routes: Router,
    live: Arc<Live>,
    requests: Mutex<Windows<Network>>,
    /// Those of the frames of sibling hosts, apart: they take nothing from people.
    frames: Mutex<Windows<Network>>,
}

impl Portal {
    /// A portal that signs people in at `control`.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let live = Arc::clone(control.live());
        let limited = from_fn_with_state(Arc::clone(&control), invite::limit);
        let invitations = Router::new()
            .route("/invite/{token}", get(invite::page).post(invite::accept))
            .route_layer(limited);
        let routes = Router::new()
            .merge(invitations)
            .route("/", get(html::home))
            .route("/continue", get(html::go_on))
            .route("/sign-in", post(html::sign_in))
            .route("/code", post(html::code))
            .route("/sign-out", get(html::ask_sign_out).post(html::sign_out))
            .route("/signed-out", get(html::signed_out))
            .route("/assets/{file}", get(html::asset))
            .route("/api/state", get(json::state))
            .route("/api/firstfactor", post(json::first_factor))
            .route("/api/secondfactor/totp", post(json::totp))
            .route("/api/logout", post(json::logout))
            .fallback(|request: Request| async move { refuse(&request, Refusal::NotFound) })
            .method_not_allowed_fallback(|request: Request| async move {
                refuse(&request, Refusal::Method)
            })
            .with_state(control);
        Self {
            routes,
            live,
            requests: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
            frames: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
        }
    }

    /// Asks where a request began and counts it. What another website made the browser ask is
    /// refused first, so that a page which asks without end shuts nobody's network out. Files
    /// that belong to a page are free.
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let client = change::client(request)?;
        let (method, path) = (request.method(), request.uri().path());
        let asked = may_ask(&client.served_origin, method, request.headers());
        let windows = match &asked {
            Ok(()) if path.starts_with("/assets/") => return Ok(()),
            Ok(()) => &self.requests,
            // An app that shows another one in a frame: whoever is signed in is handed over there
            // by redirects alone. No page of ours is ever shown in a frame.
            Err(_) if path == "/" && is_frame_of_sibling(method, request.headers()) => &self.frames,
            Err(_) => return Err(Refusal::CrossOrigin),
        };
        let address = client.address.ip();
        let count = windows.lock().count(address.into(), Instant::now());
        count.check().map_err(|wait| {
            if !change::is_foreign(&client, request) {
                let security = self.live.security();
                security.refused(SecurityEvent::TooManyRequests, address);
            }
            Refusal::TooManyRequests(wait)
        })
    }
}

impl Handler for Portal {
    fn call(
        &self,
        request: http::Request<RequestBody>,
    ) -> BoxFuture<'static, http::Response<ResponseBody>> {
        let request = request.map(Body::new);
        let admitted = self.admit(&request);
        let routes = self.routes.clone();
        Box::pin(async move {
            let mut response = match admitted {
                Ok(()) => routes
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
                Err(refusal) => refuse(&request, refusal),
            };
            headers::add(response.headers_mut());
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    }
}

/// Refuses what no route takes: as JSON below `/api/`, as a page elsewhere.
fn refuse(request: &Request, refusal: Refusal) -> Response {
    if request.uri().path().starts_with("/api/") {
        return refusal.json();
    }
    let client = change::client(request);
    refusal.page(client.as_ref().map_or("", |client| &client.host))
}
