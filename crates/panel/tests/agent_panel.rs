//! `/api/tunnels/*-panel*`, panel tunnels among the others, and the launchd job.

mod support;

use http::StatusCode;
use portlama_access::Presented;
use portlama_model::Capability::{PanelExpose, TunnelsRead, TunnelsWrite};
use serde_json::{Value, json};
use support::{Answer, Ask, TestApp};

const EXPOSE: &str = "/api/tunnels/expose-panel";
const RETRACT: &str = "/api/tunnels/retract-panel";
const STATUS: &str = "/api/tunnels/agent-panel-status";
const TUNNELS: &str = "/api/tunnels";

async fn post(app: &TestApp, caller: &Presented, path: &str, body: Value) -> Answer {
    app.send(caller, Ask::post(path, &body)).await
}

#[tokio::test]
async fn an_agent_exposes_sees_and_retracts_its_own_panel() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[TunnelsRead, PanelExpose]).await;
    let none = json!({ "enabled": false, "fqdn": null, "port": null });
    assert_eq!(app.send(&agent, Ask::get(STATUS)).await.json(), none);

    let made = post(&app, &agent, EXPOSE, json!({ "port": 9393 })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let tunnel = made.json()["tunnel"].clone();
    assert_eq!(tunnel["fqdn"], "agent-attic.lab.example.org");
    assert_eq!(
        (&tunnel["type"], &tunnel["agentLabel"]),
        (&json!("panel"), &json!("attic"))
    );
    assert_eq!(tunnel.get("accessMode"), None);
    let status = app.send(&agent, Ask::get(STATUS)).await.json();
    let exposed = json!({ "enabled": true, "fqdn": "agent-attic.lab.example.org", "port": 9393 });
    assert_eq!(status, exposed);
    // The admin has no panel of that kind.
    assert_eq!(app.send(&app.admin(), Ask::get(STATUS)).await.json(), none);
    let config = app
        .send(&agent, Ask::get("/api/tunnels/agent-config"))
        .await;
    assert_eq!(config.json()["tunnels"][0]["port"], 9393);

    let again = post(&app, &agent, EXPOSE, json!({ "port": 9394 })).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.json()["tunnel"]["id"], tunnel["id"]);

    let gone = app.send(&agent, Ask::delete(RETRACT)).await;
    assert_eq!(
        (gone.status, gone.json()),
        (StatusCode::OK, json!({ "ok": true }))
    );
    let twice = app.send(&agent, Ask::delete(RETRACT)).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    assert_eq!(app.send(&agent, Ask::get(STATUS)).await.json(), none);
}

