//! Who gets what from every route, against a table written by hand; and what headers, origins
//! and methods can not do.
//!
//! # The matrix
//!
//! `access_matrix.csv` has two lines for every row of `ROUTES`: one for a server `before` its first
//! set-up is complete and one for `after`. The cells are written from the reference, not from what
//! the server answers. Each line is asked for on a server without two-factor sign-in to the panel
//! and on one with it.
//!
//! | Column | Meaning |
//! |---|---|
//! | `method` | the method; `WS` for a GET that asks for a WebSocket |
//! | `path` | as it stands in `ROUTES` |
//! | `setup` | `before` or `after` the first set-up |
//! | `handler` | the status with which the handler answers the test's request ([`probe`]), which must change nothing: an unknown id, a body that fails validation |
//! | `capability` | the right that lets an agent in; `-` when the rule names none |
//! | `anonymous` | no certificate |
//! | `foreign` | the admin's certificate of another server |
//! | `revoked`, `expired`, `not_yet_valid` | certificates of this server that are so |
//! | `nobody` | certificates of our authority with odd names, or good names and a wrong serial |
//! | `agent` | an agent with every right but `capability` (each has `tunnels:read`); with `-`: one with `tunnels:read` alone |
//! | `capable` | an agent with exactly `tunnels:read` and `capability`, and one with every right |
//! | `other_agent` | an agent with every right that names a thing of another agent ([`Stage::anothers`] puts it into the path); `-` when the path names no such thing |
//! | `admin` | the admin, on a server without two-factor sign-in |
//! | `admin_no_2fa`, `admin_2fa` | the admin without and with a session, on a server with it |
//! | `foreign_origin` | the admin's browser, sent by another website |
//!
//! | Cell | The answer |
//! |---|---|
//! | `ok` | the status in `handler`, from the handler |
//! | a number | this status from the handler, where it differs from `handler` |
//! | `missing`, `untrusted`, `expired`, `not_yet_valid` | 400 with `details.certificate` saying so |
//! | `revoked`, `nobody` | the same with 403 |
//! | `role` | 403, `details` `{"required":["admin"],"current":"agent"}` |
//! | `agent-role` | 403, `details` `{"required":["agent"],"current":"admin"}` |
//! | `capability` | 403, `details.required` is the line's capability, `details.granted` a list |
//! | `not-yours` | 403 from the operation: the thing is another agent's |
//! | `hidden` | 404: the thing is another agent's, and its existence is not told |
//! | `no-label` | 400 from the operation: only an agent has the thing that is asked for |
//! | `2fa` | 401, exactly `{"error":"2fa_required"}` |
//! | `not-yet` | 503, the literal of management before the set-up's end |
//! | `too-late` | 410, the literal of the set-up after its end |
//! | `origin` | 403: another website may have made the browser ask |

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use http::{Method, StatusCode};
use portlama_access::Presented;
use portlama_model::Capability;
use portlama_panel::ROUTES;
use serde_json::{Value, json};
use support::{Answer, Ask, ORIGIN, TestApp};

const MATRIX: &str = include_str!("access_matrix.csv");

