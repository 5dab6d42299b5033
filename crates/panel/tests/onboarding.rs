//! The first set-up over the API: the answers of the reference, and the frames of its run.

mod support;

use std::time::Duration;

use futures_util::StreamExt as _;
use portlama_access::Presented;
use portlama_testkit::{DnsMood, DnsServer};
use serde_json::{Value, json};
use support::{Ask, TestApp};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const STREAM: &str = "/api/onboarding/provision/stream";
const OURS: &str = "192.0.2.10";
const PATIENCE: Duration = Duration::from_secs(60);

const TASKS: [&str; 6] = [
    "install-chisel",
    "install-authelia",
    "issue-certs",
    "configure-nginx",
    "verify-services",
    "finalize",
];

fn dns() -> DnsServer {
    let dns = DnsServer::start().expect("a DNS server");
    dns.set("lab.example.org", &[OURS]);
    dns.set("*.lab.example.org", &[OURS]);
    dns
}

async fn choose(app: &TestApp, domain: &str) -> Value {
    let body = json!({ "domain": domain, "email": "ops@example.org" });
    let ask = Ask::post("/api/onboarding/domain", &body);
    app.send(&app.admin(), ask).await.json()
}

async fn post(app: &TestApp, path: &str) -> support::Answer {
    let ask = Ask::new(http::Method::POST, &format!("/api/onboarding/{path}"));
    app.send(&app.admin(), ask).await
}

/// A server whose domain was seen to lead to it.
async fn ready(dns: &DnsServer) -> TestApp {
    let app = TestApp::fresh_asking(dns.address()).await;
    choose(&app, "lab.example.org").await;
    assert_eq!(post(&app, "verify-dns").await.json()["ok"], true);
    app
}

