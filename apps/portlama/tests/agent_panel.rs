//! An agent's own panel, from the agent's API call to the admin's browser.

mod common;

use std::time::Duration;

use anyhow::Result;
use portlama_testkit::{Demo, Oracle, Origin};
use serde_json::json;

#[test]
fn an_agent_exposes_its_panel_to_the_admin_alone_and_retracts_it() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let panel = Origin::start()?;
    let oracle = Oracle::before(&demo, &[])?;
    let label = &demo.ready.agent_label;
    let identity = demo.ready.state_dir.join("agent/agents").join(label);
    let as_agent = || {
        demo.visitor()
            .identity(&identity.join("client.crt"), &identity.join("client.key"))
    };
    let body = json!({ "port": panel.port() });
    let expose = demo.api("tunnels/expose-panel");
    let without_right = as_agent().json("POST", &body).send(&expose)?;
    assert_eq!(without_right.status, 403, "{}", without_right.text());

    let rights = json!({ "capabilities": ["tunnels:read", "tunnels:write", "panel:expose"] });
    let granted = demo
        .admin()
        .json("PATCH", &rights)
        .send(&demo.api(&format!("certs/agent/{label}/capabilities")))?;
    assert_eq!(granted.status, 200, "{}", granted.text());
    let exposed = as_agent().json("POST", &body).send(&expose)?;
    assert_eq!(exposed.status, 201, "{}", exposed.text());

    let name = format!("agent-{label}");
    let url = demo.url(&name, "/bytes/7");
    let served = common::within(Duration::from_secs(15), || {
        let answer = demo.admin().send(&url).ok()?;
        (answer.status == 200).then_some(answer)
    });
    assert!(served.is_some(), "the admin gets to the panel");
    assert_eq!(as_agent().send(&url)?.status, 200);
    let requests = panel.requests();
    let stranger = demo
        .visitor()
        .options(["-H", "accept: text/html"])
        .send(&url)?;
    assert_eq!(stranger.status, 400);
    assert!(stranger.text().contains("client.p12"));
    let foreign = demo
        .admin()
        .options(["-X", "POST", "-H", "origin: https://evil.example"])
        .send(&url)?;
    assert_eq!(foreign.status, 403);
    assert_eq!(panel.requests(), requests, "nobody else got through");

    let status = as_agent().send(&demo.api("tunnels/agent-panel-status"))?;
    assert_eq!(status.json()?["port"], panel.port());
    let again = as_agent().json("POST", &body).send(&expose)?;
    assert_eq!(again.status, 409);
    assert_eq!(again.json()?["tunnel"]["subdomain"], json!(name));
    let retracted = as_agent()
        .options(["-X", "DELETE"])
        .send(&demo.api("tunnels/retract-panel"))?;
    assert_eq!(retracted.status, 200, "{}", retracted.text());
    assert!(demo.admin().send(&url).is_err(), "the name is not served");
    oracle.after(&demo)
}
