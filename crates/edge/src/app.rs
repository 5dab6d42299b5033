//! A visitor's request to an app: decide, pass on, answer honestly.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use portlama_access::{Provenance, Refused, VisitFacts};
use portlama_model::{AppRoute, HostHeader};
use portlama_tunnel::OpenError;

use crate::body::{AnswerBody, AppBody, Chain, ClientBody, Received, Source, UpstreamBody};
use crate::headers::{self, Loop, Told};
use crate::ongoing::{Errand, InFlight, Visit};
use crate::pages::{self, Notice, Reader};
use crate::proxy::{Handshake, Outgoing, ProxyError, forward, is_websocket, open_websocket};
use crate::refused::{Denied, incident, refusal, signed_in};
use crate::service::{Peer, own};
use crate::signin;
use crate::table::{HostEntry, Way};

/// Answers a request to an app's host.
pub(crate) async fn answer(
    peer: &Arc<Peer>,
    entry: &Arc<HostEntry>,
    route: &Arc<AppRoute>,
    request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let edge = &peer.edge;
    let Some(parts) = edge.parts() else {
        return own(
            pages::answer(pages::NOT_READY, Reader::of(request.headers()), None),
            in_flight,
        );
    };
    if signin::is_our_path(request.uri().path()) {
        let table = edge.shared().table_full();
        return own(
            signin::own_path(parts, &table, entry, &request).await,
            in_flight,
        );
    }
    let errand = Errand::App {
        tunnel: route.tunnel,
        facts: facts(entry, &request),
        visitor: signed_in(peer, entry, &request),
    };
    pass_if_allowed(peer, entry, route, request, errand, in_flight).await
}

/// Asks whether the errand may be done, and passes the request through the tunnel if so.
pub(crate) async fn pass_if_allowed(
    peer: &Arc<Peer>,
    entry: &Arc<HostEntry>,
    route: &Arc<AppRoute>,
    request: Request<Received>,
    errand: Errand,
    mut in_flight: InFlight,
) -> Response<AnswerBody> {
    let edge = &peer.edge;
    let reader = Reader::of(request.headers());
    let visit = Visit::new(entry.host.clone(), errand);
    if let Err(denied) = visit.judge(edge.live(), &edge.shared().table()) {
        return own(refusal(peer, entry, &request, denied), in_flight);
    }
    let Some(way) = &entry.way else {
        return own(pages::answer(pages::NO_AGENT, reader, None), in_flight);
    };
    let visit = in_flight.admit(visit);
    // A denial between the decision and its registration would have found nobody.
    if let Err(denied) = visit.judge(edge.live(), &edge.shared().table()) {
        return own(refusal(peer, entry, &request, denied), in_flight);
    }
    let passed = pass(peer, entry, route, way, request, &visit);
    let answered = tokio::select! {
        biased;
        answered = passed => answered,
        () = visit.denied() => {
            let judged = visit.judge(edge.live(), &edge.shared().table());
            let denied = judged.err().unwrap_or(Denied::Visitor(Refused::SignInFirst));
            return own(pages::answer(denied.notice(), reader, None), in_flight);
        }
    };
    match answered {
        Ok(Passed::Answer(response, lease)) => {
            let (mut parts, incoming) = response.into_parts();
            headers::to_visitor(&mut parts.headers);
            parts.version = Version::HTTP_11;
            let body = AppBody::new(incoming, way.traffic.clone(), lease);
            Response::from_parts(parts, AnswerBody::new(Source::App(body), in_flight))
        }
        Ok(Passed::Open(head, successor)) => {
            peer.connection.upgrade(successor);
            // The visit outlives the request: the successor holds the rest.
            in_flight.leave_visit();
            head.map(|()| AnswerBody::new(Source::Own(Bytes::new()), in_flight))
        }
        Err(failure) => own(failed(&failure, entry, reader), in_flight),
    }
}

