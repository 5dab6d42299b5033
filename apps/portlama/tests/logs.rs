//! Whoever watches a log sees what happens; whoever reads slowly delays nobody else.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use portlama_testkit::{Demo, Oracle, PanelSocket, VisitorSocket, open_websocket};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// How long a line may take to arrive, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_watcher_sees_the_lines_that_requests_cause() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &[])?;
    let dead = dead_app(&demo)?;
    block_on(async {
        let mut edge = watch(&demo, "edge").await?;
        let (first, level) = line(&mut edge).await?;
        assert!(first.ends_with("the log of `edge` begins"), "{first}");
        assert_eq!(level, "info");
        assert_eq!(demo.visitor().send(&dead)?.status, 502);
        let seen = line_with(&mut edge, "an app could not be reached").await?;
        assert!(
            seen.contains(&format!("host=dead.{}", demo.ready.domain)),
            "{seen}"
        );

        let mut portal = watch(&demo, "portal").await?;
        let body = serde_json::json!({ "username": "nobody", "password": "not this one" });
        let url = format!(
            "{}/api/firstfactor",
            demo.ready.auth_url.trim_end_matches('/')
        );
        assert_eq!(demo.visitor().json("POST", &body).send(&url)?.status, 401);
        let seen = line_with(&mut portal, "a sign-in was refused").await?;
        assert!(!seen.contains("not this one"), "{seen}");

        let mut tunnel = watch(&demo, "tunnel").await?;
        line_with(
            &mut tunnel,
            &format!("agent.label={}", demo.ready.agent_label),
        )
        .await?;
        Ok(())
    })?;
    oracle.after(&demo)
}

#[test]
fn logs_are_for_the_admin_and_names_are_not_passed_on() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &["uname-a-canary"])?;
    let identity = demo
        .ready
        .state_dir
        .join("agent/agents")
        .join(&demo.ready.agent_label);
    let agent = (identity.join("client.crt"), identity.join("client.key"));
    let panel = demo.ready.panel_url.trim_end_matches('/').to_owned();
    block_on(async {
        let admin = PanelSocket::of_admin(&demo);
        let of_agent = PanelSocket {
            identity: Some((&agent.0, &agent.1)),
            ..admin
        };
        let elsewhere = format!(
            "https://app.{}:{}",
            demo.ready.domain, demo.ready.https_port
        );
        for (socket, status) in [
            (of_agent, "status 403"),
            (PanelSocket::default(), "status 400"),
            (
                PanelSocket {
                    origin: Some(&elsewhere),
                    ..admin
                },
                "status 403",
            ),
            (
                PanelSocket {
                    origin: Some("null"),
                    ..admin
                },
                "status 403",
            ),
        ] {
            let refused = socket.open(&demo, "services/edge/logs").await;
            let refused = refused.err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), Some(status), "{socket:?}");
        }
        let own_page = PanelSocket {
            origin: Some(&panel),
            ..admin
        };
        drop(own_page.open(&demo, "services/edge/logs").await?);

        for name in [
            "x%3Buname-a-canary",
            "..%2Funame-a-canary",
            "Edge",
            "nginx",
            "ssh",
        ] {
            let mut socket = watch(&demo, name).await?;
            assert_eq!(close_code(&mut socket).await?, 1008, "{name}");
        }
        assert!(
            open_websocket(&demo, "panel", "/api/services/edge/logs", None)
                .await
                .is_err()
        );
        Ok(())
    })?;
    oracle.after(&demo)
}

#[test]
fn a_reader_that_stops_costs_the_server_nothing_and_misses_no_line_unsaid() -> Result<()> {
    const REQUESTS: u64 = 3000;
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &[])?;
    let dead = dead_app(&demo)?;
    block_on(async {
        let slow = PanelSocket {
            receive_buffer: Some(4096),
            ..PanelSocket::of_admin(&demo)
        };
        let mut stopped = slow.open(&demo, "services/edge/logs").await?;
        let mut quick = watch(&demo, "edge").await?;
        let flood = {
            let (curl, url) = (demo.visitor(), format!("{dead}?[1-{REQUESTS}]"));
            tokio::task::spawn_blocking(move || curl.options(["--no-progress-meter"]).send(&url))
        };
        let mut lines = 0;
        while lines < REQUESTS {
            let frame = frame(&mut quick).await?;
            lines += frame["dropped"].as_u64().unwrap_or_else(|| {
                u64::from(
                    frame["message"]
                        .as_str()
                        .is_some_and(|m| m.contains("could not be reached")),
                )
            });
        }
        flood.await??;

        let (mut seen, mut dropped) = (0, 0);
        while seen + dropped < REQUESTS {
            let frame = frame(&mut stopped).await?;
            match frame["dropped"].as_u64() {
                Some(number) => {
                    assert!(
                        frame["message"]
                            .as_str()
                            .is_some_and(|m| m.contains("dropped"))
                    );
                    dropped += number;
                }
                None => {
                    let message = frame["message"].as_str().unwrap_or_default();
                    seen += u64::from(message.contains("could not be reached"));
                }
            }
        }
        assert_eq!(seen + dropped, REQUESTS);
        Ok(())
    })?;
    oracle.after(&demo)
}

