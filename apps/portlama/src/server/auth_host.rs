//! What answers at `auth.<domain>`: the portal, and the panel's public routes for invitations.

use std::sync::Arc;

use http::{Request, Response};
use portlama_control::BoxFuture;
use portlama_control::http::{Handler, RequestBody, ResponseBody};
use portlama_panel::Panel;
use portlama_portal::Portal;

/// Below this the panel answers: a program that accepts an invitation meets the same handler, and
/// with it the same answers and the same limits, on every host. Whatever else the panel has asks
/// for a certificate, which nobody can show here.
const INVITATIONS: &str = "/api/invite/";

/// The rooms behind `auth.<domain>`.
pub(super) struct AuthHost {
    pub(super) portal: Portal,
    pub(super) panel: Arc<Panel>,
}

impl Handler for AuthHost {
    fn call(&self, request: Request<RequestBody>) -> BoxFuture<'static, Response<ResponseBody>> {
        if request.uri().path().starts_with(INVITATIONS) {
            self.panel.call(request)
        } else {
            self.portal.call(request)
        }
    }
}
