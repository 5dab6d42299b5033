//! The one way of every request, in one order; the first refusal answers.
//!
//! 1. rate limit (429)
//! 2. a change that another website may have asked for (403)
//! 3. who asks, and may they: certificate (400 page, or 403), part of the server's life (410,
//!    503), role and capability (403) — decided by `access`
//! 4. the method (405), the path and the body (400, 413, 415) — in the handlers

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::Method;
use http::header::{HeaderMap, ORIGIN, UPGRADE};
use portlama_access::{
    Caller, FetchSite, Identity, NotIdentified, Provenance, Rule, When, Who, may_call, may_change,
};
use portlama_api::NOT_FOUND;
use portlama_control::Control;
use portlama_control::http::ClientInfo;

use crate::Route;
use crate::call::{Call, PathSegments};
use crate::headers;
use crate::limits::{Count, Limits};
use crate::pages;
use crate::refusal::{Reader, Refusal};

/// The routes of one path.
pub(crate) type Known = Arc<[&'static Route]>;

const FETCH_SITE: &str = "sec-fetch-site";

/// The rule of whatever no route is for: whoever has no certificate learns nothing, not even
/// what exists.
const UNKNOWN: Rule = Rule {
    who: Who::AnyIdentity,
    when: When::Always,
};

/// Everything a request is judged with.
pub(crate) struct Gate {
    control: Arc<Control>,
    limits: Limits,
}

impl Gate {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        Self {
            control,
            limits: Limits::default(),
        }
    }

    /// Answers a request for a path of the table.
    pub(crate) async fn known(
        &self,
        routes: &Known,
        segments: PathSegments,
        request: Request,
    ) -> Response {
        let reader = Reader::of(&request);
        let route = routes.iter().find(|route| route.answers(request.method()));
        let rule = route.map_or_else(|| rule_of_path(routes), |route| route.rule());
        let (count, admitted) = self.admit(rule, &request);
        let answer = match (admitted, route) {
            (Err(refusal), _) => Err(refusal),
            (Ok(_), None) => Err(Refusal::MethodNotAllowed(allowed(routes))),
            (Ok(caller), Some(route)) => {
                let call = Call::new(Arc::clone(&self.control), caller, segments, request);
                match self.limit_enrolments(route, &call) {
                    Err(refusal) => Err(refusal),
                    Ok(()) => route.run(call).await,
                }
            }
        };
        finish(count, &reader, answer)
    }

    /// Answers a request for any other path: outside the API, the page that every such path
    /// shows.
    pub(crate) fn unknown(&self, request: Request) -> Response {
        let reader = Reader::of(&request);
        let (count, admitted) = self.admit(UNKNOWN, &request);
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = match admitted {
            Err(refusal) => Err(refusal),
            Ok(_) if reader.in_api() => Err(Refusal::NotFound(NOT_FOUND)),
            Ok(_) if !is_read => Err(Refusal::MethodNotAllowed("GET, HEAD".to_owned())),
            Ok(caller) => Ok(pages::index(&caller, &self.control.live().desired())),
        };
        finish(count, &reader, answer)
    }

    /// Steps 1 to 3.
    fn admit(&self, rule: Rule, request: &Request) -> (Option<Count>, Result<Caller, Refusal>) {
        let Some(client) = request.extensions().get::<ClientInfo>() else {
            tracing::error!("a request reached the panel without the facts of its connection");
            return (None, Err(Refusal::Internal));
        };
        let live = self.control.live();
        let who = live.identify(&client.presented);
        let count = self.count(&who, client);
        let admitted = count
            .check()
            .map_err(Refusal::TooManyRequests)
            .inspect(|()| log_bad_certificate(&who, client))
            .and_then(|()| came_from_here(client, request))
            .and_then(|()| may_call(rule, who, live.desired().onboarding).map_err(Refusal::Access));
        (Some(count), admitted)
    }

    fn count(&self, who: &Result<Identity, NotIdentified>, client: &ClientInfo) -> Count {
        let now = Instant::now();
        match who {
            Ok(identity) => self.limits.identity(identity.audit_name(), now),
            Err(_) => self.limits.address(client.address.ip(), now),
        }
    }

    /// Guessing tokens is slowed per address, certificate or not.
    fn limit_enrolments(&self, route: &Route, call: &Call) -> Result<(), Refusal> {
        if route.rule().who != Who::Public || route.method() != Method::POST {
            return Ok(());
        }
        let count = self.limits.enrolment(call.client_ip(), Instant::now());
        count.check().map_err(Refusal::TooManyRequests)
    }
}

/// Strangers learn that a certificate was not believed, the owner why. The limit of requests
/// bounds these lines.
fn log_bad_certificate(who: &Result<Identity, NotIdentified>, client: &ClientInfo) {
    match who {
        Ok(_) | Err(NotIdentified::NoCertificate) => {}
        Err(reason) => {
            tracing::info!(address = %client.address.ip(), %reason, "a client certificate was refused");
        }
    }
}

/// A client certificate goes along with whatever any website makes a browser send, so changes
/// are made for our own pages and for programs only.
fn came_from_here(client: &ClientInfo, request: &Request) -> Result<(), Refusal> {
    // A WebSocket carries answers to whoever opened it, so opening one is no mere reading.
    let opens_socket = request.headers().contains_key(UPGRADE);
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if reads && !opens_socket {
        return Ok(());
    }
    may_change(&client.served_origin, provenance(request.headers()))
        .map_err(|_| Refusal::CrossOrigin)
}

/// What cannot be read, or is said twice, counts as foreign.
fn provenance(headers: &HeaderMap) -> Provenance<'_> {
    let origin = single(headers, ORIGIN.as_str()).map(|value| {
        value
            .and_then(|v| std::str::from_utf8(v).ok())
            .unwrap_or("null")
    });
    let site = single(headers, FETCH_SITE).map(|value| value.unwrap_or(b"cross-site"));
    Provenance {
        origin,
        fetch_site: FetchSite::of(site),
    }
}

/// `None` without the header, `Some(None)` with several.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a [u8]>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().is_none().then(|| first.as_bytes()))
}

/// The rule of a path's other methods: what exists there is known to whoever may know the path.
fn rule_of_path(routes: &Known) -> Rule {
    if routes.iter().any(|route| route.rule().who == Who::Public) {
        Rule {
            who: Who::Public,
            when: When::Always,
        }
    } else {
        UNKNOWN
    }
}

fn allowed(routes: &Known) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method().as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

fn finish(count: Option<Count>, reader: &Reader, answer: Result<Response, Refusal>) -> Response {
    let mut answer = answer.unwrap_or_else(|refusal| refusal.into_response(reader));
    headers::secure(answer.headers_mut());
    if let Some(count) = count {
        headers::count(answer.headers_mut(), count);
    }
    answer
}
