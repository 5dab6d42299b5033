//! `/api/system`.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use portlama_api::{
    CpuStats, ProcessStats, SystemStats, UpdateOrdered, UpdateOutcome, UpdateRequest, UpdateState,
    Usage,
};

use crate::call::{Call, ok};
use crate::refusal::Refusal;

pub(crate) async fn stats(call: Call) -> Result<Response, Refusal> {
    let stats = call.control.machine_stats().await?;
    ok(SystemStats {
        cpu: CpuStats {
            usage: (stats.cpu_percent * 10.0).round() / 10.0,
            cores: stats.cpu_cores,
        },
        memory: Usage {
            total: stats.memory_total,
            used: stats.memory_total.saturating_sub(stats.memory_available),
            free: stats.memory_available,
        },
        disk: Usage {
            total: stats.disk_total,
            used: stats.disk_used,
            free: stats.disk_free,
        },
        uptime: stats.uptime.as_secs(),
        process: ProcessStats {
            memory: stats.process_memory,
        },
    })
}

pub(crate) async fn version(call: Call) -> Result<Response, Refusal> {
    let last = call.control.last_update().await;
    ok(UpdateState {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        can_fetch: call.control.knows_releases(),
        last: last.map(|last| UpdateOutcome {
            upgraded: last.upgraded,
            from: last.from,
            to: last.to,
            reason: last.reason,
        }),
    })
}

pub(crate) async fn update(mut call: Call) -> Result<Response, Refusal> {
    let UpdateRequest { version } = call.json().await?;
    call.control.update(call.by(), &version).await?;
    let ordered = UpdateOrdered {
        ok: true,
        message: format!(
            "Version {version} is verified and takes this one's place now: ask for the server's \
             health until it answers. If it does not serve, this one comes back by itself"
        ),
    };
    Ok((StatusCode::ACCEPTED, axum::Json(ordered)).into_response())
}