#[test]
fn a_hundred_watchers_are_too_many_and_those_who_leave_make_room() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &[])?;
    block_on(async {
        let mut open = vec![];
        let mut refused = 0;
        for _ in 0..100 {
            match PanelSocket::of_admin(&demo)
                .open(&demo, "services/acme/logs")
                .await
            {
                Ok(socket) => open.push(socket),
                Err(error) => {
                    assert_eq!(error.to_string(), "status 503");
                    refused += 1;
                }
            }
        }
        assert_eq!((open.len(), refused), (16, 84));
        let mut leaves = open.pop().context("one is open")?;
        leaves.close(None).await?;
        while let Some(Ok(_)) = leaves.next().await {}
        let begun = Instant::now();
        let mut again = loop {
            match PanelSocket::of_admin(&demo)
                .open(&demo, "services/acme/logs")
                .await
            {
                Ok(socket) => break socket,
                Err(_) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        };
        line(&mut again).await?;
        Ok(())
    })?;
    oracle.after(&demo)
}

#[test]
fn a_server_that_stops_says_so_to_its_watchers_and_does_not_wait_for_them() -> Result<()> {
    let mut demo = Demo::start(&common::binary())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut socket = runtime.block_on(watch(&demo, "edge"))?;
    let begun = Instant::now();
    let (code, stopped) = std::thread::scope(|scope| {
        let reads = scope.spawn(|| runtime.block_on(close_code(&mut socket)));
        let stopped = demo.stop();
        (reads.join(), stopped)
    });
    assert!(stopped?.success());
    let code = code.map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
    assert_eq!(code, 1000);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    Ok(())
}

#[test]
fn a_certificate_that_is_revoked_loses_the_log_it_watches() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    block_on(async {
        let mut socket = watch(&demo, "edge").await?;
        line(&mut socket).await?;
        let now = serde_json::json!({ "revokeNow": true });
        let admin = demo.admin().json("POST", &now);
        let rotated = admin.send(&demo.api("certs/mtls/rotate"))?;
        assert_eq!(rotated.status, 200, "{}", rotated.text());
        let begun = Instant::now();
        while let Ok(frame) = frame(&mut socket).await {
            assert!(begun.elapsed() < PATIENCE, "still open: {frame}");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        // The new certificate took the old one's place on the disk, and opens the log again.
        watch(&demo, "edge").await.map(drop)
    })
}

fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

/// The address of a public app behind which nothing answers.
fn dead_app(demo: &Demo) -> Result<String> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    demo.tunnel("dead", port, "public")?;
    Ok(demo.url("dead", "/"))
}

async fn watch(demo: &Demo, name: &str) -> Result<VisitorSocket> {
    let path = format!("services/{name}/logs");
    PanelSocket::of_admin(demo).open(demo, &path).await
}

/// The next message that is no ping.
async fn message(socket: &mut VisitorSocket) -> Result<Message> {
    loop {
        let message = timeout(PATIENCE, socket.next())
            .await
            .context("nothing arrives")?;
        match message.context("the socket ended")?? {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return Ok(message),
        }
    }
}

async fn frame(socket: &mut VisitorSocket) -> Result<Value> {
    match message(socket).await? {
        Message::Text(text) => Ok(serde_json::from_str(&text)?),
        other => bail!("not a frame of text: {other:?}"),
    }
}

async fn line(socket: &mut VisitorSocket) -> Result<(String, String)> {
    let frame = frame(socket).await?;
    let text = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
    assert!(text("timestamp").ends_with('Z'), "{frame}");
    Ok((text("message"), text("level")))
}

async fn line_with(socket: &mut VisitorSocket, part: &str) -> Result<String> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let (line, _) = line(socket).await?;
        if line.contains(part) {
            return Ok(line);
        }
    }
    bail!("no line with {part:?}")
}

/// Reads to the end; the code with which the server closes.
async fn close_code(socket: &mut VisitorSocket) -> Result<u16> {
    loop {
        if let Message::Close(frame) = message(socket).await? {
            return Ok(frame.context("a code")?.code.into());
        }
    }
}
