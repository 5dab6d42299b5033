//! The one way of every request, in one order; the first refusal answers.
//!
//! 1. rate limit (429)
//! 2. what another website may have asked for, except for a page that a link leads to (403)
//! 3. who asks, and may they: certificate (400 page, or 403), second factor of the admin (401),
//!    part of the server's life (410, 503), role and capability (403) — decided by `access`
//! 4. the route's own limit (429)
//! 5. the method (405), the path and the body (400, 413, 415) — in the handlers
//!
//! WebSockets go the same way and are refused before the upgrade.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use portlama_access::{
    Caller, FetchSite, Identity, NotIdentified, Provenance, Rule, SecondFactor, When, Who, may_ask,
    may_call,
};
use portlama_api::NOT_FOUND;
use portlama_control::http::ClientInfo;
use portlama_control::rate::Count;
use portlama_control::security::SecurityEvent;
use portlama_control::{Control, PanelCookie};

use crate::Route;
use crate::call::{Call, PathSegments, Segments};
use crate::cookie;
use crate::headers;
use crate::limits::{Limits, Tries};
use crate::pages;
use crate::refusal::{Reader, Refusal};
use crate::web;

/// The routes of one path.
pub(crate) type Known = Arc<[&'static Route]>;

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

    /// Answers a request for a path of the table, which the router took for `taken`.
    pub(crate) async fn known(
        &self,
        routes: &Known,
        taken: &str,
        segments: &Segments,
        request: Request,
    ) -> Response {
        let reader = Reader::of(&request);
        let route = routes.iter().find(|route| route.answers(request.method()));
        let rule = route.map_or_else(|| rule_of_path(routes), |route| route.rule());
        let (mut facts, admitted) = self.admit(rule, &request);
        let answer = match (admitted, route) {
            (Err(refusal), _) => Err(refusal),
            (Ok(_), None) => Err(Refusal::MethodNotAllowed(allowed(routes))),
            (Ok(caller), Some(route)) => {
                let control = Arc::clone(&self.control);
                let segments = PathSegments::of(segments, taken, route.path());
                let call = Call::new(control, rule, caller, segments, request);
                let from = call.client_ip();
                match self.limit_tries(route, &call, &mut facts) {
                    Err(refusal) => Err(refusal),
                    Ok(()) => route
                        .run(call)
                        .await
                        .inspect_err(|refusal| self.tell_try(route, refusal, from)),
                }
            }
        };
        finish(facts, &reader, answer)
    }

    /// Answers a request for any other path: outside the API, a file of the web panel or the
    /// page that every such path shows.
    pub(crate) fn unknown(&self, request: Request) -> Response {
        let reader = Reader::of(&request);
        let (facts, admitted) = self.admit(UNKNOWN, &request);
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = match admitted {
            Err(refusal) => Err(refusal),
            Ok(_) if reader.in_api() => Err(Refusal::NotFound(NOT_FOUND)),
            Ok(_) if !is_read => Err(Refusal::MethodNotAllowed("GET, HEAD".to_owned())),
            Ok(caller) if is_admin(&caller) && web::is_built() => {
                web::answer(request.uri().path(), request.headers())
                    .ok_or(Refusal::NotFound(NOT_FOUND))
            }
            Ok(caller) => Ok(pages::index(&caller, &self.control.live().desired())),
        };
        finish(facts, &reader, answer)
    }

    /// Steps 1 to 3.
    fn admit(&self, rule: Rule, request: &Request) -> (Facts, Result<Caller, Refusal>) {
        let Some(client) = request.extensions().get::<ClientInfo>() else {
            tracing::error!("a request reached the panel without the facts of its connection");
            return (Facts::default(), Err(Refusal::Internal));
        };
        let live = self.control.live();
        let who = live.identify(&client.presented);
        let count = self.count(&who, client, request);
        let (second_factor, renewed) = match &who {
            Ok(identity) => live.second_factor(identity, cookie::of(request.headers())),
            Err(_) => (SecondFactor::Missing, None),
        };
        let admitted = count
            .as_ref()
            .map_or(Ok(()), Count::check)
            .map_err(|wait| {
                self.tell(SecurityEvent::TooManyRequests, client, request);
                Refusal::TooManyRequests(wait)
            })
            .inspect(|()| self.tell_certificate(&who, client, request))
            .and_then(|()| came_from_here(client, request))
            .and_then(|()| {
                let onboarding = live.desired().onboarding;
                may_call(rule, who, &second_factor, onboarding).map_err(Refusal::Access)
            });
        // A certificate whose one-time code was not shown vouches for nobody: codes could be
        // guessed from a network that is never banned.
        let is_whole = rule.who != Who::AdminByCertificate;
        if is_whole && matches!(admitted, Ok(Caller::Identified(_))) {
            live.security().vouch(client.address.ip());
        }
        let facts = Facts {
            count,
            session: renewed.filter(|_| admitted.is_ok() && is_use(client, request)),
        };
        (facts, admitted)
    }

    /// The files of the web panel are free for the admin, who may have them: one page loads a
    /// dozen.
    ///
    /// What another website makes a browser ask counts for the browser's address, so that a page
    /// which asks without end takes nothing from the identity whose certificate goes along.
    fn count(
        &self,
        who: &Result<Identity, NotIdentified>,
        client: &ClientInfo,
        request: &Request,
    ) -> Option<Count> {
        let now = Instant::now();
        match who {
            Ok(_) if fetch_site(client, request).is_foreign() => {
                Some(self.limits.address(client.address.ip(), now))
            }
            Ok(identity) if identity.is_admin() && reads_file(request) => None,
            Ok(identity) => Some(self.limits.identity(identity.audit_name(), now)),
            Err(_) => Some(self.limits.address(client.address.ip(), now)),
        }
    }

    /// Strangers learn that a certificate was not believed, the owner why. The limit of requests
    /// bounds these lines.
    fn tell_certificate(
        &self,
        who: &Result<Identity, NotIdentified>,
        client: &ClientInfo,
        request: &Request,
    ) {
        let Err(reason) = who else { return };
        let Some(event) = SecurityEvent::of_certificate(reason) else {
            return;
        };
        tracing::info!(address = %client.address.ip(), %reason, "a client certificate was refused");
        self.tell(event, client, request);
    }

    /// What another website made a browser ask is no try of whoever sits before it, and must not
    /// lead to a ban of their address.
    fn tell(&self, event: SecurityEvent, client: &ClientInfo, request: &Request) {
        if !fetch_site(client, request).is_foreign() {
            let security = self.control.live().security();
            security.refused(event, client.address.ip());
        }
    }

    /// Tells of a token that lets nobody in.
    fn tell_try(&self, route: &Route, refusal: &Refusal, from: IpAddr) {
        for of in route.tries() {
            let (wrong, event) = match of {
                Tries::Enrolment => (StatusCode::UNAUTHORIZED, SecurityEvent::WrongToken),
                Tries::Invitation => (StatusCode::NOT_FOUND, SecurityEvent::WrongInvitation),
            };
            if refusal.status() == wrong {
                self.control.live().security().refused(event, from);
            }
        }
    }

    /// Guessing tokens is slowed per address, certificate or not. The answer tells the count
    /// that refused.
    fn limit_tries(&self, route: &Route, call: &Call, facts: &mut Facts) -> Result<(), Refusal> {
        for of in route.tries() {
            let from = call.client_ip();
            let count = match of {
                Tries::Enrolment => self.limits.enrolment(from, Instant::now()),
                Tries::Invitation => self.control.count_invitation_try(from),
            };
            if let Err(wait) = count.check() {
                let security = self.control.live().security();
                security.refused(SecurityEvent::TooManyRequests, from);
                facts.count = Some(count);
                return Err(Refusal::TooManyRequests(wait));
            }
        }
        Ok(())
    }
}

