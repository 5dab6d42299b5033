//! The router, built from the table, as a room behind the edge.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::routing::any;
use http::Response;
use http_body_util::BodyExt as _;
use portlama_control::http::{Handler, RequestBody, ResponseBody};
use portlama_control::{BoxFuture, Control};
use tower::ServiceExt as _;

use crate::call::PathSegments;
use crate::gate::{Gate, Known};
use crate::{ROUTES, Route};

/// The panel of one server.
pub struct Panel {
    router: Router,
}

impl Panel {
    /// The panel over `control`.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let gate = Arc::new(Gate::new(control));
        let mut router = Router::new();
        for (path, routes) in by_path() {
            let gate = Arc::clone(&gate);
            let known: Known = routes.into();
            // Segments that are no text must not be answered before the gate.
            let answer = move |segments: Result<RawPathParams, _>, request: Request| {
                let (gate, known) = (Arc::clone(&gate), Arc::clone(&known));
                async move {
                    gate.known(&known, PathSegments::of(segments), request)
                        .await
                }
            };
            router = router.route(path, any(answer));
        }
        let unknown = move |request: Request| {
            let gate = Arc::clone(&gate);
            async move { gate.unknown(request) }
        };
        Self {
            router: router.fallback(unknown),
        }
    }
}

fn by_path() -> BTreeMap<&'static str, Vec<&'static Route>> {
    let mut paths: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for route in ROUTES {
        paths.entry(route.path()).or_default().push(route);
    }
    paths
}

impl Handler for Panel {
    fn call(
        &self,
        request: http::Request<RequestBody>,
    ) -> BoxFuture<'static, Response<ResponseBody>> {
        let router = self.router.clone();
        Box::pin(async move {
            let answer = match router.oneshot(request.map(Body::new)).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            answer.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    }
}
