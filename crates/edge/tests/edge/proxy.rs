//! Requests to a service and back: nothing lost, nothing added but our word, nothing sent
//! twice, no broken answer that looks whole.

use aws_lc_rs::digest::{SHA256, digest};

use crate::client::{End, Line, PATIENCE, Raw, ask, get};
use crate::house::{DEAD, FORBIDDEN, House, LOCAL, PUBLIC};
use crate::origin::{Seen, pattern};

#[tokio::test]
async fn the_service_is_told_our_word_and_nobody_elses() {
    let house = House::new().await;
    let forged: String = [
        "X-Forwarded-For",
        "x_forwarded_for",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Real-IP",
        "X_Real_Ip",
        "Remote-User",
        "remote_user",
        "Remote-Groups",
        "Remote-Name",
        "Remote-Email",
        "X-SSL-Client-Verify",
        "X_SSL_Client_DN",
        "Proxy",
    ]
    .iter()
    .map(|name| format!("{name}: 6.6.6.6\r\n{name}: evil\r\n"))
    .collect();
    let fields = format!(
        "{forged}connection: x-hop, x-real-ip\r\nx-hop: 1\r\nte: trailers\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\nx-kept: yes\r\n"
    );
    let answer = get(&house, PUBLIC, "/told?a=b%20c", &fields).await;
    assert_eq!(answer.status, 200);
    let seen = Seen {
        head: answer.text(),
    };
    let authority = house.authority_of(PUBLIC);
    assert_eq!(seen.request_line(), "GET /told?a=b%20c HTTP/1.1");
    for (name, value) in [
        ("host", authority.as_str()),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", authority.as_str()),
        ("forwarded", "for=127.0.0.1;proto=https"),
        ("cdn-loop", "portlama"),
        ("x-kept", "yes"),
    ] {
        assert_eq!(seen.values(name), [value], "{name}");
    }
    assert!(
        !seen.head.contains("6.6.6.6") && !seen.head.contains("evil"),
        "{}",
        seen.head
    );
    for gone in [
        "x-hop",
        "te",
        "upgrade",
        "http2-settings",
        "connection",
        "remote-user",
        "proxy",
    ] {
        assert!(seen.values(gone).is_empty(), "{gone}");
    }
}

#[tokio::test]
async fn a_service_that_wants_localhost_gets_it() {
    let house = House::new().await;
    let seen = Seen {
        head: get(&house, LOCAL, "/", "").await.text(),
    };
    assert_eq!(seen.values("host"), ["localhost:8003"]);
    assert_eq!(seen.values("x-forwarded-host"), [house.authority_of(LOCAL)]);
}

#[tokio::test]
async fn connection_fields_and_our_cookies_end_at_the_edge() {
    let house = House::new().await;
    let answer = get(
        &house,
        PUBLIC,
        "/cookies",
        "cookie: a=b; __Host-portlama_session=tok\r\n",
    )
    .await;
    assert_eq!(answer.headers("set-cookie"), ["a=b"]);
    assert_eq!(answer.header("x-secret"), None);
    assert_eq!(answer.header("keep-alive"), None);
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=63072000")
    );
    assert_eq!(house.origin.seen()[0].values("cookie"), ["a=b"]);
}

