//! Frames in a WebSocket, where a middlebox opens TLS.

mod common;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use portlama_testkit::{Demo, Origin};
use serde_json::json;

/// An agent of its own beside the demo's, stopped when dropped.
struct Agent {
    child: Child,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn portlama(demo: &Demo) -> Command {
    let mut command = Command::new(common::binary());
    command
        .env("PORTLAMA_HOME", demo.file("home"))
        .stdin(Stdio::null());
    command
}

#[test]
fn an_agent_serves_through_a_websocket() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    let enrolment = demo
        .admin()
        .json(
            "POST",
            &json!({"label": "attic-nas", "capabilities": ["tunnels:read", "tunnels:write"]}),
        )
        .send(&demo.api("certs/agent/enroll"))?;
    let token = enrolment.json()?["setupToken"]
        .as_str()
        .context("a token")?
        .to_owned();
    let setup = portlama(&demo)
        .args([
            "agent",
            "setup",
            "--no-service",
            "--transport",
            "websocket",
            "--panel-url",
            &demo.ready.panel_url,
        ])
        .env("PORTLAMA_ENROLLMENT_TOKEN", &token)
        .output()?;
    assert!(
        setup.status.success(),
        "{}",
        String::from_utf8_lossy(&setup.stderr)
    );
    assert!(!String::from_utf8_lossy(&setup.stderr).contains(&token));

    let log = std::fs::File::create(demo.file("agent.log"))?;
    let child = portlama(&demo).args(["agent", "run"]).stderr(log).spawn()?;
    let _agent = Agent { child };
    let add = portlama(&demo)
        .args([
            "agent",
            "tunnel",
            "add",
            "attic",
            &origin.port().to_string(),
        ])
        .output()?;
    assert!(
        add.status.success(),
        "{}",
        String::from_utf8_lossy(&add.stderr)
    );

    let connected = common::within(Duration::from_secs(15), || {
        let status = portlama(&demo)
            .args(["agent", "status", "--json"])
            .output()
            .ok()?;
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
        status.to_string().contains("websocket").then_some(())
    });
    let log = || std::fs::read_to_string(demo.file("agent.log")).unwrap_or_default();
    assert!(
        connected.is_some(),
        "not connected through a WebSocket\n{}",
        log()
    );
    demo.sign_in("jar")?;
    let served = common::within(Duration::from_secs(15), || {
        let answer = demo
            .visitor_with_jar("jar")
            .follow()
            .send(&demo.url("attic", "/bytes/300000"))
            .ok()?;
        (answer.status == 200 && answer.body.len() == 300_000).then_some(())
    });
    assert!(served.is_some(), "not served\n{}", log());
    Ok(())
}

#[test]
fn a_port_outside_the_agents_list_stays_shut_until_it_is_allowed_at_home() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    let enrolment = demo
        .admin()
        .json("POST", &json!({"label": "attic-nas"}))
        .send(&demo.api("certs/agent/enroll"))?;
    let token = enrolment.json()?["setupToken"]
        .as_str()
        .context("a token")?
        .to_owned();
    let setup = portlama(&demo)
        .args([
            "agent",
            "setup",
            "--no-service",
            "--panel-url",
            &demo.ready.panel_url,
        ])
        .env("PORTLAMA_ENROLLMENT_TOKEN", &token)
        .output()?;
    assert!(
        setup.status.success(),
        "{}",
        String::from_utf8_lossy(&setup.stderr)
    );
    let child = portlama(&demo)
        .args(["agent", "run"])
        .stderr(Stdio::null())
        .spawn()?;
    let _agent = Agent { child };

    let body = json!({"subdomain": "attic", "port": origin.port(), "accessMode": "public", "agentLabel": "attic-nas"});
    let made = demo
        .admin()
        .json("POST", &body)
        .send(&demo.api("tunnels"))?;
    assert_eq!(made.status, 201, "{}", made.text());
    let status = || {
        let tunnels = demo.admin().send(&demo.api("tunnels")).ok()?.json().ok()?;
        let all = tunnels["tunnels"].as_array()?.clone();
        Some(
            all.into_iter().find(|t| t["subdomain"] == "attic")?["status"]
                .as_str()?
                .to_owned(),
        )
    };
    let limit = Duration::from_secs(15);
    common::within(limit, || (status()? == "not_allowed_at_home").then_some(()))
        .expect("seen as not allowed");
    let refused = demo.visitor().send(&demo.url("attic", "/bytes/1"))?;
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert_eq!(origin.requests(), 0, "nothing reached the service");

    let port = origin.port().to_string();
    let allow = portlama(&demo).args(["agent", "allow", &port]).output()?;
    assert!(
        allow.status.success(),
        "{}",
        String::from_utf8_lossy(&allow.stderr)
    );
    common::within(limit, || (status()? == "serving").then_some(())).expect("served once allowed");
    assert_eq!(
        demo.visitor()
            .send(&demo.url("attic", "/bytes/5"))?
            .body
            .len(),
        5
    );

    let deny = portlama(&demo).args(["agent", "deny", &port]).output()?;
    assert!(
        deny.status.success(),
        "{}",
        String::from_utf8_lossy(&deny.stderr)
    );
    let refused = demo.visitor().send(&demo.url("attic", "/bytes/1"))?;
    assert_eq!(refused.status, 502, "denied at once: {}", refused.text());
    Ok(())
}