/// What every answer to a request tells, whatever it is.
#[derive(Default)]
struct Facts {
    count: Option<Count>,
    /// The cookie that keeps the admin's session alive.
    session: Option<PanelCookie>,
}

/// A client certificate goes along with whatever any website makes a browser send, so changes
/// are made, and WebSockets opened, for our own pages and for programs only; and other websites
/// fetch nothing. Their links lead to pages alone: one into the API would save files, such as the
/// admin's P12, unasked.
fn came_from_here(client: &ClientInfo, request: &Request) -> Result<(), Refusal> {
    // Not even a link leads into the API: its files would be saved unasked.
    if Reader::of(request).in_api() && fetch_site(client, request).is_foreign() {
        return Err(Refusal::CrossOrigin);
    }
    may_ask(&client.served_origin, request.method(), request.headers())
        .map_err(|_| Refusal::CrossOrigin)
}

/// Whether a request reads a file of the web panel.
fn reads_file(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && web::is_file(request.uri().path())
}

/// Whether a request shows that somebody uses the panel: the apps behind the tunnels are sibling
/// hosts, and what they make a browser fetch carries the cookie, too.
fn is_use(client: &ClientInfo, request: &Request) -> bool {
    !fetch_site(client, request).is_foreign()
}

/// Where a request began, as far as its browser tells.
fn fetch_site(client: &ClientInfo, request: &Request) -> FetchSite {
    Provenance::of(request.headers()).site(&client.served_origin)
}

/// Agents have no use for a panel that is refused everything it asks for.
fn is_admin(caller: &Caller) -> bool {
    matches!(caller, Caller::Identified(identity) if identity.is_admin())
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
    let mut methods: Vec<&str> = vec![];
    for route in routes.iter() {
        let method = route.method().as_str();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

fn finish(facts: Facts, reader: &Reader, answer: Result<Response, Refusal>) -> Response {
    let mut answer = answer.unwrap_or_else(|refusal| refusal.into_response(reader));
    headers::secure(answer.headers_mut());
    // A handler that set the cookie knows better.
    if let Some(session) = facts.session
        && !answer.headers().contains_key(SET_COOKIE)
    {
        cookie::set(answer.headers_mut(), &session);
    }
    if let Some(count) = facts.count {
        headers::count(answer.headers_mut(), count);
    }
    answer
}
