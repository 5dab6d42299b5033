//! What the pages of other websites make a browser ask of the portal.

mod house;

use bytes::Bytes;
use house::{Answer, HELLO, HERE, House, browser, nonce, query};
use http::StatusCode;
use portlama_control::rate::INVITATION_TRIES_PER_MINUTE;
use portlama_portal::REQUESTS_PER_MINUTE;
use portlama_testkit::SecurityLines;

/// `Sec-Fetch-Site`, `-Mode` and `-Dest`, as a browser sends them.
type Fetch = (&'static str, &'static str, &'static str);

const PICTURE: Fetch = ("cross-site", "no-cors", "image");
const LINK: Fetch = ("cross-site", "navigate", "document");
const FRAME: Fetch = ("same-site", "navigate", "iframe");

async fn get(house: &House, path: &str, sso: Option<&str>, fetch: Fetch) -> Answer {
    let (site, mode, dest) = fetch;
    let request = browser("GET", path, sso)
        .header("sec-fetch-site", site)
        .header("sec-fetch-mode", mode)
        .header("sec-fetch-dest", dest);
    house.send(request, Bytes::new()).await
}

/// The way to the app, for whoever comes from there.
fn wish() -> String {
    let rd = format!("{HELLO}/");
    format!("/?{}", query(&[("rd", &rd), ("nonce", &nonce())]))
}

#[tokio::test]
async fn another_website_fetches_nothing_and_may_link_here() {
    let house = House::new().await;
    let invitation = format!("/invite/{}", house.invite("abel").await);
    for path in ["/", "/signed-out", "/api/state", &invitation] {
        for site in ["same-site", "cross-site", "anything"] {
            for (mode, dest, status) in [
                ("no-cors", "image", 403),
                ("cors", "empty", 403),
                ("no-cors", "document", 403),
                ("navigate", "document", 200),
            ] {
                let answer = get(&house, path, None, (site, mode, dest)).await;
                assert_eq!(answer.status, status, "{path} {site} {mode} {dest}");
                let is_json = answer.body.contains("\"KO\"");
                assert_eq!(is_json, path.starts_with("/api/") && status == 403);
                assert_eq!(
                    answer.headers["cross-origin-resource-policy"],
                    "same-origin"
                );
            }
        }
        let cors = browser("GET", path, None).header("origin", "https://evil.example");
        let answer = house.send(cors, Bytes::new()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn own_pages_and_programs_read_the_routes_for_programs() {
    let house = House::new().await;
    let own = get(&house, "/api/state", None, ("same-origin", "cors", "empty"));
    assert_eq!(own.await.status, StatusCode::OK);
    let typed = get(&house, "/", None, ("none", "navigate", "document"));
    assert_eq!(typed.await.status, StatusCode::OK);
    let program = house.get("/api/state", None).await;
    assert_eq!(program.status, StatusCode::OK);
}

#[tokio::test]
async fn pictures_of_another_website_shut_nobody_out_of_invitations() {
    let house = House::new().await;
    for n in 0..=INVITATION_TRIES_PER_MINUTE {
        let picture = get(&house, "/invite/x", None, PICTURE).await;
        assert_eq!(picture.status, StatusCode::FORBIDDEN, "{n}");
        let form = browser("POST", "/invite/x", None)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site");
        let form = house.send(form, Bytes::new()).await;
        assert_eq!(form.status, StatusCode::FORBIDDEN, "{n}");
    }
    let path = format!("/invite/{}", house.invite("abel").await);
    let page = get(&house, &path, None, LINK).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[tokio::test]
async fn a_page_that_asks_without_end_shuts_nobody_out_of_the_sign_in() {
    let house = House::new().await;
    for n in 0..=REQUESTS_PER_MINUTE {
        let picture = get(&house, "/", None, PICTURE).await;
        assert_eq!(picture.status, StatusCode::FORBIDDEN, "{n}");
        let form = browser("POST", "/sign-in", None)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site");
        let form = house.send(form, Bytes::new()).await;
        assert_eq!(form.status, StatusCode::FORBIDDEN, "{n}");
    }
    assert_eq!(house.get("/", None).await.status, StatusCode::OK);
    house.two_factor().await;
}

#[tokio::test]
async fn an_app_leads_here_and_back() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let link = ("same-site", "navigate", "document");
    let stranger = get(&house, &wish(), None, link).await;
    assert_eq!(stranger.status, StatusCode::OK);
    let back = get(&house, &wish(), Some(&sso), link).await;
    assert_eq!(back.status, StatusCode::FOUND);
    assert!(back.location().starts_with(HELLO), "{}", back.location());
}

#[tokio::test]
async fn an_app_in_a_frame_of_another_is_handed_over_and_counted_apart() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let back = get(&house, &wish(), Some(&sso), FRAME).await;
    assert_eq!(back.status, StatusCode::FOUND, "{}", back.body);
    assert!(back.location().starts_with(HELLO), "{}", back.location());
    let elsewhere = ("cross-site", "navigate", "iframe");
    let refused = get(&house, &wish(), Some(&sso), elsewhere).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = get(&house, "/invite/x", None, FRAME).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    for n in 1..REQUESTS_PER_MINUTE {
        let frame = get(&house, "/", None, FRAME).await;
        assert_eq!(frame.status, StatusCode::OK, "{n}");
    }
    let frame = get(&house, "/", None, FRAME).await;
    assert_eq!(frame.status, StatusCode::TOO_MANY_REQUESTS);
    let own = browser("GET", "/", Some(&sso)).header("origin", HERE);
    let own = house.send(own, Bytes::new()).await;
    assert_eq!(own.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_is_told_of_for_what_another_website_made_their_browser_ask() {
    let house = House::new().await;
    let lines = SecurityLines::listen();
    let guess = format!("/invite/{}", "0".repeat(64));
    for _ in 0..2 * INVITATION_TRIES_PER_MINUTE {
        get(&house, &guess, None, LINK).await;
    }
    for _ in 0..=REQUESTS_PER_MINUTE {
        get(&house, "/", None, LINK).await;
        get(&house, "/", None, FRAME).await;
    }
    assert_eq!(lines.take(), Vec::<String>::new());
    let own = house.get("/", None).await;
    assert_eq!(own.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(lines.take(), ["refused too-many-requests from 203.0.113.7"]);

    let house = House::new().await;
    assert_eq!(house.get(&guess, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lines.take(), ["refused wrong-invitation from 203.0.113.7"]);
}
