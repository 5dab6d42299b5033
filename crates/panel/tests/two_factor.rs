//! Two-factor sign-in of the admin to the panel.

mod support;

use std::net::IpAddr;

use http::StatusCode;
use portlama_auth::{CODE_BAN, CODE_WINDOW, MAX_WRONG_CODES};
use portlama_testkit::SecurityLines;
use serde_json::{Value, json};
use support::{Answer, Ask, SEED, TestApp};

const DOMAIN: Option<&str> = Some("lab.example.org");
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn it_is_set_up_confirmed_used_and_turned_off() {
    let app = TestApp::completed().await;
    assert_eq!(
        status(&app).await,
        json!({ "enabled": false, "setupComplete": false })
    );
    let first = post(&app, "setup", &json!({})).await.json();
    let made = post(&app, "setup", &json!({})).await.json();
    assert_ne!(first["manualKey"], made["manualKey"]);
    let seed = made["manualKey"].as_str().expect("base32").to_owned();
    let uri = format!(
        "otpauth://totp/Portlama%20Panel:admin?secret={seed}&issuer=Portlama%20Panel&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(made["uri"], uri);
    assert_eq!(
        status(&app).await,
        json!({ "enabled": false, "setupComplete": false })
    );
    let replaced = app.code(first["manualKey"].as_str().expect("base32"));
    assert_eq!(
        post(&app, "confirm", &code(&replaced)).await.refusal().0,
        401
    );

    let confirmed = post(&app, "confirm", &code(&app.code(&seed))).await;
    assert_eq!(
        (confirmed.status, confirmed.json()),
        (StatusCode::OK, json!({ "enabled": true }))
    );
    let session = cookie(&confirmed);
    let panel = app.panel_json();
    assert_eq!(panel["panel2fa"]["enabled"], true);
    assert_eq!(panel["sessionSecret"].as_str().map(str::len), Some(64));
    assert_eq!(
        status(&app).await,
        json!({ "enabled": true, "setupComplete": true })
    );
    assert_eq!(
        list(&app, None).await.json(),
        json!({ "error": "2fa_required" })
    );
    assert_eq!(list(&app, Some(&session)).await.status, StatusCode::OK);
    assert_eq!(
        post(&app, "confirm", &code("000000")).await.json(),
        json!({ "error": "2fa_required" })
    );
    for path in ["setup", "confirm"] {
        let again = post_as(&app, path, &code("000000"), &session).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{path}");
    }

    app.advance(30);
    let off = post_as(&app, "disable", &code(&app.code(&seed)), &session).await;
    assert_eq!(
        (off.status, off.json()),
        (StatusCode::OK, json!({ "enabled": false }))
    );
    assert_eq!(
        off.header("set-cookie"),
        "__Host-portlama_2fa=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
    );
    assert_eq!(app.panel_json()["sessionSecret"], Value::Null);
    assert_eq!(list(&app, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_of_before_it_was_turned_off_is_dead_when_it_is_on_again() {
    let app = TestApp::locked(DOMAIN).await;
    let old = app.session(app.identity(&app.admin()).serial());
    assert_eq!(list(&app, Some(&old)).await.status, StatusCode::OK);
    let off = post_as(&app, "disable", &code(&app.code(SEED)), &old).await;
    assert_eq!(off.status, StatusCode::OK);
    let made = post(&app, "setup", &json!({})).await.json();
    let seed = made["manualKey"].as_str().expect("base32").to_owned();
    let on = post(&app, "confirm", &code(&app.code(&seed))).await;
    assert_eq!(on.status, StatusCode::OK);
    assert_eq!(
        list(&app, Some(&old)).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(list(&app, Some(&cookie(&on))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_missing_is_said_before_any_code_is_judged() {
    let app = TestApp::completed().await;
    for (path, why) in [
        (
            "confirm",
            "Two-factor sign-in was not set up: begin with setup",
        ),
        ("verify", "Two-factor sign-in to the panel is not on"),
        ("disable", "Two-factor sign-in to the panel is not on"),
    ] {
        for _ in 0..=MAX_WRONG_CODES {
            let answer = post(&app, path, &code("000000")).await;
            assert_eq!(answer.json(), json!({ "error": why }));
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
    }
    let nameless = TestApp::start(None, |panel| {
        panel["onboarding"]["status"] = json!("COMPLETED");
    })
    .await;
    let answer = post(&nameless, "setup", &json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["details"]["hint"].is_string());
}

#[tokio::test]
async fn what_is_no_code_is_told_plainly_and_does_not_count() {
    let app = TestApp::locked(DOMAIN).await;
    for body in [
        json!({}),
        json!([]),
        json!(null),
        code(""),
        code("12345"),
        code("1234567"),
        code("12345a"),
        code(" 12345"),
        code("１２３４５６"),
        json!({ "code": 123_456 }),
        json!({ "code": null }),
        json!({ "code": ["123456"] }),
    ] {
        let answer = post(&app, "verify", &body).await;
        let told = json!({ "error": "The code must be a text of exactly 6 digits" });
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::BAD_REQUEST, told),
            "{body}"
        );
    }
    let right = post(&app, "verify", &code(&app.code(SEED))).await;
    assert_eq!(right.json(), json!({ "verified": true }));
}

#[tokio::test]
async fn a_code_works_once_within_its_window() {
    let app = TestApp::locked(DOMAIN).await;
    let now = app.code(SEED);
    app.advance(30);
    let present = app.code(SEED);
    app.advance(30);
    let next = app.code(SEED);
    app.advance(30);
    for outside in [&now] {
        assert_eq!(post(&app, "verify", &code(outside)).await.refusal().0, 401);
    }
    app.advance(-60);
    for right in [&now, &present, &next] {
        assert_eq!(
            post(&app, "verify", &code(right)).await.status,
            StatusCode::OK
        );
        assert_eq!(post(&app, "verify", &code(right)).await.refusal().0, 401);
    }
}

#[tokio::test]
async fn of_many_tries_with_one_code_one_wins() {
    let app = TestApp::locked(DOMAIN).await;
    let body = code(&app.code(SEED));
    let tries = (0..20).map(|_| post(&app, "verify", &body));
    let answers = futures_util::future::join_all(tries).await;
    let won = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK);
    assert_eq!(won.count(), 1);
}

#[tokio::test]
async fn five_wrong_codes_ban_the_address_with_the_next_request() {
    let app = TestApp::locked(DOMAIN).await;
    let from: IpAddr = "198.51.100.7".parse().expect("an address");
    let admin = app.admin();
    let verify = |code: String| {
        let ask = Ask::post("/api/settings/2fa/verify", &json!({ "code": code }));
        app.send_from(from, &admin, ask)
    };
    for _ in 0..MAX_WRONG_CODES {
        assert_eq!(verify(wrong(&app)).await.refusal().0, 401);
    }
    for left in [CODE_BAN.as_secs(), CODE_BAN.as_secs() - 100] {
        let banned = verify(app.code(SEED)).await;
        assert_eq!(banned.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(banned.json()["retryAfter"], left);
        assert_eq!(banned.header("retry-after"), left.to_string());
        app.advance(100);
    }
    let elsewhere = post(&app, "verify", &code(&app.code(SEED))).await;
    assert_eq!(elsewhere.status, StatusCode::OK);
    app.advance(100);
    assert_eq!(verify(app.code(SEED)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_certificate_without_its_code_makes_no_network_known() {
    let app = TestApp::locked(DOMAIN).await;
    let lines = SecurityLines::listen();
    let from: IpAddr = "198.51.100.7".parse().expect("an address");
    let admin = app.admin();
    let session = app.session(app.identity(&admin).serial());
    let wrong_code = || {
        let ask = Ask::post("/api/settings/2fa/verify", &code(&wrong(&app)));
        app.send_from(from, &admin, ask)
    };
    for _ in 0..2 {
        assert_eq!(wrong_code().await.refusal().0, 401);
        let shown = app.send_from(from, &admin, Ask::get("/api/settings/2fa"));
        assert_eq!(shown.await.status, StatusCode::OK);
        let line = format!("refused wrong-panel-code from {from}");
        assert_eq!(lines.take(), [line]);
    }
    let whole = Ask::get("/api/tunnels").header("cookie", &session);
    assert_eq!(
        app.send_from(from, &admin, whole).await.status,
        StatusCode::OK
    );
    assert_eq!(wrong_code().await.refusal().0, 401);
    let line = format!("refused wrong-panel-code from known {from}");
    assert_eq!(lines.take(), [line]);
}

#[tokio::test]
async fn a_right_code_takes_no_wrong_one_back_but_time_does() {
    let app = TestApp::locked(DOMAIN).await;
    let from: IpAddr = "2001:db8::1".parse().expect("an address");
    let neighbour: IpAddr = "2001:db8::ffff".parse().expect("an address");
    let admin = app.admin();
    let verify = |from, code: String| {
        let ask = Ask::post("/api/settings/2fa/verify", &json!({ "code": code }));
        app.send_from(from, &admin, ask)
    };
    for _ in 1..MAX_WRONG_CODES {
        assert_eq!(verify(from, wrong(&app)).await.refusal().0, 401);
    }
    assert_eq!(verify(from, app.code(SEED)).await.status, StatusCode::OK);
    app.advance(CODE_WINDOW.as_secs().cast_signed());
    for _ in 0..MAX_WRONG_CODES {
        assert_eq!(verify(neighbour, wrong(&app)).await.refusal().0, 401);
    }
    assert_eq!(verify(from, app.code(SEED)).await.refusal().0, 429);
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_for_requests_of_its_own_pages() {
    let app = TestApp::locked(DOMAIN).await;
    let answer = post(&app, "verify", &code(&app.code(SEED))).await;
    let field = answer.header("set-cookie");
    let (value, attributes) = field.split_once("; ").expect("attributes");
    assert!(value.starts_with("__Host-portlama_2fa="));
    assert_eq!(
        attributes,
        "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"
    );
    assert!(!answer.text().contains(value));
}

#[tokio::test]
async fn a_cookie_that_was_touched_or_belongs_to_another_certificate_is_refused() {
    let app = TestApp::locked(DOMAIN).await;
    let admin = app.identity(&app.admin());
    let good = app.session(admin.serial());
    let (name, value) = good.split_once('=').expect("a value");
    assert_eq!(list(&app, Some(&good)).await.status, StatusCode::OK);
    let mut forged: Vec<String> = (0..value.len())
        .map(|at| {
            let mut octets = value.as_bytes().to_vec();
            octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(octets).expect("text")
        })
        .collect();
    let (claims, signature) = value.split_once('.').expect("two parts");
    forged.extend([
        String::new(),
        claims.to_owned(),
        format!("{claims}."),
        format!(".{signature}"),
        format!("{value}."),
        format!("{value}.{signature}"),
        "a".repeat(5000),
    ]);
    let other = app.session(&"0A1B2C".parse().expect("a serial"));
    forged.push(other.split_once('=').expect("a value").1.to_owned());
    for value in forged {
        let answer = list(&app, Some(&format!("{name}={value}"))).await;
        assert_eq!(answer.json(), json!({ "error": "2fa_required" }), "{value}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    let renamed = format!("portlama_2fa_session={value}");
    assert_eq!(
        list(&app, Some(&renamed)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_session_ends_idle_after_two_hours_and_in_any_case_after_twelve() {
    let app = TestApp::locked(DOMAIN).await;
    let admin = app.admin();
    let first = app.session(app.identity(&admin).serial());
    app.advance(59);
    assert!(
        list(&app, Some(&first))
            .await
            .headers
            .get("set-cookie")
            .is_none()
    );
    let mut session = first.clone();
    app.advance(2 * 3600 - 60);
    for _ in 0..5 {
        let answer = list(&app, Some(&session)).await;
        assert_eq!(answer.status, StatusCode::OK);
        session = cookie(&answer);
        app.advance(2 * 3600 - 10);
    }
    // 12 hours less 51 seconds have passed.
    let answer = list(&app, Some(&session)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.header("set-cookie").ends_with("Max-Age=51"),
        "{answer:?}"
    );
    assert_eq!(
        list(&app, Some(&first)).await.status,
        StatusCode::UNAUTHORIZED
    );
    app.advance(51);
    assert_eq!(
        list(&app, Some(&cookie(&answer))).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn what_a_sibling_host_makes_the_browser_fetch_keeps_no_session_alive() {
    let app = TestApp::locked(DOMAIN).await;
    let session = app.session(app.identity(&app.admin()).serial());
    app.advance(600);
    for (site, renews) in [
        ("same-site", false),
        ("cross-site", false),
        ("same-origin", true),
    ] {
        // The page of an app may send the browser here, again and again.
        let ask = Ask::get("/")
            .header("cookie", &session)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        let answer = app.send(&app.admin(), ask).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers.contains_key("set-cookie"), renews, "{site}");
    }
}

#[tokio::test]
async fn no_query_and_no_neighbour_of_an_exempt_path_is_exempt() {
    let app = TestApp::locked(DOMAIN).await;
    for (path, expected) in [
        ("/api/health?x=/api/users", 200),
        ("/api/settings/2fa?x=1", 200),
        ("/api/users?/api/health", 401),
        ("/api/settings/2fa/", 401),
        ("/api/settings/2fa/verify/x", 401),
        ("/api/onboarding/status", 401),
        ("/api/openapi.json", 401),
        ("/api/nothing", 401),
        ("/api//health", 401),
        ("/api/health/", 401),
    ] {
        let answer = app.send(&app.admin(), Ask::get(path)).await;
        assert_eq!(answer.status.as_u16(), expected, "{path}");
    }
    for (caller, expected) in [
        (app.admin(), 401),
        (app.certificate("agent:x", -1..20), 403),
    ] {
        let answer = app.send(&caller, Ask::websocket("/api/users")).await;
        assert_eq!(answer.status.as_u16(), expected);
    }
}

#[tokio::test]
async fn the_page_without_a_session_asks_for_the_code_and_tells_nothing() {
    let app = TestApp::locked(DOMAIN).await;
    for path in ["/", "/tunnels", "/index.html"] {
        let answer = app
            .send(&app.admin(), Ask::get(path).header("accept", HTML))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let text = answer.text();
        assert!(
            text.contains("one-time-code") && !text.contains("lab.example.org"),
            "{text}"
        );
        assert!(!text.contains(env!("CARGO_PKG_VERSION")));
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("script-src 'sha256-") && policy.contains("connect-src 'self'"));
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    }
    let program = Ask::get("/").header("accept", "application/json");
    let answer = app.send(&app.admin(), program).await;
    assert_eq!(answer.json(), json!({ "error": "2fa_required" }));
    let session = app.session(app.identity(&app.admin()).serial());
    let page = Ask::get("/")
        .header("accept", HTML)
        .header("cookie", &session);
    assert_eq!(app.send(&app.admin(), page).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_adopted_state_without_a_key_gets_one_with_the_first_sign_in() {
    let app = TestApp::start(DOMAIN, |panel| {
        panel["panel2fa"] = json!({ "enabled": true, "secret": SEED, "setupComplete": true });
        panel["sessionSecret"] = json!("not a key");
    })
    .await;
    assert_eq!(list(&app, None).await.status, StatusCode::UNAUTHORIZED);
    let answer = post(&app, "verify", &code(&app.code(SEED))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        list(&app, Some(&cookie(&answer))).await.status,
        StatusCode::OK
    );
}

fn code(code: &str) -> Value {
    json!({ "code": code })
}

/// Six digits that are right at no step near the present.
fn wrong(app: &TestApp) -> String {
    let digits: u32 = app.code(SEED).parse().expect("digits");
    let step = |by: i64| {
        app.advance(by);
        let code = app.code(SEED);
        app.advance(-by);
        code
    };
    (1..)
        .map(|by| format!("{:06}", (digits + by) % 1_000_000))
        .find(|code| ![step(-30), step(30)].contains(code))
        .expect("a million are enough")
}

async fn status(app: &TestApp) -> Value {
    app.send(&app.admin(), Ask::get("/api/settings/2fa"))
        .await
        .json()
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.send(
        &app.admin(),
        Ask::post(&format!("/api/settings/2fa/{path}"), body),
    )
    .await
}

async fn post_as(app: &TestApp, path: &str, body: &Value, session: &str) -> Answer {
    let ask = Ask::post(&format!("/api/settings/2fa/{path}"), body).header("cookie", session);
    app.send(&app.admin(), ask).await
}

async fn list(app: &TestApp, session: Option<&str>) -> Answer {
    let ask = Ask::get("/api/users");
    let ask = session
        .into_iter()
        .fold(ask, |ask, value| ask.header("cookie", value));
    app.send(&app.admin(), ask).await
}

/// The cookie of an answer, as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    let field = answer.header("set-cookie");
    field.split(';').next().expect("a value").to_owned()
}
