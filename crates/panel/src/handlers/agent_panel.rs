//! `/api/tunnels/*-panel*` and `/api/tunnels/mac-plist`.

use axum::response::Response;
use portlama_access::Agent;
use portlama_api::{AgentPanelStatus, Done, ExposePanel, Issue, MacPlist, TunnelAnswer};

use super::tunnels::tunnel;
use crate::call::{Call, created, download, ok};
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
    let format = call.query_member("format")?;
    // Without a domain there is nothing to connect to yet.
    call.control.agent_config(call.by())?;
    let job = mac_plist::MacPlist::of(call.by().agent().map(Agent::label));
    match format.as_deref() {
        None | Some("plist") => download(
            "application/x-plist",
            &job.file_name(),
            job.xml().into_bytes(),
        ),
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
