//! The router, built from the table, as a room behind the edge.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use http::Response;
use http_body_util::BodyExt as _;
use portlama_control::http::{Handler, RequestBody, ResponseBody};
use portlama_control::{BoxFuture, Control};
use tower::ServiceExt as _;

use crate::call::{Segments, parameter};
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
            let taken: Arc<str> = path.as_str().into();
            let known: Known = routes.into();
            // Segments that are no text must not be answered before the gate.
            let answer = move |segments: Segments, request: Request| {
                let gate = Arc::clone(&gate);
                let (taken, known) = (Arc::clone(&taken), Arc::clone(&known));
                async move { gate.known(&known, &taken, &segments, request).await }
            };
            router = router.route(&path, any(answer));
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

/// The routes of every path, those first that say the path by itself. A router takes a path for
/// the one pattern that says most of it, and an agent may be called `enroll`: so where patterns
/// overlap, each is there with the methods of those that say less, and so is what two of them say
/// together.
fn by_path() -> BTreeMap<String, Vec<&'static Route>> {
    let patterns = || ROUTES.iter().map(Route::path);
    let paths = patterns().flat_map(|one| patterns().filter_map(|other| together(one, other)));
    paths
        .map(|path| {
            let covers = |route: &&Route| together(&path, route.path()).as_ref() == Some(&path);
            let mut routes: Vec<_> = ROUTES.iter().filter(covers).collect();
            // `false` first: of two patterns the one that says the first different segment.
            routes.sort_by_key(|route| {
                let segments = route.path().split('/');
                segments.map(|s| parameter(s).is_some()).collect::<Vec<_>>()
            });
            (path, routes)
        })
        .collect()
}

/// What paths of both patterns look like, if there are any.
fn together(one: &str, other: &str) -> Option<String> {
    if one.split('/').count() != other.split('/').count() {
        return None;
    }
    let pairs = one.split('/').zip(other.split('/'));
    let segments: Option<Vec<&str>> = pairs
        .map(|(one, other)| match (parameter(one), parameter(other)) {
            (Some(_), Some(_)) => Some(one),
            (None, Some(name)) => may_be_a_word(name).then_some(one),
            (Some(name), None) => may_be_a_word(name).then_some(other),
            (None, None) => (one == other).then_some(one),
        })
        .collect();
    segments.map(|segments| segments.join("/"))
}

/// Whether a segment of this name can be one of the words in other paths: an id, a host name or a
/// fixed list cannot.
fn may_be_a_word(parameter: &str) -> bool {
    parameter == "label"
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
