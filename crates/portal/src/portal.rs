//! The handler that the edge calls, and the table of routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use portlama_control::http::{Handler, RequestBody, ResponseBody};
use portlama_control::{BoxFuture, Control};
use tower::ServiceExt;

use crate::refusal::Refusal;
use crate::{change, headers, html, invite, json};

/// The sign-in portal. Answers every request that the edge accepted for `auth.<domain>`.
pub struct Portal {
    routes: Router,
}

impl Portal {
    /// A portal that signs people in at `control`.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let limited = from_fn_with_state(Arc::clone(&control), invite::limit);
        let invitations = Router::new()
            .route("/invite/{token}", get(invite::page).post(invite::accept))
            .route("/api/invite/{token}", get(invite::look))
            .route("/api/invite/{token}/accept", post(invite::accept_json))
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
        Self { routes }
    }
}

impl Handler for Portal {
    fn call(
        &self,
        request: http::Request<RequestBody>,
    ) -> BoxFuture<'static, http::Response<ResponseBody>> {
        let routes = self.routes.clone();
        Box::pin(async move {
            let Ok(mut response) = routes.oneshot(request.map(Body::new)).await;
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
