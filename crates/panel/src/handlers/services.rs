//! `/api/services`.

use std::time::Duration;

use axum::response::Response;
use futures_util::stream::{self, Stream, StreamExt as _};
use portlama_api::{LogFrame, LogLevel, Service, ServiceDone, ServiceList};
use portlama_control::logs::{self, LogItem, LogReader};
use portlama_control::{OperationError, ServiceAction, ServiceName, ServiceStatus, ServiceView};
use portlama_model::Timestamp;

use crate::call::{Call, ok};
use crate::refusal::Refusal;
use crate::websocket::Frame;

pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    let services = call.control.services().await;
    ok(ServiceList {
        services: services.into_iter().map(service).collect(),
    })
}

pub(crate) async fn act(call: Call) -> Result<Response, Refusal> {
    let name: ServiceName = call.segment("name").parse().map_err(refused)?;
    let action: ServiceAction = call.segment("action").parse().map_err(refused)?;
    let control = &call.control;
    control.act_on_service(call.by(), name, action).await?;
    ok(ServiceDone {
        ok: true,
        name: name.as_str().to_owned(),
        action: action_of(action),
    })
}

/// Before the 101: too many watchers (503). After it, as clients expect: a name that nothing
/// has (1008), a reader that does not start (1011).
pub(crate) async fn logs(mut call: Call) -> Result<Response, Refusal> {
    call.must_open_websocket()?;
    let Ok(name) = call.segment("name").parse::<ServiceName>() else {
        return call.websocket(only([NOT_MANAGED]));
    };
    let now = call.control.live().now();
    match call.control.follow_service(name).await {
        Ok(reader) => call.websocket(frames(reader, now)),
        Err(OperationError::Refused(_)) => call.websocket(only([NOT_MANAGED])),
        Err(error @ OperationError::ServiceFailed { .. }) => {
            let why = text(&LogFrame::note(now, error.to_string()));
            call.websocket(only([why, Frame::Close(1011, "the log cannot be read")]))
        }
        Err(error) => Err(error.into()),
    }
}

const NOT_MANAGED: Frame = Frame::Close(1008, "no service of this name is managed here");

fn refused(why: impl Into<portlama_control::Refusal>) -> Refusal {
    Refusal::Operation(OperationError::Refused(why.into()))
}

fn only<const N: usize>(frames: [Frame; N]) -> impl Stream<Item = Frame> + Send + 'static {
    stream::iter(frames)
}

/// Lines as they come, and after the last one a frame that says so.
fn frames(reader: LogReader, begun: Timestamp) -> impl Stream<Item = Frame> + Send + 'static {
    let lines = stream::unfold((reader, begun), |(mut reader, last)| async move {
        let item = reader.next().await?;
        let (frame, at) = frame(item, last);
        Some((text(&frame), (reader, at)))
    });
    let end = LogFrame::note(begun, "the log's reader has ended");
    lines.chain(only([
        text(&end),
        Frame::Close(1000, "the log's reader has ended"),
    ]))
}

/// The frame of an item, and the time of the newest line so far, which marks borrow.
fn frame(item: LogItem, last: Timestamp) -> (LogFrame, Timestamp) {
    match item {
        LogItem::Line(line) => {
            let frame = LogFrame {
                timestamp: line.at().map(|at| at.to_string()).unwrap_or_default(),
                message: line.message().to_owned(),
                level: line.level().map(level),
                dropped: None,
            };
            (frame, line.at().unwrap_or(last))
        }
        LogItem::Dropped(number) => {
            let lines = if number == 1 {
                "line was"
            } else {
                "lines were"
            };
            let message = format!("{number} {lines} dropped: they were read too slowly");
            let frame = LogFrame {
                dropped: Some(number),
                ..LogFrame::note(last, message)
            };
            (frame, last)
        }
    }
}

fn text(frame: &LogFrame) -> Frame {
    Frame::Text(serde_json::to_string(frame).unwrap_or_default())
}

fn level(level: logs::LogLevel) -> LogLevel {
    match level {
        logs::LogLevel::Debug => LogLevel::Debug,
        logs::LogLevel::Info => LogLevel::Info,
        logs::LogLevel::Warn => LogLevel::Warn,
        logs::LogLevel::Error => LogLevel::Error,
    }
}

fn service(view: ServiceView) -> Service {
    use portlama_api::ServiceStatus as Shown;
    Service {
        name: view.name.as_str().to_owned(),
        status: match view.status {
            ServiceStatus::Active => Shown::Active,
            ServiceStatus::Inactive => Shown::Inactive,
            ServiceStatus::Failed => Shown::Failed,
            ServiceStatus::Unknown => Shown::Unknown,
        },
        uptime: view.uptime.map(uptime),
        detail: view.detail,
        actions: view.actions.into_iter().map(action_of).collect(),
    }
}

fn action_of(action: ServiceAction) -> portlama_api::ServiceAction {
    use portlama_api::ServiceAction as Shown;
    match action {
        ServiceAction::Start => Shown::Start,
        ServiceAction::Stop => Shown::Stop,
        ServiceAction::Restart => Shown::Restart,
        ServiceAction::Reload => Shown::Reload,
    }
}

/// `3d 4h 10m`: what is not zero; seconds in the first minute alone.
fn uptime(lasted: Duration) -> String {
    let seconds = lasted.as_secs();
    if seconds < 60 {
        return format!("{seconds}s");
    }
    let units = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
    ];
    let shown = units.iter().filter(|(number, _)| *number > 0);
    let shown: Vec<String> = shown
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_shows_what_is_not_zero() {
        for (seconds, shown) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3600, "1h"),
            (3661, "1h 1m"),
            (86_400, "1d"),
            (3 * 86_400 + 4 * 3600 + 10 * 60 + 9, "3d 4h 10m"),
            (86_400 + 59, "1d"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn a_mark_says_how_many_lines_are_missing_and_when() {
        let at = Timestamp::from_unix_seconds(1_800_000_000);
        let (mark, _) = frame(LogItem::Dropped(12), at);
        assert_eq!(mark.dropped, Some(12));
        assert_eq!(mark.timestamp, at.to_string());
        assert_eq!(
            mark.message,
            "12 lines were dropped: they were read too slowly"
        );
    }
}
