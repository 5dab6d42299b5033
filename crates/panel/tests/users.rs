//! `/api/users`: shapes, statuses, and that no secret comes back.

mod support;

use http::StatusCode;
use serde_json::{Value, json};
use support::{Ask, TestApp};

const PATH: &str = "/api/users";

fn mira() -> Value {
    json!({ "username": "mira", "displayname": "Mira Müller", "email": "mira@example.org",
        "password": "correct horse battery", "groups": ["staff"] })
}

#[tokio::test]
async fn users_are_made_listed_changed_and_deleted() {
    let app = TestApp::completed().await;
    let made = app.send(&app.admin(), Ask::post(PATH, &mira())).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let shown = json!({ "username": "mira", "displayname": "Mira Müller",
        "email": "mira@example.org", "groups": ["staff"] });
    assert_eq!(made.json(), json!({ "ok": true, "user": shown }));

    let mut second = mira();
    second["username"] = json!("abel");
    app.send(&app.admin(), Ask::post(PATH, &second)).await;
    let list = app.send(&app.admin(), Ask::get(PATH)).await.json();
    assert_eq!(list["users"][0]["username"], "abel");
    assert_eq!(list["users"][1], shown);

    let change = json!({ "displayname": "Mira", "groups": [] });
    let changed = app
        .send(&app.admin(), Ask::put("/api/users/mira", &change))
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.json()["user"]["displayname"], "Mira");
    assert_eq!(changed.json()["user"]["email"], "mira@example.org");

    let deleted = app.send(&app.admin(), Ask::delete("/api/users/mira")).await;
    assert_eq!(
        (deleted.status, deleted.json()),
        (StatusCode::OK, json!({ "ok": true }))
    );
    let again = app.send(&app.admin(), Ask::delete("/api/users/mira")).await;
    assert_eq!(again.refusal(), (404, "User not found".into()));
}

#[tokio::test]
async fn refusals_leave_the_users_as_they_were() {
    let app = TestApp::completed().await;
    app.send(&app.admin(), Ask::post(PATH, &mira())).await;
    let durable = app.durable();
    let with = |field: &str, value: Value| {
        let mut body = mira();
        body["username"] = json!("abel");
        body[field] = value;
        Ask::post(PATH, &body)
    };
    let cases = [
        (Ask::post(PATH, &mira()), 409),
        (with("password", json!("short")), 400),
        (with("password", json!("x".repeat(73))), 400),
        (with("password", json!(12_345_678)), 400),
        (with("username", json!("Abel")), 400),
        (with("displayname", json!("")), 400),
        (with("displayname", json!("a\r\nb")), 400),
        (with("email", json!("nowhere")), 400),
        (with("groups", json!(["a,b"])), 400),
        (with("groups", json!("staff")), 400),
        (Ask::put("/api/users/mira", &json!({})), 400),
        (
            Ask::put("/api/users/mira", &json!({ "password": "short" })),
            400,
        ),
        (Ask::put("/api/users/nobody", &json!({ "groups": [] })), 404),
        (Ask::put("/api/users/MIRA", &json!({ "groups": [] })), 400),
        (Ask::delete("/api/users/mira"), 400),
        (
            Ask::new(http::Method::POST, "/api/users/nobody/reset-totp"),
            404,
        ),
    ];
    for (n, (ask, expected)) in cases.into_iter().enumerate() {
        let answer = app.send(&app.admin(), ask).await;
        assert_eq!(answer.status.as_u16(), expected, "case {n}: {answer:?}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn a_new_totp_seed_comes_as_an_address_for_authenticator_apps() {
    let app = TestApp::completed().await;
    app.send(&app.admin(), Ask::post(PATH, &mira())).await;
    let reset = || Ask::new(http::Method::POST, "/api/users/mira/reset-totp");
    let first = app.send(&app.admin(), reset()).await.json();
    let second = app.send(&app.admin(), reset()).await.json();
    let uri = first["totpUri"].as_str().expect("a URI");
    assert!(
        uri.starts_with("otpauth://totp/Portlama:mira?secret="),
        "{uri}"
    );
    assert!(
        uri.ends_with("&issuer=Portlama&algorithm=SHA1&digits=6&period=30"),
        "{uri}"
    );
    assert_ne!(first["totpUri"], second["totpUri"]);
}
