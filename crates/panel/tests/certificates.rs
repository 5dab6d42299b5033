//! `/api/certs`: the list, the admin's certificate, agents with files and with keys of their own.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, StatusCode};
use portlama_access::Presented;
use portlama_model::Capability;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use support::{Ask, TestApp, csr};

const ROTATE: &str = "/api/certs/mtls/rotate";
const DOWNLOAD: &str = "/api/certs/mtls/download";
const UPGRADE_ADMIN: &str = "/api/certs/admin/upgrade-to-hardware-bound";
const UPGRADE: &str = "/api/certs/agent/upgrade-cert";

fn rotate() -> Ask {
    Ask::new(Method::POST, ROTATE)
}

impl TestApp {
    /// Whoever holds the certificate in `answer.cert`.
    fn holder(&self, answer: &Value) -> Presented {
        let pem = answer["cert"].as_str().expect("a certificate");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        let trust = self.control.live().client_trust();
        Presented::Client(trust.verify(&[der]).expect("ours"))
    }

    async fn auth_mode(&self, who: &Presented) -> Value {
        let answer = self.send(who, Ask::get("/api/certs/admin/auth-mode")).await;
        answer.json()["adminAuthMode"].clone()
    }
}

#[tokio::test]
async fn the_list_is_in_the_shape_of_the_reference() {
    let app = TestApp::completed().await;
    let list = app.send(&app.admin(), Ask::get("/api/certs")).await.json();
    let certs = list["certs"].as_array().expect("a list");
    let kinds: Vec<_> = certs.iter().map(|cert| &cert["type"]).collect();
    assert_eq!(
        kinds,
        ["internal", "internal", "internal", "mtls-client", "mtls-ca"]
    );
    // Made thirty days ago: a host's 90 days, the admin's 730, the authority's 3650.
    let [host, .., client, ca] = &certs[..] else {
        panic!("{list}");
    };
    assert_eq!(
        (&host["domain"], &client["domain"], &ca["domain"]),
        (&json!("auth.lab.example.org"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        [host, client, ca].map(|cert| cert["daysUntilExpiry"].as_i64()),
        [Some(59), Some(699), Some(3619)]
    );
    assert_eq!(host["expiringSoon"], false);
    let path = ca["path"].as_str().expect("a path");
    assert!(path.ends_with("/pki/ca.crt"), "{path}");
}

#[tokio::test]
async fn a_rotation_answers_with_a_file_that_is_also_for_download() {
    let app = TestApp::completed().await;
    assert_eq!(app.auth_mode(&app.admin()).await, "p12");
    let answer = app.send(&app.admin(), rotate()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let rotated = answer.json();
    let password = rotated["p12Password"].as_str().expect("a password");
    assert!(password.len() == 32 && password.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(rotated["ok"], true);
    assert_eq!(rotated["expiresAt"], "2029-02-01T07:55:00.000Z");
    let warning = rotated["warning"].as_str().expect("a warning");
    assert!(warning.contains("five minutes"), "{warning}");

    let file = app.send(&app.admin(), Ask::get(DOWNLOAD)).await;
    assert_eq!(file.header("content-type"), "application/x-pkcs12");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"client.p12\""
    );
    assert_eq!(file.header("cache-control"), "no-store");
    assert_eq!(json!(BASE64.encode(&file.body)), rotated["p12"]);
    let head = app
        .send(&app.admin(), Ask::new(Method::HEAD, DOWNLOAD))
        .await;
    assert!(head.status == StatusCode::OK && head.body.is_empty());
}

#[tokio::test]
async fn the_body_of_a_rotation_may_be_left_out_and_nothing_else() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    for (ask, expected) in [
        (rotate().json(&json!({ "revokeNow": "yes" })), 400),
        (rotate().json(&json!({ "revokeNow": null })), 400),
        (rotate().json(&json!([])), 400),
        (rotate().header("content-type", "application/json"), 400),
        (rotate().raw("revokeNow=true"), 415),
        (rotate().header("content-type", "text/plain"), 415),
    ] {
        let answer = app.send(&app.admin(), ask).await;
        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
    assert_eq!(app.durable(), durable);
    let empty = app.send(&app.admin(), rotate().json(&json!({}))).await;
    assert_eq!(empty.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stolen_certificate_ends_with_the_answer() {
    let app = TestApp::completed().await;
    let ask = rotate().json(&json!({ "revokeNow": true }));
    let answer = app.send(&app.admin(), ask).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json()["p12"].is_string());
    let late = app.send(&app.admin(), Ask::get("/api/certs")).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert_eq!(late.json()["details"]["certificate"], "revoked");
}

#[tokio::test]
async fn a_key_of_the_admins_own_locks_the_functions_of_the_file() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    for body in [
        json!({}),
        json!({ "csr": 5 }),
        json!({ "csr": "x" }),
        json!({ "csr": csr().replacen("MII", "MIJ", 1) + &csr() }),
        json!({ "csr": csr() + &" ".repeat(8192) }),
    ] {
        let answer = app
            .send(&app.admin(), Ask::post(UPGRADE_ADMIN, &body))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(app.durable(), durable);

    let upgrade = || Ask::post(UPGRADE_ADMIN, &json!({ "csr": csr() }));
    let answer = app.send(&app.admin(), upgrade()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let signed = answer.json();
    assert_eq!(signed["caCert"], json!(app.control.ca_pem()));
    let own = app.holder(&signed);
    assert_eq!(app.auth_mode(&own).await, "hardware-bound");
    assert_eq!(
        app.send(&app.admin(), rotate()).await.status,
        StatusCode::FORBIDDEN
    );
    for ask in [rotate(), Ask::get(DOWNLOAD)] {
        let answer = app.send(&own, ask).await;
        assert_eq!(answer.status, StatusCode::GONE);
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(app.send(&own, upgrade()).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_agents_file_is_for_download_until_it_is_revoked() {
    let app = TestApp::completed().await;
    let body = json!({ "label": "attic", "allowedSites": ["handbook"] });
    let create = || Ask::post("/api/certs/agent", &body);
    let made = app.send(&app.admin(), create()).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let made = made.json();
    assert_eq!(made["p12Password"].as_str().map(str::len), Some(32));
    assert_eq!(made["label"], "attic");
    assert_eq!(
        app.send(&app.admin(), create()).await.status,
        StatusCode::CONFLICT
    );

    let list = app.send(&app.admin(), Ask::get("/api/certs/agent")).await;
    assert!(!list.text().contains("p12Password"));
    let agent = &list.json()["agents"][0];
    assert_eq!(
        (&agent["serial"], &agent["enrollmentMethod"]),
        (&made["serial"], &json!("p12"))
    );
    assert_eq!(agent["allowedSites"], json!(["handbook"]));
    assert_eq!(agent["capabilities"], json!(["tunnels:read"]));

    let download = |label: &str| Ask::get(&format!("/api/certs/agent/{label}/download"));
    let file = app.send(&app.admin(), download("attic")).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.header("content-type"), "application/x-pkcs12");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"attic.p12\""
    );
    app.agent("cellar", &[Capability::TunnelsRead]).await;
    for (label, expected) in [
        ("cellar", 404),
        ("nobody", 404),
        ("A", 400),
        ("a%2F..", 400),
    ] {
        let answer = app.send(&app.admin(), download(label)).await;
        assert_eq!(answer.status.as_u16(), expected, "{label}");
    }
    app.revoke("attic").await;
    let gone = app.send(&app.admin(), download("attic")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(
        app.send(&app.admin(), create()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn words_of_the_paths_are_no_agents() {
    let app = TestApp::completed().await;
    for label in ["enroll", "revoke-self", "upgrade-cert"] {
        let ask = Ask::post("/api/certs/agent", &json!({ "label": label }));
        assert_eq!(app.send(&app.admin(), ask).await.status.as_u16(), 400);
        let ask = Ask::get(&format!("/api/certs/agent/{label}"));
        let answer = app.send(&app.admin(), ask).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
    let answer = app
        .send(&app.admin(), Ask::delete("/api/certs/agent/upgrade-cert"))
        .await;
    // An adopted agent may have the name, so it can be revoked; here there is none.
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agent_moves_to_a_key_of_its_own() {
    let app = TestApp::completed().await;
    let agent = app
        .agent("attic", &[Capability::TunnelsRead, Capability::SitesRead])
        .await;
    let upgrade = || Ask::post(UPGRADE, &json!({ "csr": csr() }));
    let lost = app.send(&agent, upgrade()).await;
    assert_eq!(lost.status, StatusCode::OK, "{lost:?}");
    // Nobody read the answer: the agent asks again, and goes on with its old key meanwhile.
    let signed = app.send(&agent, upgrade()).await;
    assert_eq!(signed.status, StatusCode::OK, "{signed:?}");
    let new = app.holder(&signed.json());
    let tunnels = || Ask::get("/api/tunnels");
    for who in [&agent, &new, &agent] {
        assert_eq!(app.send(who, tunnels()).await.status, StatusCode::OK);
    }
    let lost = app.holder(&lost.json());
    assert_eq!(
        app.send(&lost, tunnels()).await.status,
        StatusCode::FORBIDDEN
    );
    let late = app.send(&agent, upgrade()).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN, "the new one is in use");
    app.control.settle_rotation().await;
    let list = app
        .send(&app.admin(), Ask::get("/api/certs/agent"))
        .await
        .json();
    assert_eq!(list["agents"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["agents"][0]["serial"], signed.json()["serial"]);
    assert_eq!(list["agents"][0]["expiresAt"], signed.json()["expiresAt"]);
    assert_eq!(
        list["agents"][0]["capabilities"],
        json!(["tunnels:read", "sites:read"])
    );
}

#[tokio::test]
async fn sites_of_an_agent_are_replaced() {
    let app = TestApp::completed().await;
    app.agent("attic", &[Capability::TunnelsRead]).await;
    let path = "/api/certs/agent/attic/allowed-sites";
    let long = "a".repeat(100);
    let sites = json!({ "allowedSites": ["handbook", long] });
    let answer = app.send(&app.admin(), Ask::patch(path, &sites)).await;
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "label": "attic", "allowedSites": ["handbook", long] })
    );
    for bad in [
        json!({}),
        json!({ "allowedSites": "handbook" }),
        json!({ "allowedSites": ["A B"] }),
        json!({ "allowedSites": ["../x"] }),
        json!({ "allowedSites": ["a".repeat(101)] }),
    ] {
        let answer = app.send(&app.admin(), Ask::patch(path, &bad)).await;
        assert_eq!(answer.refusal(), (400, "Validation failed".into()), "{bad}");
    }
    let unknown = path.replace("attic", "nobody");
    let answer = app.send(&app.admin(), Ask::patch(&unknown, &sites)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agent_that_goes_takes_its_certificate_along() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[Capability::TunnelsRead]).await;
    let go = |label: &str| Ask::post("/api/certs/agent/revoke-self", &json!({ "label": label }));
    let refused = app.send(&agent, go("shed")).await;
    assert_eq!(refused.refusal().0, 400, "{refused:?}");
    let gone = app.send(&agent, go("attic")).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert_eq!(gone.json(), json!({ "ok": true, "label": "attic" }));
    let late = app.send(&agent, Ask::get("/api/tunnels")).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    let audit = app.send(&app.admin(), Ask::get("/api/audit")).await.json();
    let row = &audit["entries"][0];
    assert_eq!(
        (&row["action"], &row["identity"], &row["target"]),
        (
            &json!("agent.revoke"),
            &json!("agent:attic"),
            &json!("attic")
        ),
        "{audit}"
    );
}
