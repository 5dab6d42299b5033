//! How a guest becomes a user with a browser.

mod house;

use house::{House, browser, value};
use http::StatusCode;
use portlama_control::rate::INVITATION_TRIES_PER_MINUTE;

const PASSWORD: &str = "a few words of my own";

#[tokio::test]
async fn a_guest_chooses_a_password_scans_and_signs_in() {
    let house = House::new().await;
    let path = format!("/invite/{}", house.invite("abel").await);
    for _ in 0..2 {
        let page = house.get(&path, None).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("abel"), "{}", page.body);
        assert!(page.body.contains("new-password"), "{}", page.body);
    }
    let pairs = [("password", PASSWORD), ("repeated", PASSWORD)];
    let page = house.form(&path, &pairs, None).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("<svg"), "{}", page.body);
    let uri = page.body.split("href=\"otpauth:").nth(1).expect("a link");
    let uri = uri
        .split('"')
        .next()
        .expect("its end")
        .replace("&amp;", "&");
    let seed = value(&uri, "secret").expect("a seed");

    let sign_in = [("username", "abel"), ("password", PASSWORD)];
    let first = house.form("/sign-in", &sign_in, None).await;
    let sso = first.token().expect("a cookie");
    let code = house.code_of(&seed);
    let second = house.form("/code", &[("code", &code)], Some(&sso)).await;
    assert_eq!(second.status, StatusCode::SEE_OTHER, "{}", second.body);

    let again = house.form(&path, &pairs, None).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(!again.body.contains("otpauth"), "{}", again.body);
    assert_eq!(house.get(&path, None).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn what_is_typed_wrongly_can_be_typed_again() {
    let house = House::new().await;
    let path = format!("/invite/{}", house.invite("abel").await);
    for pairs in [
        vec![],
        vec![("password", PASSWORD)],
        vec![("password", PASSWORD), ("repeated", "something else")],
        vec![("password", "short"), ("repeated", "short")],
    ] {
        let page = house.form(&path, &pairs, None).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{pairs:?}");
        assert!(page.body.contains("role=\"alert\""), "{}", page.body);
        assert!(!page.body.contains(PASSWORD), "{}", page.body);
    }
    assert_eq!(house.get(&path, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_website_cannot_accept_for_a_guest() {
    let house = House::new().await;
    let path = format!("/invite/{}", house.invite("abel").await);
    let body = format!("password={PASSWORD}&repeated={PASSWORD}").replace(' ', "+");
    let request = browser("POST", &path, None)
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = house.send(request, body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get(&path, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn guesses_are_counted() {
    let house = House::new().await;
    let token = house.invite("abel").await;
    let path = format!("/invite/{token}");
    let guess = format!("/invite/{}", "0".repeat(token.len()));
    for n in 0..INVITATION_TRIES_PER_MINUTE {
        let answer = match n % 2 {
            0 => house.get(&guess, None).await,
            _ => house.form(&guess, &[], None).await,
        };
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{n}");
    }
    let pairs = [("password", PASSWORD), ("repeated", PASSWORD)];
    for answer in [
        house.get(&path, None).await,
        house.form(&path, &pairs, None).await,
    ] {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        let wait = answer.headers["retry-after"].to_str().expect("ASCII");
        let wait: u64 = wait.parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(!answer.body.contains("abel"), "{}", answer.body);
    }
    // Signing in is another matter.
    assert_eq!(house.get("/", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_invitation_is_told_on_a_page() {
    let house = House::new().await;
    let unknown = format!("/invite/{}", "0".repeat(64));
    let page = house.get(&unknown, None).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("<h1>"), "{}", page.body);
}

#[tokio::test]
async fn an_invitation_ends() {
    let house = House::new().await;
    let path = format!("/invite/{}", house.invite("abel").await);
    house.pass(std::time::Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(house.get(&path, None).await.status, StatusCode::GONE);
    let pairs = [("password", PASSWORD), ("repeated", PASSWORD)];
    let late = house.form(&path, &pairs, None).await;
    assert_eq!(late.status, StatusCode::GONE);
}
