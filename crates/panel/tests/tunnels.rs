//! `/api/tunnels`: shapes, statuses, and whose tunnel it is.

mod support;

use http::StatusCode;
use portlama_access::Presented;
use portlama_model::Capability::{TunnelsRead, TunnelsWrite};
use serde_json::{Value, json};
use support::{Ask, TestApp};

const PATH: &str = "/api/tunnels";

#[tokio::test]
async fn a_new_tunnel_is_shut_and_has_the_documented_shape() {
    let app = TestApp::completed().await;
    app.agent("attic", &[TunnelsRead]).await;
    let body = json!({ "subdomain": "wiki", "port": 8400, "description": "" });
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let mut answer = answer.json();
    let id = answer["tunnel"]["id"].take();
    assert!(id.as_str().is_some_and(|id| id.len() == 36), "{id}");
    for observed in ["status", "statusDetail"] {
        answer["tunnel"][observed].take();
    }
    assert_eq!(
        answer,
        json!({ "ok": true, "tunnel": {
            "id": null, "subdomain": "wiki", "fqdn": "wiki.lab.example.org", "port": 8400,
            "description": null, "type": "app", "accessMode": "authenticated",
            "agentLabel": "attic", "enabled": true, "createdAt": "2027-02-02T08:00:00.000Z",
            "originScheme": "http", "hostHeader": "public", "originTlsVerify": true,
            "allowCrossSite": false, "status": null, "statusSince": "2027-02-02T08:00:00.000Z",
            "statusDetail": null, "traffic": { "bytesIn": 0, "bytesOut": 0, "requests": 0 },
        } })
    );
}

