//! Visitors and the sign-in, as a browser and as a program sees it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portlama_control::TunnelChange;
use portlama_model::AccessMode;

use crate::client::{Raw, ask, get};
use crate::house::{House, PORTAL, PRIVATE, PUBLIC};
use crate::origin::Seen;
use crate::websocket::FIELDS as WEBSOCKET;

/// The value of a cookie that an answer sets.
fn cookie<'a>(answer: &'a Raw, name: &str) -> Option<&'a str> {
    answer
        .headers("set-cookie")
        .into_iter()
        .find_map(|c| c.strip_prefix(name)?.strip_prefix('=')?.split(';').next())
}

/// Signs in on the private host the way a browser does; the session cookie.
pub(crate) async fn session(house: &House) -> String {
    session_on(house, PRIVATE).await
}

/// The same on any host that is for signed-in visitors.
pub(crate) async fn session_on(house: &House, host: &str) -> String {
    let sso = house.sign_in().await;
    let away = get(house, host, "/deep/page?x=1", "accept: text/html\r\n").await;
    assert_eq!(away.status, 302, "{}", away.text());
    let nonce = cookie(&away, "__Host-portlama_nonce").expect("a nonce");
    let shown = URL_SAFE_NO_PAD.encode(digest(&SHA256, nonce.as_bytes()));
    let url = format!("https://{}/deep/page?x=1", house.authority_of(host));
    let code = house.handover(&sso, &url, &shown);
    let back = get(
        house,
        host,
        &format!("/.portlama/session?code={code}&rd=%2Fdeep%2Fpage%3Fx%3D1"),
        &format!("cookie: __Host-portlama_nonce={nonce}\r\n"),
    )
    .await;
    assert_eq!(
        (back.status, back.header("location")),
        (302, Some("/deep/page?x=1")),
        "{}",
        back.text()
    );
    assert_eq!(cookie(&back, "__Host-portlama_nonce"), Some(""));
    let session = cookie(&back, "__Host-portlama_session")
        .expect("a session")
        .to_owned();
    // A code is good once.
    let again = get(
        house,
        host,
        &format!("/.portlama/session?code={code}&rd=%2F"),
        &format!("cookie: __Host-portlama_nonce={nonce}\r\n"),
    )
    .await;
    assert_eq!(cookie(&again, "__Host-portlama_session"), None);
    format!("__Host-portlama_session={session}")
}

