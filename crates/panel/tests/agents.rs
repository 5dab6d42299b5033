//! Enrolment and the registry, as the admin and as an agent to be.

mod support;

use http::StatusCode;
use portlama_access::Presented;
use portlama_model::Capability;
use serde_json::{Value, json};
use support::{Ask, TestApp, csr};

const ENROLL: &str = "/api/certs/agent/enroll";

#[tokio::test]
async fn a_token_is_exchanged_for_a_certificate_once() {
    let app = TestApp::completed().await;
    let body = json!({ "label": "attic", "capabilities": ["tunnels:read", "tunnels:write"] });
    let made = app.send(&app.admin(), Ask::post(ENROLL, &body)).await;
    assert_eq!(made.status, StatusCode::OK);
    let made = made.json();
    let token = made["token"].as_str().expect("a token");
    assert_eq!(token.len(), 64);
    let setup = format!("ptl1.{token}.{}", app.control.ca_fingerprint());
    assert_eq!(made["setupToken"], json!(setup));
    assert_eq!(
        (&made["ok"], &made["label"]),
        (&json!(true), &json!("attic"))
    );
    assert_eq!(made["expiresAt"], "2027-02-02T08:10:00.000Z");

    let ask = || Ask::post("/api/enroll", &json!({ "token": token, "csr": csr() }));
    let enrolled = app.send(&Presented::None, ask()).await;
    assert_eq!(enrolled.status, StatusCode::OK, "{enrolled:?}");
    let enrolled = enrolled.json();
    assert_eq!(enrolled["label"], "attic");
    assert_eq!(enrolled["caCert"], json!(app.control.ca_pem()));
    assert!(
        enrolled["cert"]
            .as_str()
            .is_some_and(|pem| pem.contains("BEGIN CERTIFICATE"))
    );

    let again = app.send(&Presented::None, ask()).await;
    assert_eq!(again.refusal(), (401, "Invalid enrollment token".into()));

    let list = app
        .send(&app.admin(), Ask::get("/api/certs/agent"))
        .await
        .json();
    let agent = &list["agents"][0];
    assert_eq!(agent["serial"], enrolled["serial"]);
    assert_eq!(
        agent["capabilities"],
        json!(["tunnels:read", "tunnels:write"])
    );
    assert_eq!(agent["enrollmentMethod"], "hardware-bound");
    for (member, value) in [
        ("revoked", json!(false)),
        ("expiringSoon", json!(false)),
        ("connected", json!(false)),
        ("connectedSince", Value::Null),
        ("allowedSites", json!([])),
    ] {
        assert_eq!(agent[member], value, "{member}");
    }
    assert!(agent.get("revokedAt").is_none());
}

