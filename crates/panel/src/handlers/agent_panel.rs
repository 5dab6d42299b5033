//! `/api/tunnels/*-panel*` and `/api/tunnels/mac-plist`.

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use portlama_access::Agent;
use portlama_api::{AgentPanelStatus, Done, ExposePanel, Issue, MacPlist, TunnelAnswer};

use super::tunnels::tunnel;
use crate::call::{Call, created, ok};
use crate::mac_plist;
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn status(call: Call) -> Result<Response, Refusal> {
    let status = call.control.agent_panel(call.by());
    ok(AgentPanelStatus {
        enabled: status.enabled,
        fqdn: status.fqdn,
        port: status.port,
    })
}

pub(crate) async fn expose(mut call: Call) -> Result<Response, Refusal> {
    let ExposePanel { port } = call.json().await?;
    let view = call.control.expose_agent_panel(call.by(), port).await?;
    created(TunnelAnswer {
        ok: true,
        tunnel: tunnel(view),
    })
}

pub(crate) async fn retract(call: Call) -> Result<Response, Refusal> {
    call.control.retract_agent_panel(call.by()).await?;
    ok(Done { ok: true })
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn mac_plist(mut call: Call) -> Result<Response, Refusal> {
    let format = call.query("format")?;
    // Without a domain there is nothing to connect to yet.
    call.control.agent_config(call.by())?;
    let job = mac_plist::MacPlist::of(call.by().agent().map(Agent::label));
    match format.as_deref() {
        None | Some("plist") => Ok((
            [
                (CONTENT_TYPE, "application/x-plist".to_owned()),
                (
                    CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{}\"", job.file_name()),
                ),
                (CACHE_CONTROL, "no-store".to_owned()),
            ],
            job.xml(),
        )
            .into_response()),
        Some("json") => ok(MacPlist {
            plist: job.xml(),
            instructions: job.instructions(),
        }),
        Some(_) => {
            let issue = Issue::of("format", "must be `plist` or `json`");
            Err(Refusal::Invalid(vec![issue]))
        }
    }
}
