//! `/api/tunnels`.

use axum::response::Response;
use portlama_api::{
    AgentConfig, AgentTunnel, Done, NewTunnel, Traffic, Tunnel, TunnelAnswer, TunnelChange,
    TunnelList, TunnelServer, TunnelStatus,
};
use portlama_control::{AgentConfigView, TunnelView};

use crate::call::{Call, created, ok};
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    ok(TunnelList {
        tunnels: call.control.tunnels().into_iter().map(tunnel).collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Result<Response, Refusal> {
    let new: NewTunnel = call.json().await?;
    let new = portlama_control::NewTunnel {
        subdomain: new.subdomain,
        port: new.port,
        description: new.description,
        kind: new.kind,
        access_mode: new.access_mode,
        agent_label: new.agent_label,
        origin_scheme: new.origin_scheme,
        host_header: new.host_header,
        origin_tls_verify: new.origin_tls_verify,
        allow_cross_site: new.allow_cross_site,
    };
    let view = call.control.create_tunnel(call.by(), new).await?;
    created(TunnelAnswer {
        ok: true,
        tunnel: tunnel(view),
    })
}

pub(crate) async fn change(mut call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    let change: TunnelChange = call.json().await?;
    let change = portlama_control::TunnelChange {
        enabled: change.enabled,
        access_mode: change.access_mode,
        description: change.description,
        agent_label: change.agent_label,
        origin_scheme: change.origin_scheme,
        host_header: change.host_header,
        origin_tls_verify: change.origin_tls_verify,
        allow_cross_site: change.allow_cross_site,
    };
    let view = call.control.change_tunnel(call.by(), id, change).await?;
    ok(TunnelAnswer {
        ok: true,
        tunnel: tunnel(view),
    })
}

pub(crate) async fn delete(call: Call) -> Result<Response, Refusal> {
    call.control.delete_tunnel(call.by(), call.id()?).await?;
    ok(Done { ok: true })
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn agent_config(call: Call) -> Result<Response, Refusal> {
    ok(config(call.control.agent_config(call.by())?))
}

/// A tunnel as the API shows it.
pub(crate) fn tunnel(view: TunnelView) -> Tunnel {
    let TunnelView {
        tunnel,
        status,
        status_since,
        status_detail,
        traffic,
    } = view;
    Tunnel {
        id: tunnel.id,
        subdomain: tunnel.subdomain,
        fqdn: tunnel.fqdn,
        port: tunnel.port,
        description: tunnel.description,
        kind: tunnel.kind,
        access_mode: tunnel.access_mode,
        agent_label: tunnel.agent_label,
        enabled: tunnel.enabled,
        created_at: tunnel.created_at,
        origin_scheme: tunnel.origin_scheme,
        host_header: tunnel.host_header,
        origin_tls_verify: tunnel.origin_tls_verify,
        allow_cross_site: tunnel.allow_cross_site,
        status: observed(status),
        status_since: Some(status_since),
        status_detail,
        traffic: Traffic {
            bytes_in: traffic.bytes_in,
            bytes_out: traffic.bytes_out,
            requests: traffic.requests,
        },
    }
}

fn observed(status: portlama_control::TunnelStatus) -> TunnelStatus {
    use portlama_control::TunnelStatus as Seen;
    match status {
        Seen::Serving => TunnelStatus::Serving,
        Seen::AgentOffline => TunnelStatus::AgentOffline,
        Seen::OriginRefused => TunnelStatus::OriginRefused,
        Seen::CertificatePending => TunnelStatus::CertificatePending,
        Seen::NoAgent => TunnelStatus::NoAgent,
        Seen::NotAllowedAtHome => TunnelStatus::NotAllowedAtHome,
        Seen::Disabled => TunnelStatus::Disabled,
    }
}

fn config(view: AgentConfigView) -> AgentConfig {
    let AgentConfigView {
        domain,
        tunnel_host,
        tunnel_port,
        tunnels,
    } = view;
    AgentConfig {
        domain,
        chisel_server_url: format!("https://{tunnel_host}:{tunnel_port}"),
        chisel_args: Vec::new(),
        tunnel_server: TunnelServer {
            host: tunnel_host,
            port: tunnel_port,
        },
        tunnels: tunnels.into_iter().map(agent_tunnel).collect(),
    }
}

fn agent_tunnel(tunnel: portlama_control::AgentTunnel) -> AgentTunnel {
    AgentTunnel {
        id: tunnel.id,
        port: tunnel.port,
        subdomain: tunnel.subdomain,
        fqdn: tunnel.fqdn,
        origin_scheme: tunnel.origin.scheme,
        host_header: tunnel.origin.host_header,
        origin_tls_verify: tunnel.origin.tls_verify,
    }
}
