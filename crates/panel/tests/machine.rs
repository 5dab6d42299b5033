//! Services and figures of the machine.

mod support;

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use http::StatusCode;
use portlama_access::Presented;
use portlama_control::logs::{LogLevel, LogLine, LogReader, PartLogs, log_pipe};
use portlama_control::{
    BoxFuture, LastUpdate, MACHINE_CACHE, Machine, MachineError, MachineStats, Part, ServiceAction,
    ServiceStatus, Surroundings, Unit, UnitView, UpdateError,
};
use portlama_model::{Capability, ReleaseSource, ReleaseVersion};
use serde_json::{Value, json};
use support::{Answer, Ask, TestApp};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn without_systemd_the_servers_own_parts_are_listed_in_order() {
    let app = TestApp::completed().await;
    let answer = app.send(&app.admin(), Ask::get("/api/services")).await;
    let body = answer.json();
    let services = body["services"].as_array().expect("a list");
    let names: Vec<_> = services
        .iter()
        .map(|service| service["name"].clone())
        .collect();
    assert_eq!(names, ["edge", "portal", "tunnel", "acme"]);
    for service in &services[..3] {
        assert_eq!(service["status"], "active", "{service}");
        assert!(
            service["uptime"]
                .as_str()
                .is_some_and(|text| text.ends_with('s')),
            "{service}"
        );
    }
    // This server certifies its names itself.
    assert_eq!(services[3]["status"], "inactive");
    assert_eq!(services[3]["uptime"], Value::Null);
    assert_eq!(services[0]["actions"], json!(["reload"]));
    assert_eq!(services[1]["actions"], json!([]));
}

