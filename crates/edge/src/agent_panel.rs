//! A request to an agent's own web panel: by certificate, then through the tunnel like to an app.

use std::sync::Arc;

use http::{Request, Response};
use portlama_access::Provenance;
use portlama_model::AppRoute;

use crate::app;
use crate::body::{AnswerBody, Received};
use crate::ongoing::{Errand, InFlight};
use crate::service::Peer;
use crate::table::HostEntry;

/// Answers a request to the host of an agent's panel.
///
/// The panel behind is told of nobody: whoever gets there is the admin or the agent itself,
/// and fields that claim more are removed like on the way to every app.
pub(crate) async fn answer(
    peer: &Arc<Peer>,
    entry: &Arc<HostEntry>,
    route: &Arc<AppRoute>,
    request: Request<Received>,
    in_flight: InFlight,
) -> Response<AnswerBody> {
    let live = peer.edge.live();
    // What another website makes a browser ask must not lead to a ban of whoever sits before it.
    let site = Provenance::of(request.headers()).site(&entry.origin);
    if let Err(why) = live.identify(&peer.presented)
        && !site.is_foreign()
    {
        live.security().refused_certificate(&why, peer.address.ip());
    }
    let errand = Errand::AgentPanel {
        tunnel: route.tunnel,
        facts: app::facts(entry, &request),
        presented: peer.presented.clone(),
    };
    app::pass_if_allowed(peer, entry, route, request, errand, in_flight).await
}