#[tokio::test]
async fn big_bodies_pass_unchanged_both_ways() {
    const SIZE: usize = 24 * 1024 * 1024;
    let house = House::new().await;
    let answer = get(&house, PUBLIC, &format!("/download/{SIZE}"), "").await;
    assert_eq!(answer.body.len(), SIZE);
    assert!(
        answer
            .body
            .iter()
            .enumerate()
            .all(|(at, octet)| *octet == pattern(at))
    );

    let body = answer.body;
    let hash = hex::encode(digest(&SHA256, &body));
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "POST /upload HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {SIZE}\r\n\r\n"
    ))
    .await;
    line.send(&body).await;
    assert_eq!(line.answer().await.text(), format!("{SIZE} {hash}"));
    line.send(format!(
        "PUT /upload HTTP/1.1\r\nhost: {authority}\r\ntransfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    for piece in body.chunks(100_000) {
        line.send(format!("{:x}\r\n", piece.len())).await;
        line.send(piece).await;
        line.send("\r\n").await;
    }
    line.send("0\r\n\r\n").await;
    assert_eq!(line.answer().await.text(), format!("{SIZE} {hash}"));
    let traffic = house.traffic(PUBLIC);
    assert_eq!(traffic.requests, 3);
    assert!(
        traffic.bytes_in == 2 * SIZE as u64 && traffic.bytes_out >= SIZE as u64,
        "{traffic:?}"
    );
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!("GET /events HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    let mut received = Vec::new();
    for n in 0..5 {
        house.origin.step();
        let event = format!("data: {n}\n\n");
        while !received.windows(event.len()).any(|w| w == event.as_bytes()) {
            received.extend(line.exactly(1).await);
        }
    }
    drop(line);
    // The visitor left: the service learns it at once, though it was silent.
    tokio::time::timeout(PATIENCE, house.origin.quiet())
        .await
        .expect("the service is let go");
}

#[tokio::test]
async fn a_visitor_who_leaves_takes_the_request_along() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    // While the service thinks, while it sends, while it receives.
    for begin in [
        format!("GET /hold HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
        format!("GET /download/1000000000 HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
        format!(
            "POST /upload HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 1000000000\r\n\r\nsome"
        ),
    ] {
        let before = house.origin.seen().len();
        let mut line = Line::open(&house, PUBLIC).await;
        line.send(&begin).await;
        while house.origin.seen().len() == before {
            tokio::task::yield_now().await;
        }
        drop(line);
        if begin.contains("/hold") {
            house.origin.step();
        }
        tokio::time::timeout(PATIENCE, house.origin.quiet())
            .await
            .unwrap_or_else(|_| panic!("{begin}"));
    }
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!("HEAD /x HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    let head = line.answer_to("HEAD").await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("1234"))
    );
    line.send(format!(
        "GET /no-content HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let none = line.answer().await;
    assert_eq!(
        (
            none.status,
            none.header("content-length"),
            none.header("transfer-encoding")
        ),
        (204, None, None)
    );
    line.send(format!(
        "GET /not-modified HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let same = line.answer().await;
    assert_eq!((same.status, same.header("etag")), (304, Some("\"x\"")));
    // Nothing was left over that the next answer could be mistaken for.
    line.send(format!("GET /after HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert!(line.answer().await.text().starts_with("GET /after "));
}

#[tokio::test]
async fn answers_until_the_end_and_with_interim_heads_are_whole() {
    let house = House::new().await;
    assert_eq!(
        get(&house, PUBLIC, "/until-close", "").await.text(),
        "to the end"
    );
    assert_eq!(get(&house, PUBLIC, "/interim", "").await.text(), "ok");
    let trailers = get(&house, PUBLIC, "/trailers", "te: trailers\r\n").await;
    assert_eq!(trailers.text(), "ok");
    assert_eq!(trailers.header("x-late"), None);
}

/// Whether a visitor can tell that an answer is not whole.
fn is_visibly_broken(raw: &Raw) -> bool {
    let length = raw.header("content-length").and_then(|l| l.parse().ok());
    let cut = length.is_some_and(|l: usize| raw.body.len() < l)
        || raw.header("transfer-encoding").is_some();
    cut && raw.end != End::Open
}

#[tokio::test]
async fn broken_answers_never_look_whole() {
    let house = House::new().await;
    for path in ["/short", "/short-chunked", "/bad-chunk"] {
        let answer = get(&house, PUBLIC, path, "").await;
        assert!(
            answer.status == 502 || is_visibly_broken(&answer),
            "{path}: {answer:?}"
        );
    }
    for path in [
        "/two-lengths",
        "/length-and-chunks",
        "/lf",
        "/huge-head",
        "/interim-flood",
        "/status-999",
        "/switch",
        "/noise",
    ] {
        let answer = get(&house, PUBLIC, path, "").await;
        assert_eq!(answer.status, 502, "{path}: {}", answer.text());
        assert!(!answer.text().contains("ok"), "{path}");
    }
}

#[tokio::test]
async fn octets_behind_an_answer_reach_nobody() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    for _ in 0..5 {
        line.send(format!("GET /extra HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
            .await;
        assert_eq!(line.answer().await.text(), "ok");
        line.send(format!("GET /mine HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
            .await;
        let answer = line.answer().await;
        assert!(answer.text().starts_with("GET /mine "), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_request_that_changes_something_is_never_sent_twice() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    for method in ["POST", "PATCH", "PUT"] {
        let mut line = Line::open(&house, PUBLIC).await;
        // A kept connection, for the next request to find broken.
        line.send(format!("GET /warm HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
            .await;
        assert_eq!(line.answer().await.status, 200);
        let before = house.origin.count("/hang-up");
        line.send(format!(
            "{method} /hang-up HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 2\r\n\r\nhi"
        ))
        .await;
        assert_eq!(line.answer().await.status, 502, "{method}");
        assert_eq!(house.origin.count("/hang-up") - before, 1, "{method}");
    }
}

#[tokio::test]
async fn a_reading_request_survives_a_kept_connection_that_broke() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!("GET /warm HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.status, 200);
    line.send(format!(
        "GET /hang-up HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    assert_eq!(line.answer().await.status, 502);
    // Once on the kept connection, once on a new one, and no more.
    assert_eq!(house.origin.count("/hang-up"), 2);
}

#[tokio::test]
async fn connections_to_the_service_are_used_again() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    for n in 0..50 {
        line.send(format!("GET /{n} HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
            .await;
        assert_eq!(line.answer().await.status, 200);
    }
    assert!(
        house.origin.connections() <= 3,
        "{}",
        house.origin.connections()
    );
}

#[tokio::test]
async fn failures_are_told_honestly_and_without_details() {
    let house = House::new().await;
    let page = get(&house, DEAD, "/", "accept: text/html\r\n").await;
    assert_eq!(page.status, 502);
    let text = page.text();
    assert!(
        text.contains("could not be reached") && text.contains("Error id: "),
        "{text}"
    );
    assert!(
        !text.contains("192.168") && !text.contains("attic") && !text.contains("8004"),
        "{text}"
    );
    let json = get(&house, FORBIDDEN, "/", "accept: application/json\r\n").await;
    assert_eq!(json.status, 502);
    assert!(json.text().starts_with("{\"error\":\""), "{}", json.text());
    let plain = get(&house, DEAD, "/", "").await;
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn an_answer_before_the_upload_ended_reaches_the_visitor() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "POST /early HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 1000000\r\n\r\npartly"
    ))
    .await;
    assert_eq!(line.answer().await.status, 403);
}

#[tokio::test]
async fn an_http_1_0_client_gets_a_whole_answer() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "GET /until-close HTTP/1.0\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let (octets, end) = line.rest().await;
    let text = String::from_utf8(octets).expect("text");
    assert!(
        text.starts_with("HTTP/1.0 200") && text.ends_with("\r\n\r\nto the end"),
        "{text}"
    );
    assert_eq!(end, End::Clean);
}

#[tokio::test]
async fn a_loop_is_cut() {
    let house = House::new().await;
    let answer = get(
        &house,
        PUBLIC,
        "/",
        "cdn-loop: portlama, other\r\ncdn-loop: portlama;x=y, portlama, portlama\r\n",
    )
    .await;
    assert_eq!(answer.status, 508);
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn our_prefix_never_reaches_the_service() {
    let house = House::new().await;
    for path in [
        "/.portlama/x",
        "//.portlama/x",
        "/%2eportlama/session",
        "/a/../.portlama/x",
    ] {
        let authority = house.authority_of(PUBLIC);
        let answer = ask(
            &house,
            PUBLIC,
            &format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
        )
        .await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(house.origin.seen().is_empty());
}
