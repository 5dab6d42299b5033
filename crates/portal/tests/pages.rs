//! Signing in and out with a browser.

mod house;

use std::time::Duration;

use house::{BLOG, HELLO, House, NONCE_COOKIE, PASSWORD, USER, host, nonce, query, value};
use http::StatusCode;
use portlama_auth::TOTP_PERIOD;

#[tokio::test]
async fn signs_in_by_forms_and_returns_to_the_app() {
    let house = House::new().await;
    let rd = format!("{HELLO}/notes?page=2&q=a%20b");
    let nonce = nonce();
    let wish = [("rd", &*rd), ("nonce", &*nonce)];
    let start = format!("/?{}", query(&wish));

    let page = house.get(&start, None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("hello.lab.example.org"), "{}", page.body);

    let pairs = [
        ("username", " Mira "),
        ("password", PASSWORD),
        wish[0],
        wish[1],
    ];
    let answer = house.form("/sign-in", &pairs, None).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, &*start)
    );
    let first = answer.token().expect("a cookie");

    let page = house.get(answer.location(), Some(&first)).await;
    assert!(page.body.contains("one-time-code"), "{}", page.body);

    let spaced = format!("{} {}", &house.code()[..3], &house.code()[3..]);
    let answer = house
        .form(
            "/code",
            &[("code", &spaced), wish[0], wish[1]],
            Some(&first),
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), format!("/continue?{}", query(&wish)));
    let second = answer.token().expect("a cookie");
    assert_ne!(first, second);
    assert_eq!(
        (house.level(&first).await, house.level(&second).await),
        (0, 2)
    );

    // A page between form and app: `form-action` then has nothing to do with the app.
    let page = house.get(answer.location(), Some(&second)).await;
    assert_eq!(page.status, StatusCode::OK);
    let next = start.replace('&', "&amp;");
    assert!(
        page.body.contains(&format!("content=\"0; url={next}\"")),
        "{}",
        page.body
    );

    let answer = house.get(&start, Some(&second)).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let back = answer.location();
    assert!(
        back.starts_with(&format!("{HELLO}/.portlama/session?code=")),
        "{back}"
    );
    assert_eq!(value(back, "rd").as_deref(), Some("/notes?page=2&q=a%20b"));
    let code = value(back, "code").expect("a code");
    let app = host("hello.lab.example.org");
    assert!(
        house
            .control
            .redeem(&code, &app, NONCE_COOKIE)
            .await
            .is_some()
    );
}

#[tokio::test]
async fn the_cookie_stays_on_this_host_and_out_of_scripts() {
    let house = House::new().await;
    let pairs = [("username", USER), ("password", PASSWORD)];
    let answer = house.form("/sign-in", &pairs, None).await;
    let cookie = answer.set_cookie().expect("a cookie").to_owned();
    let (pair, attributes) = cookie.split_once(';').expect("attributes");
    assert_eq!(
        attributes,
        " Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200"
    );
    let (name, token) = pair.split_once('=').expect("a value");
    assert_eq!(name, "__Host-portlama_sso");
    assert!(token.len() >= 22, "at least 128 bits: {token}");
    assert!(!answer.body.contains(token) && !answer.location().contains(token));
}

#[tokio::test]
async fn every_password_makes_a_new_session() {
    let house = House::new().await;
    let first = house.two_factor().await;
    let pairs = [("username", USER), ("password", PASSWORD)];
    let answer = house.form("/sign-in", &pairs, Some(&first)).await;
    let second = answer.token().expect("a cookie");
    assert_ne!(first, second);
    assert_eq!(house.level(&second).await, 1);
}

#[tokio::test]
async fn keeps_the_name_after_a_wrong_password() {
    let house = House::new().await;
    let rd = format!("{HELLO}/");
    let pairs = [
        ("username", USER),
        ("password", "wrong horse"),
        ("rd", &*rd),
    ];
    let answer = house.form("/sign-in", &pairs, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.set_cookie(), None);
    insta::assert_snapshot!("wrong_password", settled(&answer.body));
}

