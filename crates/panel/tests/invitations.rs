//! `/api/invitations`, `/api/invite` and what the audit tells of them.

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use portlama_access::Presented;
use serde_json::{Value, json};
use support::{Answer, Ask, TestApp};

const PATH: &str = "/api/invitations";
const PASSWORD: &str = "correct horse battery";

fn mira() -> Value {
    json!({ "username": "mira", "email": "mira@example.org", "groups": ["staff"] })
}

async fn invite(app: &TestApp, body: &Value) -> Value {
    let made = app.send(&app.admin(), Ask::post(PATH, body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.json()
}

async fn accept(app: &TestApp, token: &str, password: &str) -> Answer {
    let path = format!("/api/invite/{token}/accept");
    let body = json!({ "password": password, "repeated": "ignored" });
    app.send(&Presented::None, Ask::post(&path, &body)).await
}

async fn look(app: &TestApp, token: &str) -> Answer {
    let path = format!("/api/invite/{token}");
    app.send(&Presented::None, Ask::get(&path)).await
}

#[tokio::test]
async fn a_guest_becomes_a_user_once() {
    let app = TestApp::completed().await;
    let made = invite(&app, &mira()).await;
    let token = made["token"].as_str().expect("a token");
    let url = format!("https://auth.lab.example.org/invite/{token}");
    assert_eq!(made["inviteUrl"], url);
    assert_eq!(made["invitation"]["expiresAt"], "2027-02-09T08:00:00.000Z");

    // Link checkers look, too, and use nothing up.
    for _ in 0..3 {
        let open = look(&app, token).await;
        assert_eq!(open.status, StatusCode::OK);
        assert_eq!(
            open.json(),
            json!({ "username": "mira", "email": "mira@example.org",
                "expiresAt": "2027-02-09T08:00:00.000Z" })
        );
    }
    let accepted = accept(&app, token, PASSWORD).await;
    assert_eq!(accepted.status, StatusCode::OK);
    let body = accepted.json();
    assert_eq!(body["username"], "mira");
    assert_eq!(body["loginUrl"], "https://auth.lab.example.org/");
    let uri = body["totpUri"].as_str().expect("an address");
    assert!(
        uri.starts_with("otpauth://totp/Portlama:mira?secret="),
        "{uri}"
    );

    let users = app.send(&app.admin(), Ask::get("/api/users")).await.json();
    assert_eq!(
        users["users"],
        json!([{ "username": "mira", "displayname": "mira", "email": "mira@example.org",
            "groups": ["staff"] }])
    );
    for again in [accept(&app, token, PASSWORD).await, look(&app, token).await] {
        assert_eq!(again.status, StatusCode::GONE, "{again:?}");
    }
    let list = app.send(&app.admin(), Ask::get(PATH)).await;
    assert!(!list.text().contains(token));
    let list = list.json();
    assert_eq!(list["invitations"][0]["status"], "accepted");
    assert_eq!(list["invitations"][0]["used"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_accept_at_once_one_becomes_the_user() {
    let app = TestApp::completed().await;
    let made = invite(&app, &mira()).await;
    let token = made["token"].as_str().expect("a token");
    let answers = join_all((0..20).map(|_| accept(&app, token, PASSWORD))).await;
    let count = |status: StatusCode| answers.iter().filter(|a| a.status == status).count();
    assert_eq!(count(StatusCode::OK), 1, "{answers:?}");
    let busy = count(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(count(StatusCode::GONE) + busy, 19, "{answers:?}");
}

#[tokio::test]
async fn the_file_holds_no_token() {
    let app = TestApp::completed().await;
    let made = invite(&app, &mira()).await;
    let token = made["token"].as_str().expect("a token").to_owned();
    for (path, content) in app.durable() {
        let text = String::from_utf8_lossy(&content).into_owned();
        assert!(!text.contains(&token), "{}", path.display());
    }
}

#[tokio::test]
async fn refusals_have_the_statuses_of_the_reference() {
    let app = TestApp::completed().await;
    let made = invite(&app, &mira()).await;
    let token = made["token"].as_str().expect("a token").to_owned();

    let again = app.send(&app.admin(), Ask::post(PATH, &mira())).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    for wrong in [
        json!({ "username": "m", "email": "mira@example.org" }),
        json!({ "username": "mira" }),
        json!({ "username": "abel", "email": "abel@example.org", "expiresInDays": 31 }),
        json!({ "username": "abel", "email": "abel@example.org", "groups": "staff" }),
    ] {
        let answer = app.send(&app.admin(), Ask::post(PATH, &wrong)).await;
        assert_eq!(
            answer.refusal(),
            (400, "Validation failed".into()),
            "{wrong}"
        );
    }

    for wrong in ["", "x", &token[1..], &token.to_uppercase(), "..%2f"] {
        let answer = look(&app, wrong).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 404),
            "{wrong:?}: {answer:?}"
        );
    }
    assert_eq!(
        look(&app, &token[1..]).await.status,
        StatusCode::BAD_REQUEST
    );
    let unknown = "0".repeat(64);
    assert_eq!(look(&app, &unknown).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        accept(&app, &unknown, PASSWORD).await.status,
        StatusCode::NOT_FOUND
    );
    let short = accept(&app, &token, "short").await;
    assert_eq!(short.refusal(), (400, "Validation failed".into()));
    assert_eq!(
        short.json()["details"]["issues"][0]["path"],
        json!(["password"])
    );

    // The name was given away meanwhile.
    let user = json!({ "username": "mira", "displayname": "Mira", "email": "m@example.org",
        "password": PASSWORD });
    app.send(&app.admin(), Ask::post("/api/users", &user)).await;
    assert_eq!(
        accept(&app, &token, PASSWORD).await.status,
        StatusCode::CONFLICT
    );
    let taken = app.send(&app.admin(), Ask::post(PATH, &mira())).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);

    let id = made["invitation"]["id"].as_str().expect("an id");
    let path = format!("{PATH}/{id}");
    let gone = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(
        (gone.status, gone.json()),
        (StatusCode::OK, json!({ "ok": true }))
    );
    let gone = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let bad = app
        .send(&app.admin(), Ask::delete(&format!("{PATH}/7")))
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(look(&app, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_tells_who_did_what_without_secrets() {
    let app = TestApp::completed().await;
    let made = invite(&app, &mira()).await;
    let token = made["token"].as_str().expect("a token").to_owned();
    let accepted = accept(&app, &token, PASSWORD).await.json();
    let tunnel = json!({ "subdomain": "wiki", "port": 8400 });
    app.send(&app.admin(), Ask::post("/api/tunnels", &tunnel))
        .await;

    let page = |query: &str| app_get(&app, format!("/api/audit{query}"));
    let all = page("").await;
    let text = all.text();
    let seed = accepted["totpUri"].as_str().expect("an address");
    for secret in [&*token, PASSWORD, seed, "$2b$", "tokenHash"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let all = all.json();
    let actions = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().expect("entries").iter();
        entries
            .map(|e| e["action"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(
        actions(&all),
        ["tunnel.create", "invitation.accept", "invitation.create"]
    );
    assert_eq!(all["next"], Value::Null);
    assert_eq!(all["entries"][1]["identity"], "user:mira");
    assert_eq!(actions(&page("?action=invitation").await.json()).len(), 2);
    assert_eq!(
        actions(&page("?action=invitation.create").await.json()).len(),
        1
    );
    assert_eq!(actions(&page("?action=inv").await.json()).len(), 0);
    assert_eq!(
        actions(&page("?identity=user:mira").await.json()),
        ["invitation.accept"]
    );
    assert_eq!(
        actions(&page("?target=wiki.lab.example.org").await.json()),
        ["tunnel.create"]
    );

    let first = page("?limit=2").await.json();
    assert_eq!(actions(&first).len(), 2);
    let rest = page(&format!("?limit=2&before={}", first["next"]))
        .await
        .json();
    assert_eq!(actions(&rest), ["invitation.create"]);
    let number = "must be a whole number";
    for (wrong, member, said) in [
        ("?limit=0", "limit", number),
        ("?limit=501", "limit", number),
        ("?limit=x", "limit", number),
        ("?before=x", "before", number),
        ("?before=0", "before", number),
        ("?limit=1&limit=2", "limit", "must be one text"),
        ("?action=%ff", "action", "must be one text"),
    ] {
        let refused = page(wrong).await;
        assert_eq!(
            refused.refusal(),
            (400, "Validation failed".into()),
            "{wrong}"
        );
        let issue = &refused.json()["details"]["issues"][0];
        assert_eq!(issue["path"], json!([member]), "{wrong}");
        let message = issue["message"].as_str().expect("a message");
        assert!(message.starts_with(said), "{wrong}: {message}");
    }
}

async fn app_get(app: &TestApp, path: String) -> Answer {
    tokio::time::timeout(
        Duration::from_secs(10),
        app.send(&app.admin(), Ask::get(&path)),
    )
    .await
    .expect("an answer in time")
}
