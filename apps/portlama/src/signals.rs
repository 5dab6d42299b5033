//! Being asked to stop.

use anyhow::{Context, Result};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM; with `or_stdin` also for the end of standard input, which
/// comes when the program that started this one is gone, however it went.
pub(crate) async fn asked_to_stop(or_stdin: bool) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = end_of_stdin(), if or_stdin => {}
    }
    Ok(())
}

/// Makes writing beyond a file size limit an error instead of the end of the process, so
/// that it is answered like a full disk. Holds as long as the value lives.
pub(crate) fn survive_file_size_limit() -> Result<impl Sized> {
    /// SIGXFSZ has this number on Linux and on macOS.
    const SIGXFSZ: i32 = 25;
    signal(SignalKind::from_raw(SIGXFSZ)).context("cannot watch for SIGXFSZ")
}

async fn end_of_stdin() {
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 256];
    while matches!(input.read(&mut ignored).await, Ok(1..)) {}
}