#[tokio::test]
async fn names_that_nothing_has_and_other_actions_are_refused() {
    let app = TestApp::completed().await;
    for path in [
        "x%3Bid/restart",
        "..%2Fx/restart",
        "..%2F..%2Fetc%2Fpasswd/start",
        "Edge/reload",
        "nginx/restart",
        "ssh.service/restart",
        "--help/start",
        // Known, but this machine has no systemd.
        "ssh/restart",
        "portlama-panel/restart",
        "portlama-panel/stop",
    ] {
        let answer = act(&app, path).await;
        assert_eq!(
            answer.refusal(),
            (400, "No service of this name is managed here".into()),
            "{path}"
        );
    }
    for path in ["edge/kill", "edge/RELOAD", "edge/reload%20", "ssh/mask"] {
        let answer = act(&app, path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let error = "The actions are start, stop, restart and reload";
        assert_eq!(answer.refusal().1, error, "{path}");
    }
}

#[tokio::test]
async fn a_part_of_the_process_cannot_be_stopped_and_says_so() {
    let app = TestApp::completed().await;
    for action in ["start", "stop", "restart"] {
        for part in ["edge", "portal", "tunnel", "acme"] {
            let answer = act(&app, &format!("{part}/{action}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            let error = answer.refusal().1;
            assert!(
                error.starts_with("This is a part of the running server"),
                "{error}"
            );
        }
    }
    for part in ["portal", "tunnel", "acme"] {
        let answer = act(&app, &format!("{part}/reload")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{part}");
    }
    let answer = act(&app, "edge/reload").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "name": "edge", "action": "reload" })
    );
}

#[tokio::test]
async fn units_of_the_machine_are_listed_after_the_parts_and_told_what_to_do() {
    let app = TestApp::with(around(Ok(()))).await;
    let answer = app.send(&app.admin(), Ask::get("/api/services")).await;
    let services = answer.json()["services"].clone();
    assert_eq!(
        services[4],
        json!({
            "name": "portlama-panel", "status": "active", "uptime": "3d 4h 10m",
            "actions": ["start", "restart"]
        })
    );
    assert_eq!(
        services[5],
        json!({
            "name": "ssh", "status": "failed", "uptime": null,
            "actions": ["start", "restart", "reload"]
        })
    );
    assert_eq!(services[6], Value::Null);
    for path in ["portlama-panel/restart", "ssh/reload"] {
        assert_eq!(act(&app, path).await.status, StatusCode::OK, "{path}");
    }
    // Known, but not installed.
    assert_eq!(
        act(&app, "fail2ban/restart").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn nobody_shuts_themselves_out_with_a_click() {
    let app = TestApp::with(around(Ok(()))).await;
    for (path, beginning) in [
        ("portlama-panel/stop", "The panel cannot stop itself"),
        ("ssh/stop", "Stopping ssh would shut you out"),
    ] {
        let answer = act(&app, path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.refusal().1.starts_with(beginning), "{answer:?}");
    }
}

#[tokio::test]
async fn a_unit_that_refuses_is_told_with_its_own_words_on_one_line() {
    for (error, details) in [
        (
            MachineError::Refused("Access denied\n\u{1b}[31mTry `sudo`".into()),
            "Access denied Try `sudo`",
        ),
        (
            MachineError::TimedOut,
            "not done after 30 seconds; it may still happen",
        ),
    ] {
        let app = TestApp::with(around(Err(error))).await;
        let answer = act(&app, "ssh/restart").await;
        assert_eq!(answer.refusal(), (500, "`restart ssh` failed".into()));
        assert_eq!(answer.json()["details"], details);
    }
}

#[tokio::test]
async fn agents_see_and_tell_with_their_right_and_lose_it_at_once() {
    let app = TestApp::with(around(Ok(()))).await;
    let writer = app.agent("attic", &[Capability::ServicesWrite]).await;
    let ask = || Ask::post("/api/services/ssh/restart", &json!({}));
    assert_eq!(app.send(&writer, ask()).await.status, StatusCode::OK);
    let list = app.send(&writer, Ask::get("/api/services")).await;
    assert_eq!(list.json()["details"]["required"], "services:read");
    let change = Ask::patch(
        "/api/certs/agent/attic/capabilities",
        &json!({ "capabilities": ["services:read"] }),
    );
    assert_eq!(app.send(&app.admin(), change).await.status, StatusCode::OK);
    assert_eq!(app.send(&writer, ask()).await.status, StatusCode::FORBIDDEN);
    let list = app.send(&writer, Ask::get("/api/services")).await;
    assert_eq!(list.status, StatusCode::OK);
}

#[tokio::test]
async fn figures_are_those_of_this_machine_and_asked_for_once_in_two_seconds() {
    let app = TestApp::completed().await;
    let begun = Instant::now();
    let answer = app.send(&app.admin(), Ask::get("/api/system/stats")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let stats = answer.json();
    let number = |pointer: &str| {
        stats
            .pointer(pointer)
            .and_then(Value::as_f64)
            .expect(pointer)
    };
    let usage = number("/cpu/usage");
    assert!((0.0..=100.0).contains(&usage), "{usage}");
    let tenths = usage * 10.0;
    assert!((tenths - tenths.round()).abs() < 1e-9, "{usage}");
    assert!(number("/cpu/cores") >= 1.0);
    for whole in ["memory", "disk"] {
        let part = |name: &str| number(&format!("/{whole}/{name}"));
        assert!(
            part("used") <= part("total") && part("free") <= part("total"),
            "{stats}"
        );
    }
    assert!(number("/uptime") > 0.0 && number("/process/memory") > 1e6);
    let again = app.send(&app.admin(), Ask::get("/api/system/stats")).await;
    // A machine that is very busy may need longer than figures are kept.
    if begun.elapsed() < MACHINE_CACHE {
        assert_eq!(again.json(), stats);
    }
}

async fn update(app: &TestApp, version: &Value) -> Answer {
    let ask = Ask::post("/api/system/update", &json!({ "version": version }));
    app.send(&app.admin(), ask).await
}

#[tokio::test]
async fn an_update_is_ordered_once_its_release_was_verified() {
    let app = TestApp::with_releases(around(Ok(()))).await;
    for version in [
        json!("../1.2.3"),
        json!("https://evil.example/1.2.3"),
        json!("1.2"),
        json!(1),
        json!(null),
    ] {
        let answer = update(&app, &version).await;
        assert_eq!(answer.refusal(), (400, "Validation failed".into()));
    }
    let answer = update(&app, &json!("1.2.3")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["ok"], true);
    let answer = update(&app, &json!("0.0.1")).await;
    assert_eq!(answer.refusal(), (400, "Version 0.0.1 is older".into()));
    let answer = update(&app, &json!("9.9.9")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.json()["details"], "it answers with 404");
    let audit = app.send(&app.admin(), Ask::get("/api/audit")).await.json();
    let rows: Vec<_> = audit["entries"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["action"].clone(), row["target"].clone()))
        .filter(|(action, _)| action.as_str().is_some_and(|a| a.starts_with("server.")))
        .collect();
    let row = |action: &str, version: &str| (json!(action), json!(version));
    assert_eq!(
        rows,
        [
            row("server.update.failed", "9.9.9"),
            row("server.update", "9.9.9"),
            row("server.update.failed", "0.0.1"),
            row("server.update", "0.0.1"),
            row("server.update", "1.2.3"),
        ]
    );
    let state = app.send(&app.admin(), Ask::get("/api/system/update")).await;
    let last = json!({
        "upgraded": false, "from": "0.1.0", "to": "0.9.0", "reason": "it does not answer",
    });
    assert_eq!(
        state.json(),
        json!({ "version": env!("CARGO_PKG_VERSION"), "canFetch": true, "last": last })
    );
}

#[tokio::test]
async fn without_a_place_of_releases_nothing_is_fetched() {
    let app = TestApp::completed().await;
    let answer = update(&app, &json!("1.2.3")).await;
    let (status, why) = answer.refusal();
    assert_eq!(status, 400);
    assert!(why.contains("releases.url"), "{why}");
    let state = app.send(&app.admin(), Ask::get("/api/system/update")).await;
    assert_eq!(state.json()["canFetch"], false);
}

#[tokio::test]
async fn logs_are_opened_by_the_admins_own_pages_alone() {
    let app = TestApp::completed().await;
    let path = "/api/services/edge/logs";
    let plain = app.send(&app.admin(), Ask::get(path)).await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
    let agent = app.agent("attic", Capability::ALL).await;
    let answer = app.send(&agent, Ask::websocket(path)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = app.send(&Presented::None, Ask::websocket(path)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let foreign = Ask::websocket(path).header("origin", "https://wiki.lab.example.org");
    let answer = app.send(&app.admin(), foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_reader_that_stops_loses_the_oldest_lines_and_is_told_how_many() {
    const LINES: u64 = 5000;
    let around = around(Ok(()));
    let logs = Arc::clone(&around.logs);
    let app = TestApp::with(around).await;
    let mut socket = watch(&app, "tunnel").await;
    let begins = frame(&mut socket).await;
    assert_eq!(begins["level"], "info");
    for number in 0..LINES {
        let text = format!("line {number:0>100}");
        logs.record(
            Part::Tunnel,
            LogLine::new(None, Some(LogLevel::Warn), &text),
        );
    }
    let (mut next, mut marks) = (0, 0);
    while next < LINES {
        let frame = frame(&mut socket).await;
        match frame["dropped"].as_u64() {
            Some(dropped) => {
                assert_eq!(frame["timestamp"], support::now().to_string());
                (next, marks) = (next + dropped, marks + 1);
            }
            None => {
                let expected = format!("line {next:0>100}");
                assert_eq!(
                    frame,
                    json!({ "timestamp": "", "message": expected, "level": "warn" })
                );
                next += 1;
            }
        }
    }
    assert_eq!(marks, 1, "the reader stopped once");
}

#[tokio::test]
async fn a_log_says_why_it_ends() {
    let app = TestApp::with(around(Ok(()))).await;
    // Names that nothing has, or that this machine does not have.
    for name in ["x%3Bid", "..%2Fx", "fail2ban"] {
        assert_eq!(end(watch(&app, name).await).await, (vec![], 1008), "{name}");
    }
    // The journal's reader ends.
    let (frames, code) = end(watch(&app, "portlama-panel").await).await;
    assert_eq!((frames.len(), code), (1, 1000), "{frames:?}");
    // The journal's reader does not start.
    let (frames, code) = end(watch(&app, "ssh").await).await;
    assert_eq!(code, 1011);
    let message = frames[0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("`journalctl` cannot be run"), "{message}");
    // The server stops.
    let watcher = watch(&app, "edge").await;
    app.control.close_logs();
    let (frames, code) = end(watcher).await;
    assert_eq!((frames.len(), code), (2, 1000), "{frames:?}");
}

type Socket = WebSocketStream<DuplexStream>;

async fn watch(app: &TestApp, name: &str) -> Socket {
    let path = format!("/api/services/{name}/logs");
    let opened = app.open(&app.admin(), &path).await;
    opened.expect("a socket")
}

async fn frame(socket: &mut Socket) -> Value {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("no frame: {other:?}"),
    }
}

/// All frames, and the code at their end.
async fn end(mut socket: Socket) -> (Vec<Value>, u16) {
    let mut frames = vec![];
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                frames.push(serde_json::from_str(&text).expect("JSON"));
            }
            Some(Ok(Message::Close(Some(frame)))) => return (frames, frame.code.into()),
            other => panic!("no frame: {other:?}"),
        }
    }
}

async fn act(app: &TestApp, path: &str) -> Answer {
    let ask = Ask::post(&format!("/api/services/{path}"), &json!({}));
    app.send(&app.admin(), ask).await
}

/// A machine with systemd, which this one may not have: a running panel and a broken ssh.
struct Machined(Result<(), MachineError>);

fn around(acts: Result<(), MachineError>) -> Surroundings {
    Surroundings {
        machine: Arc::new(Machined(acts)),
        logs: Arc::new(PartLogs::new(support::now())),
    }
}

impl Machine for Machined {
    fn stats(&self) -> BoxFuture<'_, Result<MachineStats, MachineError>> {
        Box::pin(async { Err(MachineError::Unreadable("figures")) })
    }

    fn units(&self) -> BoxFuture<'_, Vec<UnitView>> {
        let view = |unit, status, uptime: Option<u64>, can_reload| UnitView {
            unit,
            status,
            uptime: uptime.map(std::time::Duration::from_secs),
            can_reload,
        };
        let lasted = 3 * 86_400 + 4 * 3600 + 10 * 60 + 59;
        let units = vec![
            view(Unit::Panel, ServiceStatus::Active, Some(lasted), false),
            view(Unit::Ssh, ServiceStatus::Failed, None, true),
        ];
        Box::pin(async { units })
    }

    fn act(&self, _: Unit, _: ServiceAction) -> BoxFuture<'_, Result<(), MachineError>> {
        let answer = self.0.clone();
        Box::pin(async { answer })
    }

    fn update<'a>(
        &'a self,
        source: &'a ReleaseSource,
        version: &'a ReleaseVersion,
    ) -> BoxFuture<'a, Result<(), UpdateError>> {
        Box::pin(async move {
            assert!(source.url.starts_with("https://"));
            match version.as_str() {
                "1.2.3" => Ok(()),
                "0.0.1" => Err(UpdateError::Refused("version 0.0.1 is older".into())),
                _ => Err(UpdateError::NotFetched("it answers with 404".into())),
            }
        })
    }

    fn last_update(&self) -> BoxFuture<'_, Option<LastUpdate>> {
        Box::pin(async {
            Some(LastUpdate {
                upgraded: false,
                from: "0.1.0".parse().ok(),
                to: "0.9.0".parse().ok(),
                reason: Some("it does not answer".into()),
            })
        })
    }

    /// The journal of the panel ends at once, the one of ssh cannot be read.
    fn follow(&self, unit: Unit) -> Result<LogReader, MachineError> {
        match unit {
            Unit::Panel => Ok(log_pipe().1),
            _ => Err(MachineError::Program {
                program: "journalctl",
                reason: "not found".into(),
            }),
        }
    }
}