#[tokio::test]
async fn strangers_are_led_to_the_sign_in_and_back() {
    let house = House::new().await;
    let answer = get(&house, PRIVATE, "/a?b=c&d", "accept: */*\r\n").await;
    assert_eq!(answer.status, 302);
    let port = house.https.port();
    let nonce = cookie(&answer, "__Host-portlama_nonce").expect("a nonce");
    let shown = URL_SAFE_NO_PAD.encode(digest(&SHA256, nonce.as_bytes()));
    let expected = format!(
        "https://{PORTAL}:{port}/?rd=https%3A%2F%2F{PRIVATE}%3A{port}%2Fa%3Fb%3Dc%26d&nonce={shown}"
    );
    assert_eq!(answer.header("location"), Some(expected.as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(
        set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"),
        "{set}"
    );
    // A second tab keeps the nonce of the first.
    let second = get(
        &house,
        PRIVATE,
        "/",
        &format!("cookie: __Host-portlama_nonce={nonce}\r\n"),
    )
    .await;
    assert_eq!(cookie(&second, "__Host-portlama_nonce"), Some(nonce));
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn programs_are_told_and_not_led() {
    let house = House::new().await;
    let authority = house.authority_of(PRIVATE);
    for fields in [
        "accept: application/json\r\n".to_owned(),
        "accept: */*\r\nsec-fetch-mode: cors\r\n".to_owned(),
        crate::websocket::FIELDS.to_owned(),
    ] {
        let answer = get(&house, PRIVATE, "/ws", &fields).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (401, None),
            "{fields}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = ask(
            &house,
            PRIVATE,
            &format!("{method} / HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 0\r\n\r\n"),
        )
        .await;
        assert_eq!(answer.status, 401, "{method}");
    }
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn signed_in_visitors_pass_and_the_service_knows_them() {
    let house = House::new().await;
    house.add_user("Mira Müller").await;
    let session = session(&house).await;
    let fields =
        format!("cookie: theme=dark; {session}\r\nremote-user: admin\r\nremote_groups: root\r\n");
    let answer = get(&house, PRIVATE, "/", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = Seen {
        head: answer.text(),
    };
    assert_eq!(seen.values("remote-user"), ["mira"]);
    assert_eq!(seen.values("remote-groups"), ["staff"]);
    assert_eq!(seen.values("remote-name"), ["Mira M%C3%BCller"]);
    assert_eq!(seen.values("remote-email"), ["mira@example.net"]);
    assert_eq!(seen.values("cookie"), ["theme=dark"]);
    assert!(seen.values("remote_groups").is_empty());
    // The session is of this host alone.
    let public = Seen {
        head: get(&house, PUBLIC, "/", &fields).await.text(),
    };
    assert!(public.values("remote-user").is_empty());
    // Wrong and foreign tokens are no sessions.
    let wrong = get(
        &house,
        PRIVATE,
        "/",
        "cookie: __Host-portlama_session=AAAA\r\naccept: application/json\r\n",
    )
    .await;
    assert_eq!(wrong.status, 401);
}

#[tokio::test]
async fn other_websites_cannot_use_a_visitors_session_to_change_things() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let session = session(&house).await;
    let authority = house.authority_of(PRIVATE);
    let post = async |site: &str| {
        let fields =
            format!("cookie: {session}\r\nsec-fetch-site: {site}\r\ncontent-length: 0\r\n");
        ask(
            &house,
            PRIVATE,
            &format!("POST /x HTTP/1.1\r\nhost: {authority}\r\n{fields}\r\n"),
        )
        .await
        .status
    };
    assert_eq!(post("same-origin").await, 200);
    assert_eq!(post("same-site").await, 403);
    assert_eq!(post("cross-site").await, 403);
    assert_eq!(house.origin.count("/x"), 1);
    let change = TunnelChange {
        allow_cross_site: Some(true),
        ..TunnelChange::default()
    };
    house.change(PRIVATE, change).await;
    assert_eq!(post("cross-site").await, 200);
}

#[tokio::test]
async fn an_origin_betrays_other_websites_where_browsers_do_not_say_where_they_began() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let session = session(&house).await;
    let authority = house.authority_of(PRIVATE);
    let open = async |origin: &str| {
        let fields = format!("cookie: {session}\r\n{WEBSOCKET}{origin}");
        get(&house, PRIVATE, "/ws", &fields).await.status
    };
    let sibling = house.authority_of(PUBLIC);
    for foreign in [
        &format!("https://{sibling}"),
        "https://evil.example",
        "null",
    ] {
        let origin = format!("origin: {foreign}\r\n");
        assert_eq!(open(&origin).await, 403, "{foreign}");
        let post = format!(
            "POST /x HTTP/1.1\r\nhost: {authority}\r\ncookie: {session}\r\n\
             content-length: 0\r\n{origin}\r\n"
        );
        assert_eq!(ask(&house, PRIVATE, &post).await.status, 403, "{foreign}");
    }
    assert_eq!(house.origin.count("/ws") + house.origin.count("/x"), 0);
    assert_eq!(open(&format!("origin: https://{authority}\r\n")).await, 101);
    assert_eq!(open("").await, 101);
}

#[tokio::test]
async fn a_sign_in_that_cannot_come_back_ends_on_a_page() {
    let house = House::new().await;
    let bad = "/.portlama/session?code=wrong&rd=%2F%2Fevil.example";
    let first = get(&house, PRIVATE, bad, "").await;
    assert_eq!(first.status, 302);
    assert!(
        first
            .header("location")
            .is_some_and(|l| l.starts_with(&format!("https://{PORTAL}:")))
    );
    assert!(!first.head.contains("evil"), "{}", first.head);
    assert_eq!(cookie(&first, "__Host-portlama_retry"), Some("1"));
    let second = get(
        &house,
        PRIVATE,
        bad,
        "cookie: __Host-portlama_retry=1\r\naccept: text/html\r\n",
    )
    .await;
    assert_eq!((second.status, second.header("location")), (400, None));
    assert!(second.text().contains("cookies"));
}

#[tokio::test]
async fn a_code_needs_the_browser_that_began() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let sso = house.sign_in().await;
    let nonce = URL_SAFE_NO_PAD.encode([7; 32]);
    let shown = URL_SAFE_NO_PAD.encode(digest(&SHA256, nonce.as_bytes()));
    let url = format!("https://{}/", house.authority_of(PRIVATE));
    for cookies in [
        String::new(),
        format!(
            "cookie: __Host-portlama_nonce={}\r\n",
            URL_SAFE_NO_PAD.encode([8; 32])
        ),
    ] {
        let code = house.handover(&sso, &url, &shown);
        let stolen = get(
            &house,
            PRIVATE,
            &format!("/.portlama/session?code={code}&rd=%2F"),
            &cookies,
        )
        .await;
        assert_eq!(cookie(&stolen, "__Host-portlama_session"), None);
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_needs_our_own_page() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let session = session(&house).await;
    let authority = house.authority_of(PRIVATE);
    let sign_out = async |fields: &str| {
        let head = format!(
            "POST /.portlama/sign-out HTTP/1.1\r\nhost: {authority}\r\ncookie: {session}\r\ncontent-length: 0\r\n{fields}\r\n"
        );
        ask(&house, PRIVATE, &head).await.status
    };
    let visit = async || {
        get(&house, PRIVATE, "/", &format!("cookie: {session}\r\n"))
            .await
            .status
    };
    assert_eq!(sign_out("origin: https://evil.example\r\n").await, 403);
    assert_eq!(sign_out("sec-fetch-site: cross-site\r\n").await, 403);
    assert_eq!(visit().await, 200);
    assert_eq!(
        sign_out(&format!(
            "origin: https://{authority}\r\nsec-fetch-site: same-origin\r\n"
        ))
        .await,
        303
    );
    assert_eq!(visit().await, 302);
}

#[tokio::test]
async fn switched_off_and_restricted_hosts_pass_nobody() {
    let house = House::new().await;
    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    house.change(PUBLIC, off).await;
    assert_eq!(get(&house, PUBLIC, "/", "").await.status, 503);
    let on = TunnelChange {
        enabled: Some(true),
        ..TunnelChange::default()
    };
    house.change(PUBLIC, on).await;
    assert_eq!(get(&house, PUBLIC, "/", "").await.status, 200);
    let shut = TunnelChange {
        access_mode: Some(AccessMode::Authenticated),
        ..TunnelChange::default()
    };
    house.change(PUBLIC, shut).await;
    assert_eq!(
        get(&house, PUBLIC, "/", "accept: application/json\r\n")
            .await
            .status,
        401
    );
}