#[tokio::test]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let stages = [
        Stage::new("before", TestApp::fresh().await).await,
        Stage::new("after", TestApp::completed().await).await,
        Stage::locked("before", TestApp::locked(None).await).await,
        Stage::locked("after", TestApp::locked(Some("lab.example.org")).await).await,
    ];
    let durable: Vec<_> = stages.iter().map(Stage::durable).collect();
    let mut wrong = vec![];
    for row in rows() {
        for stage in stages.iter().filter(|stage| stage.setup == row.setup) {
            wrong.extend(stage.walk(&row).await);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let left: Vec<_> = stages.iter().map(Stage::durable).collect();
    assert_eq!(left, durable);
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
        .map(|row| (row.http_method(), row.path, row.setup))
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
    let files = |files: BTreeMap<_, _>| files.len();
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
async fn a_websocket_is_opened_for_own_pages_and_programs_only() {
    let app = TestApp::completed().await;
    let opened: &[(&[(&'static str, &str)], bool)] = &[
        (&[], true),
        (&[("origin", ORIGIN)], true),
        (
            &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")],
            true,
        ),
        (&[("origin", "https://192.0.2.10:9292")], false),
        (&[("origin", "https://wiki.lab.example.org")], false),
        (&[("origin", "null")], false),
        (
            &[("origin", ORIGIN), ("sec-fetch-site", "same-site")],
            false,
        ),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "none")], false),
    ];
    for (headers, passes) in opened {
        let ask = Ask::websocket("/api/services/edge/logs");
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        let answer = app.send(&app.admin(), ask).await;
        // The test makes no offer to upgrade, so whoever passes is told to make one.
        let expected = if *passes { 426 } else { 403 };
        assert_eq!(answer.status.as_u16(), expected, "{headers:?}");
    }
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
    setup: &'static str,
    app: TestApp,
    /// Whether the panel asks the admin for a one-time code.
    locked: bool,
    /// Who needs no right, by column.
    callers: Vec<(&'static str, Presented)>,
    /// Per right: an agent with it and `tunnels:read` alone, and one with every other.
    agents: Vec<(Capability, [Presented; 2])>,
    reader: Presented,
    mighty: Presented,
    /// A tunnel of an agent that is none of these.
    tunnel: Option<String>,
    site: Option<String>,
}

/// The agent whose things the others must not touch.
const OWNER: &str = "owner";

impl Stage {
    async fn locked(setup: &'static str, app: TestApp) -> Self {
        let stage = Self::new(setup, app).await;
        Self {
            locked: true,
            ..stage
        }
    }

    async fn new(setup: &'static str, app: TestApp) -> Self {
        let revoked = app.agent("gone", Capability::ALL).await;
        app.revoke("gone").await;
        let reader = app.agent("reader", &[Capability::TunnelsRead]).await;
        let mighty = app.agent("mighty", Capability::ALL).await;
        let owner = app.agent(OWNER, Capability::ALL).await;
        let mut agents = vec![];
        for right in Capability::ALL.iter().copied() {
            let name = right.to_string().replace(':', "-");
            let only = [Capability::TunnelsRead, right];
            let others: Vec<_> = Capability::ALL
                .iter()
                .copied()
                .filter(|r| *r != right)
                .collect();
            let pair = [
                app.agent(&format!("only-{name}"), &only).await,
                app.agent(&format!("but-{name}"), &others).await,
            ];
            agents.push((right, pair));
        }
        let tunnel = match setup {
            "after" => {
                let ask = Ask::post(
                    "/api/tunnels",
                    &json!({ "subdomain": "owned", "port": 8400 }),
                );
                let made = app.send(&owner, ask).await.json();
                Some(made["tunnel"]["id"].as_str().expect("a tunnel").to_owned())
            }
            _ => None,
        };
        let site = match setup {
            "after" => {
                let ask = Ask::post(
                    "/api/sites",
                    &json!({ "name": "owned-site", "type": "managed" }),
                );
                let admin = app.admin();
                let session = app.session(app.identity(&admin).serial());
                let made = app
                    .send(&admin, ask.header("cookie", &session))
                    .await
                    .json();
                Some(made["site"]["id"].as_str().expect("a site").to_owned())
            }
            _ => None,
        };
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
            ("nobody", app.certificate("agent:reader", -1..20)),
            ("nobody", app.certificate("agent:never-enrolled", -1..20)),
        ];
        Self {
            setup,
            app,
            locked: false,
            callers,
            agents,
            reader,
            mighty,
            tunnel,
            site,
        }
    }

    /// The durable state but for what a repeated set-up of two-factor sign-in makes anew, and
    /// for what the background notes when a site's certificate has come.
    fn durable(&self) -> (BTreeMap<PathBuf, Vec<u8>>, [Value; 2]) {
        let mut files = self.app.durable();
        let mut document = |name: &str| {
            let path = files.keys().find(|path| path.ends_with(name)).cloned();
            let content = path.and_then(|path| files.remove(&path));
            content.map_or(Value::Null, |content| {
                serde_json::from_slice(&content).expect("JSON")
            })
        };
        let (mut panel, mut sites) = (document("panel.json"), document("sites.json"));
        panel["panel2fa"]["secret"].take();
        for site in sites.as_array_mut().into_iter().flatten() {
            site["certIssued"].take();
        }
        (files, [panel, sites])
    }

    /// Asks for one line as everybody; what was answered otherwise than the cells say.
    async fn walk(&self, row: &Row) -> Vec<String> {
        let mut wrong = vec![];
        for (column, caller, ask) in self.requests(row) {
            let answer = self.app.send(&caller, ask).await;
            if let Err(got) = is(&answer, row.expected(column), row) {
                let Row {
                    setup,
                    method,
                    path,
                    ..
                } = row;
                wrong.push(format!("{setup} {method} {path} as {column}: {got}"));
            }
        }
        wrong
    }

    fn requests(&self, row: &Row) -> Vec<(&'static str, Presented, Ask)> {
        let ask = || probe(row.method, row.path);
        let mut requests: Vec<_> = self
            .callers
            .iter()
            .map(|(column, caller)| (*column, caller.clone(), ask()))
            .collect();
        requests.push(("capable", self.mighty.clone(), ask()));
        match row.capability {
            None => requests.push(("agent", self.reader.clone(), ask())),
            Some(right) => {
                let (_, [only, all_but]) = self
                    .agents
                    .iter()
                    .find(|(known, _)| *known == right)
                    .expect("an agent for every right");
                requests.push(("capable", only.clone(), ask()));
                requests.push(("agent", all_but.clone(), ask()));
                if right != Capability::TunnelsRead {
                    requests.push(("agent", self.reader.clone(), ask()));
                }
            }
        }
        if row.expected("other_agent") != "-" {
            let ask = probe(row.method, &self.anothers(row.path));
            requests.push(("other_agent", self.mighty.clone(), ask));
        }
        if self.locked {
            let admin = self.app.admin();
            let session = self.app.session(self.app.identity(&admin).serial());
            requests.push(("admin_no_2fa", admin.clone(), ask()));
            requests.push(("admin_2fa", admin, ask().header("cookie", &session)));
            return requests;
        }
        requests.push(("admin", self.app.admin(), ask()));
        for origin in [
            "https://evil.example",
            "https://owned.lab.example.org",
            "null",
        ] {
            let ask = ask().header("origin", origin);
            requests.push(("foreign_origin", self.app.admin(), ask));
        }
        // A picture in a page of an app.
        let ask = ask().header("sec-fetch-site", "same-site");
        requests.push(("foreign_origin", self.app.admin(), ask));
        requests
    }

    /// A path that names a thing of the agent [`OWNER`]. Whoever adds a route that names another
    /// kind of thing makes one in [`Stage::new`] and puts it in here.
    fn anothers(&self, path: &str) -> String {
        let tunnel = self.tunnel.as_deref().unwrap_or(UNKNOWN_ID);
        let site = self.site.as_deref().unwrap_or(UNKNOWN_ID);
        match path {
            path if path.starts_with("/api/tunnels/") => path.replace("{id}", tunnel),
            path if path.starts_with("/api/sites/") => path.replace("{id}", site),
            path => path.replace("{label}", OWNER),
        }
    }
}

const UNKNOWN_ID: &str = "00000000-0000-0000-0000-000000000000";

struct Row {
    method: &'static str,
    path: &'static str,
    setup: &'static str,
    handler: u16,
    capability: Option<Capability>,
    cells: Vec<(&'static str, &'static str)>,
}

impl Row {
    fn expected(&self, column: &str) -> &'static str {
        let cell = self.cells.iter().find(|(name, _)| *name == column);
        cell.expect("the matrix has a column for every kind of caller")
            .1
    }

    fn http_method(&self) -> &'static str {
        match self.method {
            "WS" => "GET",
            method => method,
        }
    }
}

