//! What every answer carries: limits, headers, and the pages.

mod support;

use std::net::IpAddr;

use http::StatusCode;
use portlama_access::Presented;
use portlama_control::rate::INVITATION_TRIES_PER_MINUTE;
use portlama_model::Capability;
use portlama_panel::{ENROLMENTS_PER_MINUTE, REQUESTS_PER_MINUTE};
use serde_json::json;
use support::{Answer, Ask, TestApp, csr};

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn health_and_onboarding_tell_the_state_of_the_server() {
    let app = TestApp::fresh().await;
    let health = app
        .send(&Presented::None, Ask::get("/api/health"))
        .await
        .json();
    assert_eq!(
        health,
        json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })
    );
    let status = app
        .send(&app.admin(), Ask::get("/api/onboarding/status"))
        .await
        .json();
    assert_eq!(
        status,
        json!({
            "status": "FRESH", "domain": null, "ip": "192.0.2.10",
            "httpsPort": 443, "panelPort": 9292,
        })
    );
    let app = TestApp::at_ports(8443, 9443).await;
    let status = app
        .send(&app.admin(), Ask::get("/api/onboarding/status"))
        .await
        .json();
    let expected = json!({
        "status": "COMPLETED", "domain": "lab.example.org", "ip": "192.0.2.10",
        "httpsPort": 8443, "panelPort": 9443,
    });
    assert_eq!(status, expected);
}