#[tokio::test]
async fn a_bad_request_does_not_consume_the_token() {
    let app = TestApp::completed().await;
    let made = app
        .send(
            &app.admin(),
            Ask::post(ENROLL, &json!({ "label": "attic" })),
        )
        .await
        .json();
    let token = made["token"].as_str().expect("a token");
    let durable = app.durable();
    let forged = csr().replacen("MII", "MIJ", 1);
    let long = format!("{}{}", csr(), " ".repeat(8192));
    let cases = [
        (json!({}), 400),
        (json!({ "token": token }), 400),
        (json!({ "token": token, "csr": "x" }), 400),
        (json!({ "token": token, "csr": 5 }), 400),
        (
            json!({ "token": token, "csr": forged.replace("MIH", "MIJ") }),
            400,
        ),
        (json!({ "token": token, "csr": long }), 400),
        (
            json!({ "token": token, "csr": format!("{}{}", csr(), csr()) }),
            400,
        ),
        (
            json!({ "token": token.to_uppercase() + "0", "csr": csr() }),
            401,
        ),
        (json!({ "token": "0".repeat(64), "csr": csr() }), 401),
        (json!({ "token": "short", "csr": csr() }), 401),
        (json!({ "token": "", "csr": csr() }), 400),
    ];
    for (body, expected) in cases {
        let answer = app
            .send(&Presented::None, Ask::post("/api/enroll", &body))
            .await;
        assert_eq!(answer.status.as_u16(), expected, "{body}");
    }
    assert_eq!(app.durable(), durable);
    let good = Ask::post("/api/enroll", &json!({ "token": token, "csr": csr() }));
    assert_eq!(
        app.send(&Presented::None, good).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_pending_token_is_replaced_or_taken_back() {
    let app = TestApp::completed().await;
    let ask = || Ask::post(ENROLL, &json!({ "label": "attic" }));
    let first = app.send(&app.admin(), ask()).await.json();
    let second = app.send(&app.admin(), ask()).await.json();
    let enroll = |made: &Value| {
        Ask::post(
            "/api/enroll",
            &json!({ "token": made["token"], "csr": csr() }),
        )
    };
    let answer = app.send(&Presented::None, enroll(&first)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let cancel = || Ask::delete("/api/certs/agent/enroll/attic");
    let cancelled = app.send(&app.admin(), cancel()).await;
    assert_eq!(cancelled.json(), json!({ "ok": true, "revoked": true }));
    let again = app.send(&app.admin(), cancel()).await;
    assert_eq!(again.json(), json!({ "ok": true, "revoked": false }));
    let answer = app.send(&Presented::None, enroll(&second)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_live_label_is_a_conflict_and_a_revoked_one_is_free() {
    let app = TestApp::completed().await;
    app.agent("attic", &[Capability::TunnelsRead]).await;
    let ask = || Ask::post(ENROLL, &json!({ "label": "attic" }));
    assert_eq!(
        app.send(&app.admin(), ask()).await.status,
        StatusCode::CONFLICT
    );
    app.revoke("attic").await;
    assert_eq!(app.send(&app.admin(), ask()).await.status, StatusCode::OK);
    app.agent("attic", &[Capability::TunnelsRead]).await;
    let list = app
        .send(&app.admin(), Ask::get("/api/certs/agent"))
        .await
        .json();
    let revoked: Vec<_> = list["agents"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|a| &a["revoked"])
        .collect();
    assert_eq!(revoked, [&json!(true), &json!(false)]);
    assert_eq!(list["agents"][0]["revokedAt"], "2027-02-02T08:00:00.000Z");
}

#[tokio::test]
async fn enrolments_with_bad_fields_are_refused() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    for body in [
        json!({}),
        json!({ "label": "-a" }),
        json!({ "label": "Attic" }),
        json!({ "label": "enroll" }),
        json!({ "label": "a".repeat(51) }),
        json!({ "label": "attic", "capabilities": ["tunnels:write"] }),
        json!({ "label": "attic", "capabilities": ["tunnels:read", "moon:land"] }),
        json!({ "label": "attic", "capabilities": "tunnels:read" }),
        json!({ "label": "attic", "allowedSites": ["A B"] }),
    ] {
        let answer = app.send(&app.admin(), Ask::post(ENROLL, &body)).await;
        assert_eq!(
            answer.refusal(),
            (400, "Validation failed".into()),
            "{body}"
        );
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn rights_are_replaced_and_tunnels_read_is_put_back() {
    let app = TestApp::completed().await;
    app.agent("attic", &[Capability::TunnelsRead]).await;
    let path = "/api/certs/agent/attic/capabilities";
    let change = json!({ "capabilities": ["tunnels:write"] });
    let answer = app.send(&app.admin(), Ask::patch(path, &change)).await;
    let rights = json!(["tunnels:read", "tunnels:write"]);
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "label": "attic", "capabilities": rights })
    );
    let unknown = json!({ "capabilities": ["moon:land"] });
    let answer = app.send(&app.admin(), Ask::patch(path, &unknown)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn labels_in_paths_are_unknown_when_well_formed_and_refused_when_not() {
    let app = TestApp::completed().await;
    for (label, expected) in [
        ("nobody", 404),
        ("plugin-agent:attic:x", 404),
        (&*"a".repeat(150), 404),
        (&*"a".repeat(151), 400),
        ("-a", 400),
        ("A", 400),
        ("a%2Fb", 400),
    ] {
        let answer = app
            .send(
                &app.admin(),
                Ask::delete(&format!("/api/certs/agent/{label}")),
            )
            .await;
        assert_eq!(answer.status.as_u16(), expected, "{label}");
    }
}

/// An adopted server may have an agent whose label is a word of another path.
#[tokio::test]
async fn an_agent_called_like_another_path_is_reached_by_the_methods_that_path_lacks() {
    let app = TestApp::completed().await;
    for label in ["enroll", "revoke-self", "upgrade-cert"] {
        let path = format!("/api/certs/agent/{label}");
        let body = json!({ "capabilities": ["tunnels:read"] });
        for ask in [
            Ask::delete(&path),
            Ask::patch(&format!("{path}/capabilities"), &body),
            Ask::patch(
                &format!("{path}/allowed-sites"),
                &json!({ "allowedSites": [] }),
            ),
            Ask::get(&format!("{path}/download")),
        ] {
            let answer = app.send(&app.admin(), ask).await;
            assert_eq!(answer.refusal().0, 404, "{label} {answer:?}");
        }
        // What is fixed still wins.
        let refused = app.send(&app.admin(), Ask::post(&path, &json!({}))).await;
        assert_ne!(refused.status, StatusCode::NOT_FOUND, "{label}");
        let refused = app.send(&app.admin(), Ask::put(&path, &json!({}))).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.header("allow"), "POST, DELETE");
    }
}

#[tokio::test]
async fn no_token_waits_for_a_label_of_another_version() {
    let app = TestApp::completed().await;
    for label in ["a:b", "attic", &"a".repeat(150)] {
        let path = format!("{ENROLL}/{label}");
        let answer = app.send(&app.admin(), Ask::delete(&path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{label}");
        assert_eq!(answer.json(), json!({ "ok": true, "revoked": false }));
    }
    for label in ["A", "-a", &"a".repeat(151)] {
        let path = format!("{ENROLL}/{label}");
        let answer = app.send(&app.admin(), Ask::delete(&path)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{label}");
    }
}
