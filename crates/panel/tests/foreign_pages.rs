//! What the pages of other websites make a browser ask of the panel.

mod support;

use http::{Method, StatusCode};
use portlama_panel::REQUESTS_PER_MINUTE;
use support::{Ask, TestApp};

#[tokio::test]
async fn another_website_fetches_nothing_and_may_link_to_pages() {
    let app = TestApp::completed().await;
    // A link into the API would save files, such as the admin's P12, unasked.
    for (path, link) in [
        ("/api/certs/mtls/download", 403),
        ("/api/health", 403),
        ("/", 200),
        ("/tunnels", 200),
    ] {
        for site in ["same-site", "cross-site", "anything"] {
            for (mode, dest, status) in [
                ("no-cors", "image", 403),
                ("cors", "empty", 403),
                ("navigate", "iframe", 403),
                ("no-cors", "document", 403),
                ("navigate", "document", link),
            ] {
                let ask = Ask::get(path)
                    .header("sec-fetch-site", site)
                    .header("sec-fetch-mode", mode)
                    .header("sec-fetch-dest", dest);
                let answer = app.send(&app.admin(), ask).await;
                assert_eq!(answer.status, status, "{path} {site} {mode} {dest}");
                assert_eq!(answer.header("access-control-allow-origin"), "");
                assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            }
        }
        let cors = Ask::get(path).header("origin", "https://evil.example");
        let answer = app.send(&app.admin(), cors).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let preflight = Ask::new(Method::OPTIONS, "/api/users")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "DELETE");
    let answer = app.send(&app.admin(), preflight).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn a_page_that_asks_without_end_takes_nothing_from_the_admin() {
    let app = TestApp::completed().await;
    let browser = [198, 51, 100, 9].into();
    let last = REQUESTS_PER_MINUTE + 1;
    for n in 0..=last {
        let picture = Ask::get("/api/health").header("sec-fetch-site", "cross-site");
        let answer = app.send_from(browser, &app.admin(), picture).await;
        let expected = if n < REQUESTS_PER_MINUTE { 403 } else { 429 };
        assert_eq!(answer.status, expected, "{n}");
    }
    let own = Ask::get("/api/users").header("sec-fetch-site", "same-origin");
    let answer = app.send_from(browser, &app.admin(), own).await;
    assert_eq!(answer.status, StatusCode::OK);
}