#[tokio::test]
async fn every_answer_is_safe_in_a_browser() {
    let app = TestApp::completed().await;
    let strangers = [
        Ask::get("/api/health"),
        Ask::get("/").header("accept", HTML),
        Ask::get("/api/x"),
    ];
    let mut answers = vec![];
    for ask in strangers {
        answers.push(app.send(&Presented::None, ask).await);
    }
    for path in ["/", "/api/users", "/api/nothing"] {
        answers.push(app.send(&app.admin(), Ask::get(path)).await);
    }
    for answer in answers {
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{answer:?}");
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=63072000"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("x-ratelimit-limit"), "600");
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn without_a_good_certificate_browsers_get_the_page_that_helps() {
    let app = TestApp::completed().await;
    let revoked = app.agent("attic", Capability::ALL).await;
    app.revoke("attic").await;
    let (none, foreign) = (Presented::None, app.foreign());
    let ours = |name, days| app.certificate(name, days);
    for (caller, status, title, way_out) in [
        (none, 400, "This page needs your certificate", "choose "),
        (foreign, 400, "This certificate is not from here", "Choose"),
        (
            ours("admin", -20..-1),
            400,
            "This certificate has expired",
            "reset-admin",
        ),
        (
            ours("admin", 1..20),
            400,
            "This certificate is not valid yet",
            "clock",
        ),
        (revoked, 403, "This certificate was revoked", "reset-admin"),
        (
            ours("admin", -1..20),
            403,
            "This certificate is nobody's",
            "reset-admin",
        ),
        (
            ours("agent:attic2", -1..20),
            403,
            "This certificate is nobody's",
            "agent setup",
        ),
    ] {
        for path in [
            "/",
            "/index.html",
            "/tunnels/anything",
            "/api/tunnels",
            "/api/nothing",
        ] {
            let answer = app
                .send(&caller, Ask::get(path).header("accept", HTML))
                .await;
            assert_eq!(answer.status.as_u16(), status, "{path}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            let text = answer.text();
            for words in [title, way_out, "client.p12"] {
                assert!(text.contains(words), "{path}: {words}: {text}");
            }
            assert!(
                !text.contains("<script") && !text.contains("http"),
                "{path}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn programs_get_json_where_browsers_get_the_page() {
    let app = TestApp::completed().await;
    for (path, accept, page) in [
        ("/", None, true),
        ("/", Some("*/*"), true),
        ("/", Some("application/json"), false),
        ("/", Some("text/html;q=0, application/json"), false),
        ("/api/users", None, false),
        ("/api/users", Some("*/*"), false),
        ("/api/users", Some("application/json"), false),
        ("/api/users", Some(HTML), true),
    ] {
        let ask = Ask::get(path);
        let ask = accept
            .into_iter()
            .fold(ask, |ask, value| ask.header("accept", value));
        let answer = app.send(&Presented::None, ask).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let is_page = answer.header("content-type").starts_with("text/html");
        assert_eq!(is_page, page, "{path} {accept:?}");
        assert_eq!(answer.json()["details"]["hint"].is_string(), !page);
    }
}

#[tokio::test]
async fn programs_with_a_dead_certificate_are_told_so_in_json() {
    let app = TestApp::completed().await;
    let revoked = app.agent("attic", Capability::ALL).await;
    app.revoke("attic").await;
    let nobody = app.certificate("admin", -1..20);
    for (caller, problem) in [(revoked, "revoked"), (nobody, "nobody")] {
        for (path, accept) in [
            ("/", "application/json"),
            ("/api/tunnels", "application/json"),
            ("/api/tunnels", "*/*"),
            ("/api/nothing", "*/*"),
        ] {
            let ask = Ask::get(path).header("accept", accept);
            let answer = app.send(&caller, ask).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {accept}");
            assert_eq!(answer.json()["details"]["certificate"], problem);
        }
    }
}

const OTHER_PATHS: &[&str] = &[
    "/",
    "/tunnels",
    "/index.html",
    "/apis",
    "/API/users",
    "/api%2Fusers",
];

#[tokio::test]
async fn other_paths_show_agents_what_the_server_is() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[]).await;
    for path in OTHER_PATHS {
        let answer = app.send(&agent, Ask::get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let text = answer.text();
        for word in ["lab.example.org", env!("CARGO_PKG_VERSION"), "complete"] {
            assert!(text.contains(word), "{path}: {word}");
        }
        assert!(!text.contains("<script"));
    }
}

/// Whether the web panel was built before the tests is not theirs to know.
#[tokio::test]
async fn other_paths_are_the_web_panel_or_say_how_it_is_built() {
    let app = TestApp::completed().await;
    for path in OTHER_PATHS {
        let answer = app.send(&app.admin(), Ask::get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.header("content-security-policy").contains("unsafe"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let text = answer.text();
        let page = text.contains("id=\"root\"") && !text.contains("{{csp-nonce}}");
        assert!(page != text.contains("cargo xtask ui"), "{path}: {text}");
    }
    let missing = app
        .send(&app.admin(), Ask::get("/assets/of-another-version.js"))
        .await;
    assert!(matches!(missing.status.as_u16(), 200 | 404));
    assert_ne!(missing.header("content-type"), "text/javascript");
}

#[tokio::test]
async fn strangers_are_counted_by_address_and_told_when_to_come_back() {
    let app = TestApp::completed().await;
    let from: IpAddr = "2001:db8::1".parse().expect("an address");
    let same_network: IpAddr = "2001:db8::ffff:1".parse().expect("an address");
    let ask = |from| {
        let forged = Ask::get("/api/health").header("x-forwarded-for", "203.0.113.9");
        app.send_from(from, &Presented::None, forged)
    };
    for left in (0..REQUESTS_PER_MINUTE).rev() {
        let answer = ask(from).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
    }
    let refused = ask(same_network).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.json()["error"].is_string());
    assert!((1..=60).contains(&seconds(&refused, "retry-after")));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!((1..=60).contains(&seconds(&refused, "x-ratelimit-reset")));

    let admin = app
        .send_from(from, &app.admin(), Ask::get("/api/users"))
        .await;
    assert_eq!(admin.status, StatusCode::OK);
    let elsewhere = ask("2001:db8:0:1::1".parse().expect("an address")).await;
    assert_eq!(elsewhere.status, StatusCode::OK);
}

#[tokio::test]
async fn identities_are_counted_wherever_they_come_from() {
    let app = TestApp::completed().await;
    let agent = app.agent("attic", &[Capability::TunnelsRead]).await;
    for _ in 0..REQUESTS_PER_MINUTE {
        assert_eq!(
            app.send(&agent, Ask::get("/api/health")).await.status,
            StatusCode::OK
        );
    }
    let refused = app.send(&agent, Ask::get("/api/tunnels")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        app.send(&app.admin(), Ask::get("/api/users")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn guessing_enrolment_tokens_is_slowed_per_address() {
    let app = TestApp::completed().await;
    let from: IpAddr = "198.51.100.7".parse().expect("an address");
    let ask = || {
        Ask::post(
            "/api/enroll",
            &json!({ "token": "0".repeat(64), "csr": csr() }),
        )
    };
    for _ in 0..ENROLMENTS_PER_MINUTE {
        let answer = app.send_from(from, &Presented::None, ask()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let refused = app.send_from(from, &app.admin(), ask()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=60).contains(&seconds(&refused, "retry-after")));
    let health = app
        .send_from(from, &Presented::None, Ask::get("/api/health"))
        .await;
    assert_eq!(health.status, StatusCode::OK);
}

#[tokio::test]
async fn guessing_invitation_tokens_is_slowed_per_address_and_apart_from_enrolment() {
    let app = TestApp::completed().await;
    let from: IpAddr = "2001:db8::7".parse().expect("an address");
    let neighbour: IpAddr = "2001:db8::8".parse().expect("an address");
    let look = |n: u32| Ask::get(&format!("/api/invite/{n:064x}"));
    for n in 0..INVITATION_TRIES_PER_MINUTE {
        let answer = app.send_from(from, &Presented::None, look(n)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let accept = Ask::post(
        &format!("/api/invite/{:064x}/accept", 1),
        &json!({ "password": "correct horse" }),
    );
    let refused = app.send_from(neighbour, &app.admin(), accept).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        refused.header("x-ratelimit-limit"),
        INVITATION_TRIES_PER_MINUTE.to_string()
    );
    assert!((1..=60).contains(&seconds(&refused, "retry-after")));
    let enrol = Ask::post("/api/enroll", &json!({}));
    let enrol = app.send_from(from, &Presented::None, enrol).await;
    assert_eq!(enrol.status, StatusCode::BAD_REQUEST);
}

fn seconds(answer: &Answer, header: &str) -> u64 {
    answer.header(header).parse().expect("whole seconds")
}