fn rows() -> impl Iterator<Item = Row> {
    let mut lines = MATRIX
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let columns = lines.next().expect("a head");
    lines.map(move |cells| {
        let [method, path, setup, handler, capability, ..] = cells[..] else {
            panic!("a short line: {cells:?}");
        };
        assert_eq!(cells.len(), columns.len(), "{cells:?}");
        assert!(["before", "after"].contains(&setup), "{cells:?}");
        let capability = (capability != "-").then(|| capability.parse().expect("a capability"));
        Row {
            method,
            path,
            setup,
            handler: handler.parse().expect("a status"),
            capability,
            cells: columns
                .iter()
                .copied()
                .zip(cells.iter().copied())
                .skip(5)
                .collect(),
        }
    })
}

/// A request that reaches the handler and changes nothing there.
fn probe(method: &str, path: &str) -> Ask {
    let concrete = path
        .replace("{id}", UNKNOWN_ID)
        .replace("{username}", "not-there")
        .replace("{label}", "not-there")
        .replace("{token}", &"0".repeat(64))
        .replace("{domain}", "not-there.example.org");
    let body = match (method, path) {
        ("PATCH", path) if path.starts_with("/api/tunnels/") => json!({ "enabled": true }),
        ("PATCH", "/api/certs/agent/{label}/allowed-sites") => json!({ "allowedSites": [] }),
        // Without a fault it would be a rotation.
        ("POST", "/api/certs/mtls/rotate") => json!({ "revokeNow": 0 }),
        ("PATCH", _) => json!({ "capabilities": [] }),
        ("PUT", _) => json!({ "groups": [] }),
        _ => json!({}),
    };
    match method {
        "WS" => Ask::websocket(&concrete),
        "GET" | "DELETE" => Ask::new(method.parse().expect("a method"), &concrete),
        _ => Ask::new(method.parse().expect("a method"), &concrete).json(&body),
    }
}