#[tokio::test]
async fn keeps_the_session_after_a_wrong_code() {
    let house = House::new().await;
    let sso = house.first_factor().await;
    let wrong = if house.code() == "000000" {
        "000001"
    } else {
        "000000"
    };
    let answer = house.form("/code", &[("code", wrong)], Some(&sso)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.set_cookie(), None);
    insta::assert_snapshot!("wrong_code", settled(&answer.body));

    let answer = house.form("/code", &[("code", "12345")], Some(&sso)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = house
        .form("/code", &[("code", &house.code())], Some(&sso))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_code_works_once() {
    let house = House::new().await;
    let code = house.code();
    house.two_factor().await;
    let sso = house.first_factor().await;
    let answer = house.form("/code", &[("code", &code)], Some(&sso)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    house.pass(TOTP_PERIOD);
    let answer = house
        .form("/code", &[("code", &house.code())], Some(&sso))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_code_without_a_password_leads_back_to_the_password() {
    let house = House::new().await;
    for sso in [None, Some("forged")] {
        let answer = house.form("/code", &[("code", &house.code())], sso).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.set_cookie(), None);
        assert!(answer.body.contains("current-password"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_form_sent_twice_goes_on() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let answer = house
        .form("/code", &[("code", &house.code())], Some(&sso))
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/")
    );
}

#[tokio::test]
async fn the_right_password_while_banned_is_answered_as_a_wrong_one() {
    let house = House::new().await;
    let wrong = [("username", USER), ("password", "wrong horse")];
    let right = [("username", USER), ("password", PASSWORD)];
    let first = house.form("/sign-in", &wrong, None).await;
    for _ in 0..6 {
        house.form("/sign-in", &wrong, None).await;
    }
    let banned = house.form("/sign-in", &right, None).await;
    assert_eq!(banned.status, StatusCode::UNAUTHORIZED);
    assert_eq!(banned.headers, first.headers);
    assert_eq!(banned.body, first.body);

    house.pass(Duration::from_secs(3600));
    house.first_factor().await;
}

#[tokio::test]
async fn what_was_typed_comes_back_as_text() {
    let house = House::new().await;
    let pairs = [
        ("username", "\"><script>alert(1)</script>"),
        ("password", "x"),
    ];
    let answer = house.form("/sign-in", &pairs, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(!answer.body.contains("<script"), "{}", answer.body);

    let sso = house.two_factor().await;
    let page = house.get("/", Some(&sso)).await;
    assert!(
        page.body.contains("Mira &lt;b&gt;O'Neill&lt;/b&gt;"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn lists_the_apps_that_are_switched_on() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let page = house.get("/", Some(&sso)).await.body;
    assert!(page.contains(&format!("href=\"{HELLO}/\"")), "{page}");
    assert!(page.contains(&format!("href=\"{BLOG}/\"")), "{page}");
    assert!(!page.contains("off.lab"), "{page}");
    insta::assert_snapshot!("signed_in", settled(&page));
}

#[tokio::test]
async fn signing_out_ends_the_session_of_every_app() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let nonce = nonce();
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce)]);
    let back = house.get(&format!("/?{wish}"), Some(&sso)).await;
    let code = value(back.location(), "code").expect("a code");
    let app = host("hello.lab.example.org");
    let session = house
        .control
        .redeem(&code, &app, NONCE_COOKIE)
        .await
        .expect("a session");
    let visitor = || {
        house
            .control
            .live()
            .sessions()
            .visitor(&app, session.expose())
    };
    assert!(visitor().is_some());

    let answer = house.form("/sign-out", &[], Some(&sso)).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/signed-out")
    );
    let cookie = answer.set_cookie().expect("a cookie");
    assert!(cookie.starts_with("__Host-portlama_sso=;") && cookie.ends_with("Max-Age=0"));
    assert_eq!(house.level(&sso).await, 0);
    assert!(visitor().is_none());
    assert_eq!(
        house.get("/signed-out", Some(&sso)).await.status,
        StatusCode::OK
    );
    let other = house.first_factor().await;
    assert_eq!(house.get("/signed-out", Some(&other)).await.location(), "/");
}

#[tokio::test]
async fn another_account_keeps_the_destination() {
    let house = House::new().await;
    let sso = house.first_factor().await;
    let rd = format!("{HELLO}/notes");
    let answer = house
        .form("/sign-out", &[("then", "sign-in"), ("rd", &rd)], Some(&sso))
        .await;
    assert_eq!(answer.location(), format!("/?{}", query(&[("rd", &rd)])));
    assert_eq!(house.level(&sso).await, 0);
}

#[tokio::test]
async fn reading_changes_nothing() {
    let house = House::new().await;
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce())]);
    for (sso, level) in [
        (house.first_factor().await, 1),
        (house.two_factor().await, 2),
    ] {
        for path in [
            "/",
            "/sign-out",
            "/signed-out",
            "/continue",
            "/sign-in",
            "/code",
            "/api/state",
        ] {
            for path in [path.to_owned(), format!("{path}?{wish}&then=sign-in")] {
                let answer = house.get(&path, Some(&sso)).await;
                assert_eq!(answer.set_cookie(), None, "{path}");
                assert_eq!(house.level(&sso).await, level, "{path}");
            }
        }
    }
}

/// The page with the digests of the assets' names left out.
fn settled(page: &str) -> String {
    let mut page = page.replace('>', ">\n");
    for asset in ["portal", "mark"] {
        let stem = format!("/assets/{asset}.");
        while let Some(at) = page.find(&stem) {
            let end = at + stem.len() + 16;
            page.replace_range(at..=end, &format!("/assets/({asset})."));
        }
    }
    page
}
