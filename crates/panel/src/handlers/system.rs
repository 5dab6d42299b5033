//! `/api/system`.

use axum::response::Response;
use portlama_api::{CpuStats, ProcessStats, SystemStats, UpdateRequest, Usage};

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

/// A request is judged as it will be when servers replace themselves, and then refused.
pub(crate) async fn update(mut call: Call) -> Result<Response, Refusal> {
    let _: UpdateRequest = call.json().await?;
    Err(Refusal::NotInThisVersion(
        "This version cannot replace itself: updates from the panel come with a later one",
        "run `portlama server upgrade --file RELEASE` as root on the server; one that was set up by \
         hand gets the new program by hand, and a restart",
    ))
}