enum Passed {
    Answer(Response<Incoming>, crate::proxy::Lease),
    Open(Response<()>, portlama_control::BoxFuture<'static, ()>),
}

enum Failure {
    Proxy(ProxyError),
    Loop,
}

async fn pass(
    peer: &Arc<Peer>,
    entry: &HostEntry,
    route: &AppRoute,
    way: &Way,
    mut request: Request<Received>,
    visit: &Arc<Visit>,
) -> Result<Passed, Failure> {
    let upstreams = peer
        .edge
        .parts()
        .ok_or(Failure::Proxy(ProxyError::NoAgent))?
        .upstreams
        .clone();
    let upgrade = is_websocket(&request).then(|| hyper::upgrade::on(&mut request));
    let told = Told {
        address: &peer.told_address,
        forwarded: &peer.told_forwarded,
        authority: &entry.authority,
        host: host_for(route, entry),
        visitor: visit.visitor(),
    };
    headers::to_app(request.headers_mut(), &told).map_err(|Loop| Failure::Loop)?;
    way.traffic.request();
    let outgoing = outgoing(request, way);
    if let Some(visitor) = upgrade {
        let handshake = open_websocket(
            &*upstreams,
            &way.pool,
            outgoing.request,
            visitor,
            visit.clone(),
            way.traffic.clone(),
        );
        return match handshake.await.map_err(Failure::Proxy)? {
            Handshake::Open(head, successor) => Ok(Passed::Open(head, successor)),
            Handshake::Answer(response, lease) => Ok(Passed::Answer(response, lease)),
        };
    }
    let (response, lease) = forward(&*upstreams, &way.pool, outgoing)
        .await
        .map_err(Failure::Proxy)?;
    Ok(Passed::Answer(response, lease))
}

/// The same request in the service's form: HTTP/1.1, a path as target.
fn outgoing(request: Request<Received>, way: &Way) -> Outgoing {
    let (mut parts, incoming) = request.into_parts();
    parts.version = Version::HTTP_11;
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    parts.extensions.clear();
    if incoming.is_end_stream() {
        return Outgoing {
            request: Request::from_parts(parts, UpstreamBody::Empty),
            progress: None,
        };
    }
    let body = ClientBody::new(incoming, Some(way.traffic.clone()));
    let progress = Some(body.progress());
    Outgoing {
        request: Request::from_parts(parts, UpstreamBody::Client(body)),
        progress,
    }
}

fn host_for(route: &AppRoute, entry: &HostEntry) -> HeaderValue {
    match (route.origin.host_header, &route.target) {
        (HostHeader::Local, Some(target)) => {
            HeaderValue::try_from(format!("localhost:{}", target.port))
                .unwrap_or_else(|_| entry.authority.clone())
        }
        _ => entry.authority.clone(),
    }
}

/// What of a request bears on the decision.
pub(crate) fn facts<B>(entry: &HostEntry, request: &Request<B>) -> VisitFacts {
    VisitFacts {
        safe_method: matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS
        ),
        upgrade: is_websocket(request),
        fetch_site: Provenance::of(request.headers()).site(&entry.origin),
    }
}

/// An honest page. Why exactly stands in the log, under the id that the page shows.
fn failed(failure: &Failure, entry: &HostEntry, reader: Reader) -> Response<Bytes> {
    let error = match failure {
        Failure::Loop => return pages::answer(pages::LOOP, reader, None),
        Failure::Proxy(error) if error.is_clients_fault() => {
            return pages::answer(pages::BAD_REQUEST, reader, None);
        }
        Failure::Proxy(error) => error,
    };
    let incident = incident();
    tracing::info!(
        error_id = %incident,
        host = %entry.host,
        error = %Chain(error),
        "an app could not be reached"
    );
    pages::answer(notice_of(error), reader, Some(&incident))
}

fn notice_of(error: &ProxyError) -> Notice {
    match error {
        ProxyError::NoAgent => pages::NO_AGENT,
        ProxyError::Open(OpenError::AgentOffline) => pages::AGENT_OFFLINE,
        ProxyError::Open(OpenError::Limit) => pages::OVERLOADED,
        ProxyError::Open(
            OpenError::NotAllowed(_)
            | OpenError::OriginRefused(_)
            | OpenError::TlsFailed(_)
            | OpenError::Lost,
        )
        | ProxyError::Closed => pages::APP_UNREACHABLE,
        ProxyError::Open(OpenError::OriginTimeout)
        | ProxyError::OpenTimedOut
        | ProxyError::Silent => pages::APP_SILENT,
        ProxyError::Broken(_) | ProxyError::Switch => pages::APP_WRONG,
    }
}