#[tokio::test]
async fn exposing_needs_an_agent_its_right_and_a_free_name_and_port() {
    let app = TestApp::completed().await;
    let rights = [TunnelsRead, TunnelsWrite, PanelExpose];
    let agent = app.agent("attic", &rights).await;
    let durable = app.durable();
    for caller in [app.admin(), agent.clone()] {
        for body in [json!({}), json!({ "port": 80 }), json!({ "port": "9393" })] {
            let answer = post(&app, &caller, EXPOSE, body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
    }
    let admin = post(&app, &app.admin(), EXPOSE, json!({ "port": 9393 })).await;
    assert_eq!(admin.refusal().0, 400);
    let admin = app.send(&app.admin(), Ask::delete(RETRACT)).await;
    assert_eq!(admin.refusal().0, 400);
    assert_eq!(app.durable(), durable);

    let app_tunnel = json!({ "subdomain": "wiki", "port": 9393 });
    assert_eq!(
        post(&app, &agent, TUNNELS, app_tunnel).await.status,
        StatusCode::CREATED
    );
    let taken = post(&app, &agent, EXPOSE, json!({ "port": 9393 })).await;
    assert_eq!(taken.refusal().0, 400, "{}", taken.text());
    let hyphen = app.agent("attic-", &rights).await;
    let unnamed = post(&app, &hyphen, EXPOSE, json!({ "port": 9393 })).await;
    assert_eq!(unnamed.refusal().0, 400, "{}", unnamed.text());
}

#[tokio::test]
async fn a_panel_tunnel_made_like_the_others_obeys_the_same_rules() {
    let app = TestApp::completed().await;
    let may = app
        .agent("attic", &[TunnelsRead, TunnelsWrite, PanelExpose])
        .await;
    let may_not = app.agent("cellar", &[TunnelsRead, TunnelsWrite]).await;
    let panel = |name: &str| json!({ "subdomain": name, "port": 9393, "type": "panel" });
    for (caller, body, status) in [
        (&may_not, panel("agent-cellar"), 403),
        (&may, panel("agent-cellar"), 403),
        (&may, panel("backstage"), 403),
        (&may, panel("panel"), 400),
        (
            &may,
            json!({ "subdomain": "agent-attic", "port": 9393 }),
            400,
        ),
        (
            &may,
            json!({ "subdomain": "x", "port": 9393, "type": "plugin" }),
            400,
        ),
        (
            &app.admin(),
            json!({ "subdomain": "agent-cellar", "port": 9393, "type": "panel", "agentLabel": "attic" }),
            400,
        ),
    ] {
        let answer = post(&app, caller, TUNNELS, body.clone()).await;
        assert_eq!(answer.refusal().0, status, "{body} {}", answer.text());
    }
    let made = post(&app, &may, TUNNELS, panel("agent-attic")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["tunnel"].get("accessMode"), None);
    let id = made.json()["tunnel"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("{TUNNELS}/{id}");

    for change in [
        json!({ "accessMode": "public" }),
        json!({ "agentLabel": "cellar" }),
        json!({ "allowCrossSite": true }),
    ] {
        let answer = app.send(&app.admin(), Ask::patch(&path, &change)).await;
        assert_eq!(answer.refusal().0, 400, "{change}");
    }
    let off = Ask::patch(&path, &json!({ "enabled": false }));
    assert_eq!(app.send(&may, off).await.status, StatusCode::OK);
    let status = app.send(&may, Ask::get(STATUS)).await.json();
    assert_eq!(
        (&status["enabled"], &status["port"]),
        (&json!(false), &json!(9393))
    );

    // Without the right of panels the right of tunnels is not enough.
    let capabilities = json!({ "capabilities": ["tunnels:read", "tunnels:write"] });
    let taken = Ask::patch("/api/certs/agent/attic/capabilities", &capabilities);
    assert_eq!(app.send(&app.admin(), taken).await.status, StatusCode::OK);
    for ask in [
        Ask::patch(&path, &json!({ "enabled": true })),
        Ask::delete(&path),
    ] {
        assert_eq!(app.send(&may, ask).await.refusal().0, 403);
    }
    assert_eq!(
        app.send(&app.admin(), Ask::delete(&path)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_mac_gets_its_launchd_job() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[TunnelsRead]).await;
    let path = "/api/tunnels/mac-plist";
    for (caller, name) in [
        (&agent, "com.portlama.agent-attic"),
        (&app.admin(), "com.portlama.agent"),
    ] {
        let file = app.send(caller, Ask::get(path)).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.header("content-type"), "application/x-plist");
        let disposition = format!("attachment; filename=\"{name}.plist\"");
        assert_eq!(file.header("content-disposition"), disposition);
        assert!(file.text().contains(&format!("<string>{name}</string>")));
        let json = app
            .send(caller, Ask::get("/api/tunnels/mac-plist?format=json"))
            .await
            .json();
        assert_eq!(json["plist"], file.text());
        for key in [
            "download",
            "install",
            "uninstall",
            "logs",
            "status",
            "prerequisite",
        ] {
            assert!(json["instructions"][key].is_string(), "{key}");
        }
    }
    for query in ["format=xml", "format=json&format=json", "format="] {
        let answer = app.send(&agent, Ask::get(&format!("{path}?{query}"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}
