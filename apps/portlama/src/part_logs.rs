//! From the log's events to the logs of the server's parts.

use std::fmt::Write as _;
use std::sync::Arc;

use portlama_control::logs::{LogLevel, LogLine, MAX_LOG_LINE_BYTES, PartLogs};
use portlama_control::{Clock as _, Part, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Which part an event belongs to, by the beginning of its target. What belongs to no other
/// part is the edge's: listeners, panel, state.
const TARGETS: &[(&str, Part)] = &[
    ("portlama_portal", Part::Portal),
    ("portlama_control::operations::sign_in", Part::Portal),
    ("portlama_control::lockouts", Part::Portal),
    ("portlama_control::session", Part::Portal),
    ("portlama_control::passwords", Part::Portal),
    ("portlama_tunnel", Part::Tunnel),
    ("portlama_control::operations::agents", Part::Tunnel),
    ("portlama_control::operations::enrolment", Part::Tunnel),
    ("portlama::server::carriers", Part::Tunnel),
    ("portlama_acme", Part::Acme),
    ("instant_acme", Part::Acme),
    ("portlama_control::certifier", Part::Acme),
    ("portlama_control::certificates", Part::Acme),
    ("portlama_control::background", Part::Acme),
];

/// Writes every event into the log of its part.
pub(crate) struct PartLayer {
    logs: Arc<PartLogs>,
}

impl PartLayer {
    pub(crate) fn new(logs: Arc<PartLogs>) -> Self {
        Self { logs }
    }
}

impl<S: Subscriber> Layer<S> for PartLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let line = LogLine::new(
            Some(SystemClock.now()),
            Some(level_of(*metadata.level())),
            &format!("{}: {}{}", metadata.target(), text.message, text.fields),
        );
        self.logs.record(part_of(metadata.target()), line);
    }
}

fn part_of(target: &str) -> Part {
    let mut known = TARGETS.iter();
    let found = known.find(|(beginning, _)| target.starts_with(beginning));
    found.map_or(Part::Edge, |(_, part)| *part)
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG | Level::TRACE => LogLevel::Debug,
    }
}

/// An event in words: the message, then ` name=value` for each field.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn field(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // What is longer than a line is not made either.
        if self.fields.len() < MAX_LOG_LINE_BYTES {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.field(field, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut chain = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause
            && chain.len() < MAX_LOG_LINE_BYTES
        {
            let _ = write!(chain, ": {error}");
            cause = error.source();
        }
        self.field(field, &format_args!("{chain}"));
    }
}

#[cfg(test)]
mod tests {
    use portlama_control::logs::LogItem;
    use portlama_model::Timestamp;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    async fn last_lines(part: Part, log: impl FnOnce()) -> Vec<LogLine> {
        let logs = Arc::new(PartLogs::new(Timestamp::UNIX_EPOCH));
        let subscriber = tracing_subscriber::registry().with(PartLayer::new(Arc::clone(&logs)));
        tracing::subscriber::with_default(subscriber, log);
        let mut reader = logs.follow(part);
        logs.record(part, LogLine::new(None, None, "the end"));
        let mut lines = vec![];
        while let Some(LogItem::Line(line)) = reader.next().await {
            if line.message() == "the end" {
                break;
            }
            lines.push(line);
        }
        lines.split_off(1)
    }

    #[tokio::test]
    async fn events_become_lines_of_the_part_they_belong_to() {
        for (target, part) in [
            ("portlama_edge::listen", Part::Edge),
            ("portlama_panel::gate", Part::Edge),
            ("portlama_portal::json", Part::Portal),
            ("portlama_control::operations::sign_in", Part::Portal),
            ("portlama_tunnel::hub", Part::Tunnel),
            ("portlama_acme::client", Part::Acme),
            ("hyper", Part::Edge),
        ] {
            assert_eq!(part_of(target), part, "{target}");
        }
        let log = || tracing::warn!(target: "portlama_tunnel::hub", agent = "attic", "gone");
        let lines = last_lines(Part::Tunnel, log).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!(line.message(), "portlama_tunnel::hub: gone agent=\"attic\"");
        assert_eq!(line.level(), Some(LogLevel::Warn));
        assert!(line.at().is_some());
    }

    #[tokio::test]
    async fn a_field_cannot_forge_a_line_nor_steer_a_terminal() {
        let name = "mira\n2027-01-01T00:00:00.000Z  INFO the admin signed in \u{1b}[2J\u{202e}";
        let log = || tracing::info!(user = %name, "a sign-in was refused");
        let lines = last_lines(Part::Edge, log).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert!(
            !line.message().contains(['\n', '\u{1b}', '\u{202e}']),
            "{line:?}"
        );
        assert!(
            line.message()
                .contains("a sign-in was refused user=mira 2027")
        );
    }

    #[tokio::test]
    async fn an_error_is_told_with_its_causes() {
        let inner = std::io::Error::other("no space");
        let outer = std::io::Error::other(Outer(inner));
        let log = || tracing::error!(error = &outer as &dyn std::error::Error, "not written");
        let lines = last_lines(Part::Edge, log).await;
        let shown = lines.first().map(LogLine::message).unwrap_or_default();
        assert!(
            shown.ends_with("not written error=the state: no space"),
            "{shown}"
        );
    }

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the state")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
}
