//! The log: lines on standard error, for a person or a journal, and on a server the same lines
//! in the rings of its parts, for the panel.
//!
//! A reader that stops or goes away must not stop a server: lines wait in a bounded queue,
//! are dropped when it is full, and a broken pipe is ignored.

use std::io::Write;
use std::sync::Arc;

use portlama_control::logs::PartLogs;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::part_logs::PartLayer;

/// Lines that may wait for a slow reader; beyond it they are dropped. About 1 MB of text.
pub(crate) const LOG_QUEUE_LINES: usize = 8192;

/// Begins to log. `PORTLAMA_LOG` chooses levels as `tracing` filters spell them
/// (`info,portlama_edge=debug`). The log is complete when the guard is dropped.
pub(crate) fn start() -> WorkerGuard {
    let (lines, guard) = standard_error();
    tracing_subscriber::registry().with(lines).init();
    guard
}

/// The same, and what matters goes into the logs of the server's parts as well, whatever
/// `PORTLAMA_LOG` says.
pub(crate) fn start_server(logs: Arc<PartLogs>) -> WorkerGuard {
    let (lines, guard) = standard_error();
    let parts = PartLayer::new(logs).with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(lines)
        .with(parts)
        .init();
    guard
}

fn standard_error() -> (impl Layer<Registry>, WorkerGuard) {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LOG_QUEUE_LINES)
        .thread_name("log")
        .finish(Unbreakable(std::io::stderr()));
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("PORTLAMA_LOG")
        .from_env_lossy();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(true)
        .with_writer(writer)
        .with_filter(filter);
    (lines, guard)
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
