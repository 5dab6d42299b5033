//! One request: gate, zone, host, then whoever answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use portlama_access::Presented;
use portlama_control::http::{BoxError, ClientInfo, Handler, WebsocketOffer};
use portlama_model::HostService;
use portlama_tunnel::ws;

use crate::body::{AnswerBody, ClientBody, Received, Source};
use crate::edge::Edge;
use crate::gate::{Authority, GateError, Host, REFUSED_METHOD, check_request};
use crate::headers::add_hsts;
use crate::ongoing::{Connection, InFlight};
use crate::pages::{self, Reader};
use crate::proxy::{accept_of, is_websocket};
use crate::tls::{Door, Zone};
use crate::{agent_panel, app, site};

/// What all requests of a connection have in common.
pub(crate) struct Peer {
    pub(crate) edge: Arc<Edge>,
    pub(crate) address: SocketAddr,
    /// The address of ours that the client connected to.
    pub(crate) local: IpAddr,
    pub(crate) door: Door,
    pub(crate) zone: Zone,
    pub(crate) presented: Arc<Presented>,
    pub(crate) connection: Arc<Connection>,
    /// The client's address as apps are told.
    pub(crate) told_address: HeaderValue,
    /// The same for `Forwarded` (RFC 7239).
    pub(crate) told_forwarded: HeaderValue,
}

/// Answers one request. Never fails: what goes wrong is an answer, or a body that breaks off.
pub(crate) async fn answer(peer: Arc<Peer>, request: Request<Incoming>) -> Response<AnswerBody> {
    let request = Received::of(request);
    let in_flight = peer.connection.begin();
    let is_head = request.method() == Method::HEAD;
    if request.method().as_str() == REFUSED_METHOD && request.version() != Version::HTTP_2 {
        let error = peer.connection.refusal().unwrap_or(GateError::Malformed);
        return own(refused(error), in_flight);
    }
    let mut response = match check_request(&request) {
        Err(error) => own(refused(error), in_flight),
        Ok(_) if request.uri().path() == "*" => own(no_content(), in_flight),
        Ok(authority) => route(&peer, authority, request, in_flight).await,
    };
    add_hsts(response.headers_mut());
    if is_head {
        without_content(&mut response);
    }
    response
}