/// Whether an answer is what a cell of the matrix says.
fn is(answer: &Answer, expected: &str, row: &Row) -> Result<(), String> {
    let body = answer.json();
    let details = &body["details"];
    let status = answer.status.as_u16();
    let literal = |status: u16, literal: Value| answer.status.as_u16() == status && body == literal;
    let right = match expected {
        "ok" => status == row.handler && details.get("certificate").is_none(),
        "missing" | "untrusted" | "expired" | "not_yet_valid" => {
            status == 400 && details["certificate"] == expected && details["hint"].is_string()
        }
        "revoked" | "nobody" => {
            status == 403 && details["certificate"] == expected && details["hint"].is_string()
        }
        "role" => status == 403 && *details == json!({ "required": ["admin"], "current": "agent" }),
        "agent-role" => {
            status == 403 && *details == json!({ "required": ["agent"], "current": "admin" })
        }
        "capability" => {
            status == 403
                && details["required"] == json!(row.capability)
                && details["granted"][0] == "tunnels:read"
        }
        "not-yours" => status == 403 && details.is_null() && body["error"].is_string(),
        "no-label" => status == 400 && details.is_null() && body["error"].is_string(),
        "hidden" => status == 404 && body["error"].is_string(),
        "2fa" => literal(401, json!({ "error": "2fa_required" })),
        "not-yet" => literal(
            503,
            json!({ "error": "Onboarding not complete", "onboardingStatus": "FRESH" }),
        ),
        "too-late" => literal(410, json!({ "error": "Onboarding already completed" })),
        number if number.parse() == Ok(status) => details.get("certificate").is_none(),
        "origin" => {
            status == 403 && details["hint"].is_string() && details.get("certificate").is_none()
        }
        other if other.parse::<u16>().is_ok() => false,
        other => panic!("unknown cell: {other}"),
    };
    if right {
        Ok(())
    } else {
        Err(format!("{status} {body}, not {expected}"))
    }
}
