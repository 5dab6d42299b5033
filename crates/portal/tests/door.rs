//! What gets in at all, and what every answer carries.

mod house;

use house::{HELLO, HERE, House, PASSWORD, USER, browser, nonce, query};
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, ORIGIN};
use portlama_portal::{BODY_TIMEOUT, MAX_BODY_BYTES, REQUESTS_PER_MINUTE};

const FORMS: [&str; 3] = ["/sign-in", "/code", "/sign-out"];
const PROGRAMS: [&str; 3] = ["/api/firstfactor", "/api/secondfactor/totp", "/api/logout"];
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn other_websites_change_nothing() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let foreign: [&[(&str, &str)]; 10] = [
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("origin", HELLO), ("sec-fetch-site", "same-site")],
        &[("origin", "https://auth.lab.example.org")],
        &[("origin", "http://auth.lab.example.org:8443")],
        &[("origin", "null")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[("origin", HERE), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", HERE), ("origin", "https://evil.example")],
    ];
    let routes = FORMS
        .map(|path| (path, FORM))
        .into_iter()
        .chain(PROGRAMS.map(|path| (path, JSON)));
    for (path, media) in routes {
        for headers in foreign {
            let mut request = browser("POST", path, Some(&sso)).header(CONTENT_TYPE, media);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let body = if media == JSON {
                format!(
                    "{{\"username\":\"{USER}\",\"password\":\"{PASSWORD}\",\"token\":\"123456\"}}"
                )
            } else {
                query(&[
                    ("username", USER),
                    ("password", PASSWORD),
                    ("code", "123456"),
                ])
            };
            let answer = house.send(request, body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert_eq!(answer.set_cookie(), None, "{path} {headers:?}");
        }
    }
    assert_eq!(house.level(&sso).await, 2);
}

#[tokio::test]
async fn programs_without_an_origin_may_use_the_forms() {
    let house = House::new().await;
    let request = browser("POST", "/sign-in", None).header(CONTENT_TYPE, FORM);
    let body = query(&[("username", USER), ("password", PASSWORD)]);
    assert_eq!(
        house.send(request, body).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn each_route_takes_its_own_content_type() {
    let house = House::new().await;
    for (paths, own) in [(FORMS, FORM), (PROGRAMS, JSON)] {
        for path in paths {
            for media in [
                "text/plain",
                "multipart/form-data; boundary=x",
                FORM,
                JSON,
                "\u{e9}",
            ] {
                if media == own {
                    continue;
                }
                let request = browser("POST", path, None).header(ORIGIN, HERE);
                let request = request.header(CONTENT_TYPE, media.as_bytes());
                let answer = house.send(request, "{}").await;
                assert_eq!(
                    answer.status,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "{path} {media}"
                );
            }
            let answer = house.send(browser("POST", path, None), "x").await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        }
    }
    let request = browser("POST", "/api/logout", None)
        .header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    assert_eq!(house.send(request, "{}").await.status, StatusCode::OK);
}

#[tokio::test]
async fn long_bodies_are_413() {
    let house = House::new().await;
    let body = |size: usize| {
        let start = "{\"x\":\"";
        format!("{start}{}\"}}", "y".repeat(size - start.len() - 2))
    };
    let longest = house.json("/api/logout", body(MAX_BODY_BYTES), None).await;
    assert_eq!(longest.status, StatusCode::OK);
    for path in PROGRAMS {
        let answer = house.json(path, body(MAX_BODY_BYTES + 1), None).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(answer.body.contains("\"KO\""), "{}", answer.body);
    }
    for path in FORMS {
        let pairs = [("password", &*"x".repeat(MAX_BODY_BYTES))];
        let answer = house.form(path, &pairs, None).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn incomplete_and_doubled_forms_are_400() {
    let house = House::new().await;
    let sso = house.first_factor().await;
    let name = "x".repeat(65);
    let bad: [(&str, &[(&str, &str)]); 7] = [
        ("/sign-in", &[]),
        ("/sign-in", &[("username", USER)]),
        ("/sign-in", &[("username", USER), ("password", "")]),
        (
            "/sign-in",
            &[
                ("username", USER),
                ("password", "a"),
                ("password", PASSWORD),
            ],
        ),
        ("/sign-in", &[("username", &name), ("password", PASSWORD)]),
        ("/code", &[]),
        ("/code", &[("code", "123456"), ("code", "123457")]),
    ];
    for (path, pairs) in bad {
        let answer = house.form(path, pairs, Some(&sso)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {pairs:?}");
        assert_eq!(answer.set_cookie(), None);
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_refused() {
    let house = House::new().await;
    for (path, json) in [
        ("/nothing", false),
        ("/assets/portal.css", false),
        ("/sign-in/", false),
        ("/api/", true),
        ("/api/verify", true),
        ("/api/firstfactor/x", true),
    ] {
        let answer = house.get(path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            answer.body.starts_with("{\"status\":\"KO\""),
            json,
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("POST", "/", "GET,HEAD"),
        ("GET", "/sign-in", "POST"),
        ("DELETE", "/sign-out", "GET,HEAD,POST"),
        ("GET", "/api/logout", "POST"),
        ("PUT", "/api/state", "GET,HEAD"),
    ] {
        let answer = house.send(browser(method, path, None), "").await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.headers[ALLOW], allow, "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_protective_headers() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce())]);
    let answers = [
        house.get("/", None).await,
        house.get(&format!("/?{wish}"), Some(&sso)).await,
        house.get(&format!("/continue?{wish}"), Some(&sso)).await,
        house.get("/nothing", None).await,
        house.get("/api/state", None).await,
        house.get("/api/nothing", None).await,
        house.get("/api/logout", None).await,
        house.form("/sign-in", &[], None).await,
        house.form("/sign-out", &[], Some(&sso)).await,
        house.json("/api/firstfactor", "x", None).await,
    ];
    for answer in answers {
        let header = |name: &str| answer.headers[name].to_str().expect("ASCII");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("strict-transport-security"), "max-age=63072000");
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn pages_need_nothing_from_elsewhere() {
    let house = House::new().await;
    let first = house.first_factor().await;
    let second = house.two_factor().await;
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce())]);
    let pages = [
        house.get("/", None).await,
        house.get(&format!("/?{wish}"), None).await,
        house.get("/?rd=https%3A%2F%2Fevil.example%2F", None).await,
        house.get(&format!("/?{wish}"), Some(&first)).await,
        house.get(&format!("/continue?{wish}"), Some(&second)).await,
        house.get("/", Some(&second)).await,
        house.get("/sign-out", Some(&second)).await,
        house.get("/signed-out", None).await,
        house.get("/nothing", None).await,
    ];
    for page in pages {
        let page = page.body;
        assert!(
            !page.contains("<script") && !page.contains(" style="),
            "{page}"
        );
        assert!(!page.contains("evil.example"), "{page}");
        for tag in page.split('<').filter(|tag| !tag.starts_with("a ")) {
            for attribute in ["src=\"", "href=\"", "action=\"", "url="] {
                for (at, _) in tag.match_indices(attribute) {
                    let target = &tag[at + attribute.len()..];
                    assert!(
                        target.starts_with('/') && !target.starts_with("//"),
                        "{tag}"
                    );
                }
            }
        }
        // Everything a page loads is there, and may be kept.
        for (at, _) in page.match_indices("\"/assets/") {
            let path = page[at + 1..].split('"').next().expect("closed");
            let asset = house.get(path, None).await;
            assert_eq!(asset.status, StatusCode::OK, "{path}");
            assert!(
                asset.headers["cache-control"]
                    .to_str()
                    .expect("ASCII")
                    .contains("immutable")
            );
            assert!(
                !asset.body.contains("url(") && !asset.body.contains("@import"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn an_address_asks_so_often_and_then_waits() {
    let house = House::new().await;
    for n in 0..REQUESTS_PER_MINUTE {
        let answer = house.get("/api/state", None).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}");
    }
    let page = house.get("/", None).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.body.contains("<h1>"), "{}", page.body);
    let program = house.get("/api/state", None).await;
    assert_eq!(program.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(program.body.contains("\"KO\""), "{}", program.body);
    for answer in [&page, &program] {
        let wait = answer.headers["retry-after"].to_str().expect("ASCII");
        let wait: u64 = wait.parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(answer.headers.contains_key("content-security-policy"));
    }
    // The page of the refusal keeps its looks.
    let style = page
        .body
        .split('"')
        .find(|part| part.starts_with("/assets/"));
    let style = house.get(style.expect("a style sheet"), None).await;
    assert_eq!(style.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_drips_for_ever_ends() {
    let house = House::new().await;
    tokio::time::pause();
    for (paths, media) in [(FORMS, FORM), (PROGRAMS, JSON)] {
        for path in paths {
            let request = browser("POST", path, None).header(CONTENT_TYPE, media);
            let started = tokio::time::Instant::now();
            let answer = house.send_body(request, house::dripping()).await;
            assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT, "{path}");
            assert!(started.elapsed() <= BODY_TIMEOUT * 2, "{path}");
        }
    }
}