#[tokio::test]
async fn tunnels_are_listed_newest_first_changed_and_deleted() {
    let app = TestApp::completed().await;
    for (name, port) in [("one", 8401), ("two", 8402)] {
        create(&app, json!({ "subdomain": name, "port": port })).await;
    }
    let list = app.send(&app.admin(), Ask::get(PATH)).await.json();
    let names: Vec<_> = list["tunnels"].as_array().into_iter().flatten().collect();
    assert_eq!(
        (&names[0]["subdomain"], &names[1]["subdomain"]),
        (&json!("two"), &json!("one"))
    );

    let path = format!("{PATH}/{}", names[0]["id"].as_str().expect("an id"));
    let change = json!({ "enabled": false, "description": "kept for later" });
    let changed = app.send(&app.admin(), Ask::patch(&path, &change)).await;
    assert_eq!(changed.status, StatusCode::OK);
    let changed = changed.json();
    assert_eq!(
        (&changed["ok"], &changed["tunnel"]["enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(changed["tunnel"]["status"], "disabled");
    assert_eq!(changed["tunnel"]["description"], "kept for later");

    let deleted = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(
        (deleted.status, deleted.json()),
        (StatusCode::OK, json!({ "ok": true }))
    );
    let again = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(again.refusal(), (404, "Tunnel not found".into()));
}

#[tokio::test]
async fn names_and_ports_that_are_taken_or_kept_are_400() {
    let app = TestApp::completed().await;
    create(&app, json!({ "subdomain": "wiki", "port": 8400 })).await;
    let durable = app.durable();
    for (body, word) in [
        (
            json!({ "subdomain": "wiki", "port": 8401 }),
            "subdomain is in use",
        ),
        (
            json!({ "subdomain": "blog", "port": 8400 }),
            "port is in use",
        ),
        (json!({ "subdomain": "panel", "port": 8401 }), "reserved"),
        (json!({ "subdomain": "api", "port": 8401 }), "reserved"),
        (json!({ "subdomain": "agent-x", "port": 8401 }), "agent-"),
        (
            json!({ "subdomain": "blog", "port": 8401, "accessMode": "restricted" }),
            "grants",
        ),
        (
            json!({ "subdomain": "blog", "port": 8401, "agentLabel": "nobody" }),
            "nobody",
        ),
    ] {
        let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
        let (status, error) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn an_agent_changes_its_own_tunnels_only() {
    let app = TestApp::completed().await;
    let owner = app.agent("attic", &[TunnelsRead, TunnelsWrite]).await;
    let other = app.agent("cellar", &[TunnelsRead, TunnelsWrite]).await;
    let body = json!({ "subdomain": "wiki", "port": 8400 });
    let made = app.send(&owner, Ask::post(PATH, &body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json()["tunnel"]["agentLabel"], "attic");
    let path = format!(
        "{PATH}/{}",
        made.json()["tunnel"]["id"].as_str().expect("an id")
    );

    let durable = app.durable();
    for (ask, expected) in [
        (Ask::patch(&path, &json!({ "enabled": false })), 403),
        (Ask::delete(&path), 403),
        (
            Ask::post(
                PATH,
                &json!({ "subdomain": "b", "port": 8400, "agentLabel": "attic" }),
            ),
            403,
        ),
        (
            Ask::post(
                PATH,
                &json!({ "subdomain": "b", "port": 8400, "accessMode": "public" }),
            ),
            403,
        ),
    ] {
        assert_eq!(app.send(&other, ask).await.status.as_u16(), expected);
    }
    for change in [
        json!({ "accessMode": "public" }),
        json!({ "agentLabel": "cellar" }),
    ] {
        let answer = app.send(&owner, Ask::patch(&path, &change)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{change}");
    }
    assert_eq!(app.durable(), durable);
    let answer = app
        .send(&owner, Ask::patch(&path, &json!({ "enabled": false })))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        app.send(&owner, Ask::delete(&path)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_port_of_one_agent_is_free_at_another() {
    let app = TestApp::completed().await;
    app.agent("attic", &[TunnelsRead]).await;
    app.agent("cellar", &[TunnelsRead]).await;
    let unclear = json!({ "subdomain": "wiki", "port": 8400 });
    assert_eq!(
        app.send(&app.admin(), Ask::post(PATH, &unclear))
            .await
            .status
            .as_u16(),
        400
    );
    for (name, agent) in [("wiki", "attic"), ("blog", "cellar")] {
        create(
            &app,
            json!({ "subdomain": name, "port": 8400, "agentLabel": agent }),
        )
        .await;
    }
}

#[tokio::test]
async fn an_agents_configuration_holds_its_own_enabled_tunnels() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[TunnelsRead]).await;
    app.agent("cellar", &[TunnelsRead]).await;
    let mine = json!({ "subdomain": "wiki", "port": 8400, "agentLabel": "attic", "originScheme": "https",
        "hostHeader": "local", "originTlsVerify": false });
    let mine = create(&app, mine).await;
    create(
        &app,
        json!({ "subdomain": "blog", "port": 8401, "agentLabel": "cellar" }),
    )
    .await;
    let off = json!({ "subdomain": "off", "port": 8402, "agentLabel": "attic" });
    let off = create(&app, off).await["id"].take();
    let path = format!("{PATH}/{}", off.as_str().expect("an id"));
    app.send(
        &app.admin(),
        Ask::patch(&path, &json!({ "enabled": false })),
    )
    .await;

    let config = app
        .send(&agent, Ask::get("/api/tunnels/agent-config"))
        .await;
    assert_eq!(
        config.json(),
        json!({
            "domain": "lab.example.org",
            "chiselServerUrl": "https://tunnel.lab.example.org:443",
            "chiselArgs": [],
            "tunnelServer": { "host": "tunnel.lab.example.org", "port": 443 },
            "tunnels": [{ "id": mine["id"], "port": 8400, "subdomain": "wiki",
                "fqdn": "wiki.lab.example.org", "originScheme": "https", "hostHeader": "local",
                "originTlsVerify": false }],
        })
    );
}

#[tokio::test]
async fn ids_are_uuids_with_hyphens() {
    let app = TestApp::completed().await;
    let nil = "00000000-0000-0000-0000-000000000000";
    let unknown = app
        .send(&app.admin(), Ask::delete(&format!("{PATH}/{nil}")))
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for bad in [
        "x",
        "00000000000000000000000000000000",
        "%7B00000000-0000-0000-0000-000000000000%7D",
        "..%2fusers",
    ] {
        let answer = app
            .send(&app.admin(), Ask::delete(&format!("{PATH}/{bad}")))
            .await;
        assert_eq!(answer.refusal(), (400, "Validation failed".into()), "{bad}");
    }
    for (caller, error) in [
        (app.admin(), "Validation failed"),
        (Presented::None, "A client certificate is required"),
    ] {
        let mangled = app.send(&caller, Ask::delete(&format!("{PATH}/%ff"))).await;
        assert_eq!(mangled.refusal(), (400, error.into()));
    }
}

#[tokio::test]
async fn fifty_creations_of_one_name_at_once_make_one() {
    let app = TestApp::completed().await;
    let admin = app.admin();
    let body = json!({ "subdomain": "wiki", "port": 8400 });
    let asked = (0..50).map(|_| app.send(&admin, Ask::post(PATH, &body)));
    let answers = futures_util::future::join_all(asked).await;
    let made = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(made.count(), 1);
    let refused = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::BAD_REQUEST);
    assert_eq!(refused.count(), 49);
    let list = app.send(&admin, Ask::get(PATH)).await.json();
    assert_eq!(list["tunnels"].as_array().map(Vec::len), Some(1));
}

async fn create(app: &TestApp, body: Value) -> Value {
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()["tunnel"].take()
}
