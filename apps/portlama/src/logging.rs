//! The log: lines on standard error, for a person or a journal, and on a server the same lines
//! in the rings of its parts, for the panel.
//!
//! A reader that stops or goes away must not stop a server: lines wait in a bounded queue,
//! are dropped when it is full, and a broken pipe is ignored.

use std::io::Write;
use std::sync::Arc;

use portlama_agent::LogWriter;
use portlama_control::logs::{PartLogs, plain};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer, format};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::part_logs::PartLayer;

/// Lines of a log on their way to one place.
type Lines = Box<dyn Layer<Registry> + Send + Sync>;

/// Lines that may wait for a slow reader; beyond it they are dropped. About 1 MB of text.
pub(crate) const LOG_QUEUE_LINES: usize = 8192;

/// The longest line that is written, octets: every cause of an error fits, a body does not.
pub(crate) const MAX_LOG_OUTPUT_BYTES: usize = 16 * 1024;

/// Begins to log, into files of the agent's own, to standard error, or both. `PORTLAMA_LOG`
/// chooses levels as `tracing` filters spell them (`info,portlama_edge=debug`). The log is
/// complete when the guard is dropped.
pub(crate) fn start_agent(files: Option<LogWriter>, to_standard_error: bool) -> WorkerGuard {
    let (lines, guard) = match files {
        None => standard_error(),
        Some(files) if to_standard_error => lines_to(
            Both(Unbreakable(std::io::stderr()), Unbreakable(files)),
            false,
        ),
        Some(files) => lines_to(Unbreakable(files), false),
    };
    tracing_subscriber::registry().with(lines).init();
    guard
}

/// The same to standard error, and what matters goes into the logs of the server's parts as well, whatever
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

fn standard_error() -> (Lines, WorkerGuard) {
    lines_to(Unbreakable(std::io::stderr()), writes_to_journal())
}

fn lines_to(place: impl Write + Send + 'static, for_journal: bool) -> (Lines, WorkerGuard) {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LOG_QUEUE_LINES)
        .thread_name("log")
        .finish(place);
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("PORTLAMA_LOG")
        .from_env_lossy();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(LineFormat { for_journal })
        .with_writer(move || OneLine(writer.clone()))
        .with_filter(filter);
    (lines.boxed(), guard)
}

/// Whether standard error leads to the journal (systemd.exec(5), `JOURNAL_STREAM`). The variable
/// alone does not say so: a shell that runs as a service passes it on.
pub(crate) fn writes_to_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(std::io::stderr())
        .is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// A line for a person, with time and level in words, or for a journal, which keeps the time by
/// itself and reads the level from the beginning (sd-daemon(3)).
struct LineFormat {
    for_journal: bool,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        if !self.for_journal {
            return format().format_event(context, writer, event);
        }
        write!(writer, "<{}>", severity(*event.metadata().level()))?;
        let line = format().without_time().with_level(false);
        line.format_event(context, writer, event)
    }
}

/// Levels of RFC 5424 §6.2.1.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// A writer of events, each of which stays one line whatever its fields hold.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let mut line = plain(&String::from_utf8_lossy(event), MAX_LOG_OUTPUT_BYTES);
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Writes twice.
struct Both<A, B>(A, B);

impl<A: Write, B: Write> Write for Both<A, B> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_event_is_one_line_whatever_its_fields_hold() {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || OneLine(writer.clone()));
        let forged = "mira\n2027-01-01T00:00:00Z  INFO the admin signed in\r\u{1b}[2J\u{202e}";
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::info!(user = %forged, "{forged}");
            tracing::info!("two");
        });
        let written = written.0.lock().expect("a lock").clone();
        let text = String::from_utf8(written).expect("text");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(['\r', '\u{1b}', '\u{202e}']), "{text:?}");
        assert!(text.ends_with("two\n"), "{text}");
    }

    #[test]
    fn a_journal_gets_the_level_as_a_number_and_no_second_time() {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(LineFormat { for_journal: true })
            .with_writer(move || OneLine(writer.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::error!(target: "here", port = 443, "it broke");
            tracing::warn!(target: "here", "<3>it may break\n<3>soon");
            tracing::info!(target: "here", "it works");
            tracing::debug!(target: "here", "it ticks");
        });
        let written = written.0.lock().expect("a lock").clone();
        assert_eq!(
            String::from_utf8(written).expect("text"),
            "<3>here: it broke port=443\n\
             <4>here: <3>it may break <3>soon\n\
             <6>here: it works\n\
             <7>here: it ticks\n"
        );
    }
}