/// The answer to HEAD is the one to GET without its content (RFC 9110 §9.3.2). HTTP/2 would send
/// whatever the body holds, and clients take that for a broken stream.
fn without_content(response: &mut Response<AnswerBody>) {
    let length = response.body().size_hint().exact();
    let headers = response.headers_mut();
    if let Some(length @ 1..) = length
        && !headers.contains_key(header::CONTENT_LENGTH)
    {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    response.body_mut().drop_content();
}

async fn route(
    peer: &Arc<Peer>,
    authority: Authority,
    request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let misdirected = |in_flight| {
        own(
            pages::answer(pages::MISDIRECTED, Reader::of(request.headers()), None),
            in_flight,
        )
    };
    if !peer.is_right_port(authority.port) {
        return misdirected(in_flight);
    }
    match (&peer.zone, &authority.host) {
        (Zone::Panel(Some(name)), Host::Name(asked)) if name == asked => {
            let origin = peer.panel_origin(&authority.host);
            panel(peer, authority.host, origin, request, in_flight).await
        }
        (Zone::Panel(None), Host::Ip(ip)) if peer.is_our_address(*ip) => {
            let origin = peer.panel_origin(&authority.host);
            panel(peer, authority.host, origin, request, in_flight).await
        }
        (Zone::Public(name), Host::Name(asked)) if name == asked => {
            let entry = peer.edge.shared().table().host(asked.as_str()).cloned();
            let Some(entry) = entry else {
                return misdirected(in_flight);
            };
            match &entry.service {
                HostService::App(route) => {
                    app::answer(peer, &entry, route, request, in_flight).await
                }
                HostService::Portal => portal(peer, &entry.origin, request, in_flight).await,
                HostService::Tunnel => tunnel(peer, request, in_flight),
                HostService::Site(route) => {
                    site::answer(peer, &entry, route, request, in_flight).await
                }
                HostService::Panel | HostService::AgentPanel(_) => misdirected(in_flight),
            }
        }
        (Zone::AgentPanel(name), Host::Name(asked)) if name == asked => {
            let entry = peer.edge.shared().table().host(asked.as_str()).cloned();
            match entry.as_ref().map(|entry| (entry, &entry.service)) {
                Some((entry, HostService::AgentPanel(route))) => {
                    agent_panel::answer(peer, entry, route, request, in_flight).await
                }
                _ => misdirected(in_flight),
            }
        }
        _ => misdirected(in_flight),
    }
}

impl Peer {
    /// The port that addresses name: none, or the one visitors type. A foreign port is another
    /// origin to a browser.
    fn is_right_port(&self, port: Option<u16>) -> bool {
        port.is_none_or(|port| port == self.public_port())
    }

    fn public_port(&self) -> u16 {
        match self.door {
            Door::Https => self.edge.config().https_port,
            Door::Panel => self.edge.config().panel_port,
        }
    }

    /// An address of this server: the configured one, or the one the client reached. Other
    /// websites cannot make a browser send an address it did not connect to.
    fn is_our_address(&self, ip: IpAddr) -> bool {
        let table = self.edge.shared().table();
        ip == self.local || table.desired.as_ref().is_some_and(|d| d.ip == ip)
    }

    fn panel_origin(&self, host: &Host) -> Arc<str> {
        match self.public_port() {
            443 => format!("https://{host}").into(),
            port => format!("https://{host}:{port}").into(),
        }
    }
}

async fn panel(
    peer: &Arc<Peer>,
    host: Host,
    origin: Arc<str>,
    request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let Some(parts) = peer.edge.parts() else {
        return own(
            pages::answer(pages::NOT_READY, Reader::of(request.headers()), None),
            in_flight,
        );
    };
    let info = ClientInfo {
        address: peer.address,
        presented: peer.presented.clone(),
        served_origin: origin,
        host: host.to_string().into(),
    };
    room(peer, &*parts.panel, info, request, in_flight).await
}

async fn portal(
    peer: &Arc<Peer>,
    origin: &Arc<str>,
    request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let Some(parts) = peer.edge.parts() else {
        return own(
            pages::answer(pages::NOT_READY, Reader::of(request.headers()), None),
            in_flight,
        );
    };
    let Zone::Public(name) = &peer.zone else {
        return own(
            pages::answer(pages::MISDIRECTED, Reader::of(request.headers()), None),
            in_flight,
        );
    };
    let info = ClientInfo {
        address: peer.address,
        presented: peer.presented.clone(),
        served_origin: origin.clone(),
        host: name.as_str().into(),
    };
    room(peer, &*parts.portal, info, request, in_flight).await
}

/// Asks the panel or the portal. The identity travels as a value; no field of the request says
/// who somebody is, so those that claim it are left for the room to ignore.
async fn room(
    peer: &Arc<Peer>,
    handler: &dyn Handler,
    info: ClientInfo,
    mut request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    request.extensions_mut().insert(info);
    request
        .extensions_mut()
        .insert(peer.connection.farewell().clone());
    let offer = offer(&request);
    let upgrade = hyper::upgrade::on(&mut request);
    if let Some(offer) = &offer {
        request.extensions_mut().insert(offer.clone());
    }
    let request = request.map(|incoming| {
        ClientBody::new(incoming, None)
            .map_err(BoxError::from)
            .boxed_unsync()
    });
    let response = handler.call(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(run) = offer.and_then(|offer| offer.take())
    {
        peer.connection.upgrade(Box::pin(async move {
            if let Ok(upgraded) = upgrade.await {
                run(Box::new(TokioIo::new(upgraded))).await;
            }
        }));
    }
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    Response::from_parts(parts, AnswerBody::new(Source::Room(body), in_flight))
}

/// A room may open a WebSocket only where the client asked for one in due form.
fn offer(request: &Request<Received>) -> Option<WebsocketOffer> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY)?;
    let accept = HeaderValue::try_from(accept_of(key.as_bytes())).ok()?;
    is_websocket(request).then(|| WebsocketOffer::new(accept))
}

/// `tunnel.<domain>`: nothing but the WebSocket of agents behind a middlebox.
///
/// Browsers send `Origin` with every WebSocket (RFC 6455 §4.1), agents never: what a page opens
/// is refused before its certificate is looked at, as a foreign one counts for a ban.
fn tunnel(
    peer: &Arc<Peer>,
    mut request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let carriers = peer.edge.parts().map(|parts| parts.carriers.clone());
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    let (true, true, false, true, Some(carriers), Some(key)) = (
        request.uri().path() == ws::PATH,
        is_websocket(&request),
        request.headers().contains_key(header::ORIGIN),
        offered.is_some_and(|name| name == ws::SUBPROTOCOL),
        carriers,
        key,
    ) else {
        let mut bare = Response::new(Bytes::new());
        *bare.status_mut() = StatusCode::NOT_FOUND;
        return own(bare, in_flight);
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let from = peer.address.ip();
    peer.connection.upgrade(Box::pin(async move {
        if let Ok(upgraded) = upgrade.await {
            let io = Box::new(TokioIo::new(upgraded));
            carriers.websocket(io, from).await;
        }
    }));
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_PROTOCOL, ws::SUBPROTOCOL),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Ok(accept) = HeaderValue::try_from(accept_of(key.as_bytes())) {
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    own(response, in_flight)
}

/// An answer of the edge itself.
pub(crate) fn own(response: Response<Bytes>, in_flight: InFlight) -> Response<AnswerBody> {
    response.map(|bytes| AnswerBody::new(Source::Own(bytes), in_flight))
}

/// Says which rule of the gate was broken, in one line. The connection closes: what follows on
/// it cannot be trusted.
fn refused(error: GateError) -> Response<Bytes> {
    tracing::debug!(%error, "the gate refused a request");
    let mut response = Response::new(Bytes::from(format!("{error}\n")));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `OPTIONS *` asks about the server, not an app.
fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
