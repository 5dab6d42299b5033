//! Who gets what from every route, against a table written by hand; and what headers, origins
//! and methods can not do.

mod support;

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use portlama_access::Presented;
use portlama_model::Capability;
use portlama_panel::ROUTES;
use serde_json::json;
use support::{Answer, Ask, ORIGIN, TestApp};

/// One line a route and part of the server's life: the status with which the handler answers
/// the test's request, and what each kind of caller gets.
const MATRIX: &str = include_str!("access_matrix.csv");

#[tokio::test]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let before = Stage::new(TestApp::fresh().await).await;
    let after = Stage::new(TestApp::completed().await).await;
    let durable = (before.app.durable(), after.app.durable());
    let mut wrong = vec![];
    for row in rows() {
        let stage = match row.setup {
            "before" => &before,
            "after" => &after,
            other => panic!("unknown part of a server's life: {other}"),
        };
        for (kind, caller) in &stage.callers {
            let answer = stage.app.send(caller, probe(row.method, row.path)).await;
            let expected = row.expected(kind);
            if let Err(got) = is(&answer, expected, row.handler) {
                wrong.push(format!(
                    "{} {} {} as {kind}: {got}",
                    row.setup, row.method, row.path
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!((before.app.durable(), after.app.durable()), durable);
}

#[test]
fn the_matrix_has_exactly_the_routes_of_the_table() {
    let table: BTreeSet<_> = ROUTES
        .iter()
        .flat_map(|route| {
            ["before", "after"].map(|setup| (route.method().as_str(), route.path(), setup))
        })
        .collect();
    let matrix: Vec<_> = rows()
        .map(|row| (row.method, row.path, row.setup))
        .collect();
    assert_eq!(matrix.len(), table.len(), "a line stands twice");
    assert_eq!(matrix.into_iter().collect::<BTreeSet<_>>(), table);
}

#[tokio::test]
async fn no_header_says_who_somebody_is() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    for (path, body) in [
        ("/api/users", json!({})),
        ("/api/certs/agent/enroll", json!({ "label": "attic" })),
    ] {
        let forged = forge(Ask::post(path, &body));
        let answer = app
            .send_from([127, 0, 0, 1].into(), &Presented::None, forged)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["details"]["certificate"], "missing");
    }
    let agent = app.agent("attic", &[Capability::TunnelsRead]).await;
    let answer = app.send(&agent, forge(Ask::get("/api/users"))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let config = app.send(&agent, forge(Ask::get("/api/tunnels"))).await;
    assert_eq!(config.status, StatusCode::OK);
    let overridden = forge(Ask::get("/api/users")).header("x-http-method-override", "DELETE");
    assert_eq!(
        app.send(&app.admin(), overridden).await.status,
        StatusCode::OK
    );
    let files = |files: std::collections::BTreeMap<_, _>| files.len();
    assert_eq!(files(app.durable()), files(durable));
}

fn forge(ask: Ask) -> Ask {
    [
        ("x-ssl-client-verify", "SUCCESS"),
        ("x-ssl-client-dn", "CN=admin"),
        ("x-ssl-client-serial", "01"),
        ("x-client-cert", "admin"),
        ("remote-user", "admin"),
        ("remote-groups", "admins"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
    ]
    .into_iter()
    .fold(ask, |ask, (name, value)| ask.header(name, value))
}

#[tokio::test]
async fn browsers_change_things_from_the_panels_own_pages_only() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    let foreign: &[&[(&'static str, &str)]] = &[
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[
            ("origin", "https://wiki.lab.example.org"),
            ("sec-fetch-site", "same-site"),
        ],
        &[("origin", "https://panel.lab.example.org:8443")],
        &[("origin", "http://panel.lab.example.org")],
        &[("origin", "https://192.0.2.10:9292")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
        &[("origin", ORIGIN), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "anything")],
        &[
            ("origin", ORIGIN),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "same-origin"),
        ],
    ];
    for headers in foreign {
        for ask in changes() {
            let ask = headers
                .iter()
                .fold(ask, |ask, (name, value)| ask.header(name, value));
            let answer = app.send(&app.admin(), ask).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{headers:?} {answer:?}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    assert_eq!(app.durable(), durable);

    let ours: &[&[(&'static str, &str)]] = &[
        &[],
        &[("origin", ORIGIN)],
        &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")],
    ];
    for headers in ours {
        for ask in changes() {
            let ask = headers
                .iter()
                .fold(ask, |ask, (name, value)| ask.header(name, value));
            let answer = app.send(&app.admin(), ask).await;
            assert_ne!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{headers:?} {answer:?}"
            );
        }
    }
}

/// A change of every method, and the public one.
fn changes() -> Vec<Ask> {
    vec![
        Ask::post("/api/users", &json!({})),
        Ask::put("/api/users/mira", &json!({ "groups": [] })),
        Ask::patch(
            "/api/certs/agent/attic/capabilities",
            &json!({ "capabilities": [] }),
        ),
        Ask::delete("/api/users/mira"),
        Ask::post("/api/enroll", &json!({})),
        Ask::new(Method::from_bytes(b"BREW").expect("a method"), "/api/users"),
    ]
}

#[tokio::test]
async fn reading_is_free_of_the_origin_rule_and_answers_no_other_website() {
    let app = TestApp::completed().await;
    let ask = Ask::get("/api/users")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    let answer = app.send(&app.admin(), ask).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");

    let preflight = Ask::new(Method::OPTIONS, "/api/users")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "DELETE");
    let answer = app.send(&app.admin(), preflight).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn unknown_paths_of_the_api_are_not_found_and_not_told_to_strangers() {
    let app = TestApp::completed().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/users/",
        "/api/Users",
        "/api//users",
    ] {
        let answer = app.send(&app.admin(), Ask::get(path)).await;
        assert_eq!(answer.refusal(), (404, "Not found".into()), "{path}");
        let answer = app.send(&Presented::None, Ask::get(path)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_answered() {
    let app = TestApp::completed().await;
    for (method, path, allow) in [
        (Method::PATCH, "/api/users", "GET, POST, HEAD"),
        (Method::GET, "/api/users/mira", "PUT, DELETE"),
        (Method::POST, "/api/health", "GET, HEAD"),
        (Method::GET, "/api/enroll", "POST"),
        (Method::POST, "/", "GET, HEAD"),
    ] {
        let answer = app.send(&app.admin(), Ask::new(method, path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    let stranger = app
        .send(&Presented::None, Ask::new(Method::PATCH, "/api/users"))
        .await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST);
    let stranger = app.send(&Presented::None, Ask::get("/api/enroll")).await;
    assert_eq!(stranger.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::completed().await;
    for path in ["/api/users", "/api/health", "/", "/api/nothing"] {
        let get = app.send(&app.admin(), Ask::get(path)).await;
        let head = app.send(&app.admin(), Ask::new(Method::HEAD, path)).await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_right_that_was_taken_away_ends_with_the_next_request() {
    let app = TestApp::completed().await;
    let writer = app
        .agent(
            "attic",
            &[Capability::TunnelsRead, Capability::TunnelsWrite],
        )
        .await;
    let ask = || {
        Ask::post(
            "/api/tunnels",
            &json!({ "subdomain": "wiki", "port": 8400 }),
        )
    };
    let change = Ask::patch(
        "/api/certs/agent/attic/capabilities",
        &json!({ "capabilities": [] }),
    );
    assert_eq!(app.send(&app.admin(), change).await.status, StatusCode::OK);
    let refused = app.send(&writer, ask()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        refused.json()["details"],
        json!({ "required": "tunnels:write", "granted": ["tunnels:read"] })
    );

    let revoked = app
        .send(&app.admin(), Ask::delete("/api/certs/agent/attic"))
        .await;
    assert_eq!(revoked.json(), json!({ "ok": true, "label": "attic" }));
    let answer = app.send(&writer, Ask::get("/api/tunnels")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["details"]["certificate"], "revoked");
    let again = app
        .send(&app.admin(), Ask::delete("/api/certs/agent/attic"))
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

/// A server with callers of every kind.
struct Stage {
    app: TestApp,
    callers: Vec<(&'static str, Presented)>,
}

impl Stage {
    async fn new(app: TestApp) -> Self {
        let revoked = app.agent("gone", Capability::ALL).await;
        app.revoke("gone").await;
        let reader = app.agent("reader", &[Capability::TunnelsRead]).await;
        let every_other: Vec<_> = Capability::ALL
            .iter()
            .copied()
            .filter(|capability| *capability != Capability::TunnelsWrite)
            .collect();
        let nearly = app.agent("nearly", &every_other).await;
        let writer = [Capability::TunnelsRead, Capability::TunnelsWrite];
        let writer = app.agent("writer", &writer).await;
        let mighty = app.agent("mighty", Capability::ALL).await;
        let callers = vec![
            ("anonymous", Presented::None),
            ("foreign", app.foreign()),
            ("expired", app.certificate("admin", -20..-1)),
            ("not_yet_valid", app.certificate("admin", 1..20)),
            ("revoked", revoked),
            ("nobody", app.certificate("admin", -1..20)),
            ("nobody", app.certificate("Admin", -1..20)),
            ("nobody", app.certificate("admin2", -1..20)),
            ("nobody", app.certificate("admin ", -1..20)),
            ("nobody", app.certificate("agent:", -1..20)),
            ("nobody", app.certificate("agent:writer", -1..20)),
            ("nobody", app.certificate("agent:never-enrolled", -1..20)),
            ("agent", reader),
            ("agent", nearly),
            ("writer", writer),
            ("writer", mighty),
            ("admin", app.admin()),
        ];
        Self { app, callers }
    }
}

struct Row {
    method: &'static str,
    path: &'static str,
    setup: &'static str,
    handler: u16,
    cells: Vec<(&'static str, &'static str)>,
}

impl Row {
    fn expected(&self, kind: &str) -> &'static str {
        let cell = self.cells.iter().find(|(column, _)| *column == kind);
        cell.expect("the matrix has a column for every kind of caller")
            .1
    }
}

fn rows() -> impl Iterator<Item = Row> {
    let mut lines = MATRIX
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let columns = lines.next().expect("a head");
    lines.map(move |cells| {
        let [method, path, setup, handler, ..] = cells[..] else {
            panic!("a short line: {cells:?}");
        };
        assert_eq!(cells.len(), columns.len(), "{cells:?}");
        Row {
            method,
            path,
            setup,
            handler: handler.parse().expect("a status"),
            cells: columns
                .iter()
                .copied()
                .zip(cells.iter().copied())
                .skip(4)
                .collect(),
        }
    })
}

/// A request that reaches the handler and changes nothing there.
fn probe(method: &str, path: &str) -> Ask {
    let method: Method = method.parse().expect("a method");
    let concrete = path
        .replace("{id}", "00000000-0000-0000-0000-000000000000")
        .replace("{username}", "not-there")
        .replace("{label}", "not-there");
    let body = match (method.as_str(), path) {
        ("PATCH", "/api/tunnels/{id}") => json!({ "enabled": true }),
        ("PATCH", _) => json!({ "capabilities": [] }),
        ("PUT", _) => json!({ "groups": [] }),
        _ => json!({}),
    };
    let ask = Ask::new(method.clone(), &concrete);
    if matches!(method, Method::GET | Method::DELETE) {
        ask
    } else {
        ask.json(&body)
    }
}

/// Whether an answer is what a cell of the matrix says.
fn is(answer: &Answer, expected: &str, handler: u16) -> Result<(), String> {
    let body = answer.json();
    let details = &body["details"];
    let status = answer.status.as_u16();
    let right = match expected {
        "ok" if handler == 400 => status == 400 && body["error"] == "Validation failed",
        "ok" => status == handler && details.get("certificate").is_none(),
        "missing" | "untrusted" | "expired" | "not_yet_valid" => {
            status == 400 && details["certificate"] == expected && details["hint"].is_string()
        }
        "revoked" | "nobody" => {
            status == 403 && details["certificate"] == expected && details["hint"].is_string()
        }
        "role" => status == 403 && *details == json!({ "required": ["admin"], "current": "agent" }),
        "capability" => {
            status == 403
                && details["required"] == "tunnels:write"
                && details["granted"][0] == "tunnels:read"
        }
        "not-yet" => {
            let literal = json!({"error": "Onboarding not complete", "onboardingStatus": "FRESH"});
            status == 503 && body == literal
        }
        other => panic!("unknown cell: {other}"),
    };
    if right {
        Ok(())
    } else {
        Err(format!("{status} {body}, not {expected}"))
    }
}
