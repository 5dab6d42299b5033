//! Static sites: who may read, which file it is, and how it goes out.
//!
//! The files of a site lie in a folder named by its id; they are put there by `control`, each
//! by a rename, so that a reader sees the one or the other and never half of both. Nothing
//! here writes.

mod answer;
mod cache;
mod coding;
mod conditions;
mod content;
mod folder;
mod kind;
mod path;
mod range;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use portlama_access::Refused;
use portlama_model::{SiteAccess, SiteRoute};

pub(crate) use answer::Sites;
use answer::{Answer, Wanted};
pub(crate) use content::Content;

use crate::body::{AnswerBody, Received, Source};
use crate::ongoing::{Errand, InFlight, Visit};
use crate::pages::{self, Reader};
use crate::refused::{Denied, incident, refusal, signed_in};
use crate::service::{Peer, own};
use crate::signin;
use crate::table::HostEntry;

/// What may be asked of a site.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Answers a request to a site's host.
pub(crate) async fn answer(
    peer: &Arc<Peer>,
    entry: &Arc<HostEntry>,
    route: &Arc<SiteRoute>,
    request: Request<Received>,
    mut in_flight: InFlight,
) -> Response<AnswerBody> {
    let edge = &peer.edge;
    let reader = Reader::of(request.headers());
    let Some(parts) = edge.parts() else {
        return own(pages::answer(pages::NOT_READY, reader, None), in_flight);
    };
    if signin::is_our_path(request.uri().path()) {
        let table = edge.shared().table_full();
        return own(
            signin::own_path(parts, &table, entry, &request).await,
            in_flight,
        );
    }
    let visitor = match route.access {
        SiteAccess::Public => None,
        SiteAccess::SignedIn | SiteAccess::Users(_) => signed_in(peer, entry, &request),
    };
    let visit = Visit::new(
        entry.host.clone(),
        Errand::Site {
            site: route.site,
            visitor,
        },
    );
    let visit = in_flight.admit(visit);
    // A denial between the decision and its registration would have found nobody.
    if let Err(refused) = visit.judge(edge.live(), &edge.shared().table()) {
        return own(refusal(peer, entry, &request, refused), in_flight);
    }
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return own(bare(StatusCode::NO_CONTENT), in_flight),
        _ => {
            let mut response = pages::answer(pages::NOT_ALLOWED, reader, None);
            allow(&mut response);
            return own(response, in_flight);
        }
    }
    let Some(wanted) = wanted(peer, route, request) else {
        return own(pages::answer(pages::NOT_FOUND, reader, None), in_flight);
    };
    let answered = tokio::select! {
        biased;
        answered = on_disk(peer, wanted) => answered,
        () = visit.denied() => {
            let judged = visit.judge(edge.live(), &edge.shared().table());
            let denied = judged.err().unwrap_or(Denied::Visitor(Refused::SignInFirst));
            return own(pages::answer(denied.notice(), reader, None), in_flight);
        }
    };
    match answered {
        Ok(Answer::Whole(response)) => {
            response.map(|content| AnswerBody::new(Source::Site(content), in_flight))
        }
        Ok(Answer::Nothing) => own(pages::answer(pages::NOT_FOUND, reader, None), in_flight),
        Ok(Answer::Folder(location)) => own(
            pages::redirect(StatusCode::PERMANENT_REDIRECT, &location),
            in_flight,
        ),
        Ok(Answer::Busy) => own(pages::answer(pages::SITE_BUSY, reader, None), in_flight),
        Err(error) => {
            let incident = incident();
            tracing::error!(
                error_id = %incident,
                host = %entry.host,
                error = &error as &dyn std::error::Error,
                "a file of a site could not be read"
            );
            let page = pages::answer(pages::SITE_UNREADABLE, reader, Some(&incident));
            own(page, in_flight)
        }
    }
}

/// The request as the disk is asked; `None` when its path names nothing.
fn wanted(peer: &Peer, route: &Arc<SiteRoute>, request: Request<Received>) -> Option<Wanted> {
    let (parts, _) = request.into_parts();
    let raw_path = parts.uri.path();
    let query = parts.uri.query();
    Some(Wanted {
        route: route.clone(),
        asked: path::Asked::of(raw_path).ok()?,
        raw_path: raw_path.to_owned(),
        raw_query: query.map(|query| format!("?{query}")).unwrap_or_default(),
        method: parts.method,
        headers: parts.headers,
        now: u64::try_from(peer.edge.live().now().unix_seconds()).unwrap_or(0),
    })
}

/// Asks on a thread that may wait.
async fn on_disk(peer: &Peer, wanted: Wanted) -> std::io::Result<Answer> {
    let sites = peer.edge.sites().clone();
    tokio::task::spawn_blocking(move || sites.answer(&wanted))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn bare(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    allow(&mut response);
    response
}

fn allow(response: &mut Response<Bytes>) {
    let methods = HeaderValue::from_static(METHODS);
    response.headers_mut().insert(header::ALLOW, methods);
}
