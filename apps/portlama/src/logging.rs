//! The log: lines on standard error, for a person or a journal.
//!
//! A reader that stops or goes away must not stop a server: lines wait in a bounded queue,
//! are dropped when it is full, and a broken pipe is ignored.

use std::io::Write;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Lines that may wait for a slow reader; beyond it they are dropped. About 1 MB of text.
pub(crate) const LOG_QUEUE_LINES: usize = 8192;

/// Begins to log. `PORTLAMA_LOG` chooses levels as `tracing` filters spell them
/// (`info,portlama_edge=debug`). The log is complete when the guard is dropped.
pub(crate) fn start() -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LOG_QUEUE_LINES)
        .thread_name("log")
        .finish(Unbreakable(std::io::stderr()));
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("PORTLAMA_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(true)
        .with_writer(writer)
        .init();
    guard
}

/// A writer whose reader may go away.
struct Unbreakable<W>(W);

impl<W: Write> Write for Unbreakable<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}
