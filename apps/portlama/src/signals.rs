//! Being asked to stop.

use anyhow::{Context, Result};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM; with `or_stdin` also for the end of standard input, which
/// comes when the program that started this one is gone, however it went.
pub async fn asked_to_stop(or_stdin: bool) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = end_of_stdin(), if or_stdin => {}
    }
    Ok(())
}

async fn end_of_stdin() {
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 256];
    while matches!(input.read(&mut ignored).await, Ok(1..)) {}
}