async fn frame(socket: &mut WebSocketStream<DuplexStream>) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await;
        match next
            .expect("a frame in time")
            .expect("a frame")
            .expect("a good one")
        {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_domain_is_answered_as_it_is_kept() {
    let app = TestApp::fresh().await;
    let answer = choose(&app, "Lab.Example.ORG.").await;
    let expected = json!({ "ok": true, "domain": "lab.example.org", "email": "ops@example.org" });
    assert_eq!(answer, expected);
    let status = app
        .send(&app.admin(), Ask::get("/api/onboarding/status"))
        .await;
    let status = status.json();
    assert_eq!(
        (&status["status"], &status["domain"], &status["ip"]),
        (
            &json!("DOMAIN_SET"),
            &json!("lab.example.org"),
            &json!(OURS)
        )
    );
    assert_eq!(
        choose(&app, "bücher.example.org").await["domain"],
        "xn--bcher-kva.example.org"
    );
    let refused = choose(&app, "no domain").await;
    assert_eq!(refused["error"], "Validation failed");
    assert_eq!(refused["details"]["issues"][0]["path"], json!(["domain"]));
}

#[tokio::test]
async fn the_dns_check_says_what_each_resolver_says() {
    let dns = dns();
    let app = TestApp::fresh_asking(dns.address()).await;
    let early = post(&app, "verify-dns").await;
    assert_eq!(
        (early.status.as_u16(), &early.json()["onboardingStatus"]),
        (409, &json!("FRESH"))
    );
    choose(&app, "lab.example.org").await;
    dns.set("lab.example.org", &[OURS, "2001:db8::9"]);
    let answer = post(&app, "verify-dns").await;
    let check = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(check["ok"], false);
    assert_eq!(check["domain"], "lab.example.org");
    assert_eq!(check["expectedIp"], OURS);
    assert_eq!(check["resolvedIps"], json!([OURS, "2001:db8::9"]));
    assert_eq!(check["wildcardResolvedIps"], json!([OURS]));
    assert_eq!(check["wildcardOk"], true);
    let resolver = json!({
        "address": dns.address().to_string(),
        "a": [OURS],
        "aaaa": ["2001:db8::9"],
        "wildcard": [OURS],
        "error": null,
    });
    assert_eq!(check["resolvers"], json!([resolver]));
    assert_eq!(check["names"][1]["name"], "auth.lab.example.org");
    assert_eq!(check["names"][1]["ok"], true);
    let refused = post(&app, "provision").await;
    let told = refused.json();
    assert_eq!(
        (refused.status.as_u16(), &told["onboardingStatus"]),
        (409, &json!("DOMAIN_SET"))
    );
}

#[tokio::test]
async fn the_frames_of_a_run_are_those_of_the_reference() {
    let dns = dns();
    let app = ready(&dns).await;
    let mut socket = app.open(&app.admin(), STREAM).await.expect("accepted");
    let first = frame(&mut socket).await;
    assert_eq!(
        (&first["type"], &first["isRunning"]),
        (&json!("state"), &json!(false))
    );
    let ids: Vec<_> = first["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|t| &t["id"])
        .collect();
    assert_eq!(ids, TASKS);
    for member in ["title", "status", "message", "log"] {
        assert!(first["tasks"][0].get(member).is_some(), "{member}");
    }
    assert_eq!(
        (&first["error"], &first["result"]),
        (&Value::Null, &Value::Null)
    );

    let started = post(&app, "provision").await;
    assert_eq!(
        (started.status.as_u16(), &started.json()["ok"]),
        (202, &json!(true))
    );
    let mut done = Vec::new();
    let last = loop {
        let frame = frame(&mut socket).await;
        if frame["task"] == "complete" {
            break frame;
        }
        let progress = &frame["progress"];
        assert_eq!(progress["total"], 6);
        assert!(
            frame["title"].is_string() && frame["message"].is_string(),
            "{frame}"
        );
        if frame["status"] == "done" {
            done.push(frame["task"].as_str().expect("a task").to_owned());
            assert_eq!(progress["current"], done.len());
        } else {
            assert_eq!(frame["status"], "running");
            assert_eq!(progress["current"], done.len() + 1);
        }
    };
    assert_eq!(done, TASKS);
    assert_eq!(last["status"], "done");
    assert_eq!(last["progress"], json!({ "current": 6, "total": 6 }));
    let result = &last["result"];
    assert_eq!(result["adminUsername"], "admin");
    assert_eq!(
        result["adminPassword"].as_str().expect("a password").len(),
        22
    );
    let uri = result["adminTotpUri"].as_str().expect("a code");
    assert!(
        uri.starts_with("otpauth://totp/Portlama:admin?secret="),
        "{uri}"
    );
    assert_eq!(result["panelUrl"], "https://panel.lab.example.org");
    assert_eq!(result["authUrl"], "https://auth.lab.example.org");

    // A reload loses nothing, until it is acknowledged.
    let ask = || Ask::get("/api/onboarding/result");
    let again = app.send(&app.admin(), ask()).await;
    assert_eq!((again.status.as_u16(), &again.json()), (200, result));
    let status = async || {
        let ask = Ask::get("/api/onboarding/status");
        app.send(&app.admin(), ask).await.json()
    };
    assert!(status().await["resultUntil"].is_string());
    assert_eq!(
        post(&app, "acknowledge").await.json(),
        json!({ "ok": true })
    );
    assert!(status().await.get("resultUntil").is_none());
    assert_eq!(app.send(&app.admin(), ask()).await.status, 410);
    assert_eq!(post(&app, "acknowledge").await.status, 410);
    // The open socket is still there, a new one is not.
    let closed = tokio::time::timeout(Duration::ZERO, socket.next()).await;
    assert!(closed.is_err(), "{closed:?}");
    let refused = app.open(&app.admin(), STREAM).await.expect_err("refused");
    assert_eq!(
        refused.refusal(),
        (410, "Onboarding already completed".to_owned())
    );
}

#[tokio::test]
async fn a_failure_is_told_in_the_frame_and_in_the_status() {
    let dns = dns();
    let app = ready(&dns).await;
    dns.forget("*.lab.example.org");
    let mut socket = app.open(&app.admin(), STREAM).await.expect("accepted");
    frame(&mut socket).await;
    assert_eq!(post(&app, "provision").await.status, 202);
    let failed = loop {
        let frame = frame(&mut socket).await;
        if frame["status"] == "error" {
            break frame;
        }
    };
    assert_eq!(failed["task"], "issue-certs");
    assert_eq!(failed["progress"], json!({ "current": 2, "total": 6 }));
    let cause = failed["error"].as_str().expect("a cause");
    assert!(
        cause.contains("panel.lab.example.org does not resolve"),
        "{cause}"
    );
    assert!(failed["message"].is_string());
    let status = app
        .send(&app.admin(), Ask::get("/api/onboarding/status"))
        .await
        .json();
    assert_eq!(status["status"], "PROVISIONING");
    assert_eq!(
        status["error"],
        json!({ "task": "issue-certs", "message": cause })
    );
    // Whoever comes later sees it first.
    let mut late = app.open(&app.admin(), STREAM).await.expect("accepted");
    let stands = frame(&mut late).await;
    assert_eq!(stands["error"], status["error"]);
    assert_eq!(stands["tasks"][2]["status"], "error");
    assert_eq!(stands["tasks"][3]["status"], "pending");
}

#[tokio::test]
async fn a_second_run_is_refused_while_one_is_under_way() {
    let dns = dns();
    let app = ready(&dns).await;
    dns.behave(DnsMood::Silent);
    assert_eq!(post(&app, "provision").await.status, 202);
    let refused = post(&app, "provision").await;
    let told = refused.json();
    let expected = (409, &json!("PROVISIONING"));
    assert_eq!(
        (refused.status.as_u16(), &told["onboardingStatus"]),
        expected
    );
    let mut socket = app.open(&app.admin(), STREAM).await.expect("accepted");
    assert_eq!(frame(&mut socket).await["isRunning"], true);
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_told_where_things_stand() {
    let dns = dns();
    let app = ready(&dns).await;
    dns.forget("*.lab.example.org");
    let mut socket = app.open(&app.admin(), STREAM).await.expect("accepted");
    // A failing run has two frames: these are more than wait for a watcher and fit into the pipe.
    for _ in 0..portlama_control::MAX_WAITING_FRAMES {
        assert_eq!(post(&app, "provision").await.status, 202);
        let wait = async {
            while app.control.provisioning().is_running {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("ends");
    }
    let mut states = 0;
    let read = async {
        loop {
            if frame(&mut socket).await["type"] == "state" {
                states += 1;
                if states == 2 {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("is told anew");
}

#[tokio::test]
async fn nobody_else_sees_the_first_password() {
    let dns = dns();
    let app = ready(&dns).await;
    assert_eq!(post(&app, "provision").await.status, 202);
    let wait = async {
        while app.control.provisioning_result().is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("completes");
    let agent = app.agent("attic", portlama_model::Capability::ALL).await;
    for caller in [Presented::None, app.foreign(), agent] {
        let answer = app.send(&caller, Ask::get("/api/onboarding/result")).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{answer:?}");
        assert!(!answer.text().contains("adminPassword"));
    }
}
