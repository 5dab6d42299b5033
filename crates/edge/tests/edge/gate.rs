//! The gate from outside: every way of saying a request that two parsers could read
//! differently is refused, and no octet of it reaches the service.

use crate::client::{End, Line, ask};
use crate::house::{House, PUBLIC};

/// Sends raw octets and expects one answer with this status, then the end of the connection.
async fn refused(house: &House, octets: impl AsRef<[u8]>, status: u16) {
    let shown = octets.as_ref().escape_ascii().to_string();
    let shown = shown.get(..120).unwrap_or(&shown);
    let mut line = Line::open(house, PUBLIC).await;
    // The server may refuse before all of it arrived.
    let _ = line.try_send(octets.as_ref()).await;
    let answer = line.answer().await;
    assert_eq!(answer.status, status, "{shown}");
    assert_eq!(answer.header("connection"), Some("close"), "{shown}");
    let (rest, end) = line.rest().await;
    assert!(rest.is_empty(), "{shown}: {}", rest.escape_ascii());
    assert_eq!(end, End::Clean, "{shown}");
}

/// A smuggled request, were anybody to read it.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn every_ambiguous_head_is_refused_and_reaches_nobody() {
    let house = House::new().await;
    let host = format!("Host: {}\r\n", house.authority_of(PUBLIC));
    let post = |fields: &str| format!("POST /h HTTP/1.1\r\n{host}{fields}\r\n{SMUGGLED}");
    let line = |line: &str| format!("{line}\r\n{host}\r\n{SMUGGLED}");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let cases: Vec<(String, u16)> = vec![
        // H1
        (post(&format!("Content-Length: 5\r\n{chunked}")), 400),
        (post(&format!("{chunked}Content-Length: 5\r\n")), 400),
        (post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
        (post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400),
        (post("Content-Length: 5, 5\r\n"), 400),
        // H2
        (post("Content-Length: +5\r\n"), 400),
        (post("Content-Length: -1\r\n"), 400),
        (post("Content-Length: 0x5\r\n"), 400),
        (post("Content-Length: 1 0\r\n"), 400),
        (post("Content-Length: \r\n"), 400),
        (post("Content-Length: 12345678901234567890123\r\n"), 400),
        // H4
        (
            format!("POST /h HTTP/1.0\r\n{host}Connection: keep-alive\r\n{chunked}\r\n0\r\n\r\n"),
            400,
        ),
        // Other codings
        (post("Transfer-Encoding: gzip, chunked\r\n"), 501),
        (post("Transfer-Encoding: chunked, identity\r\n"), 400),
        (post("Transfer-Encoding: xchunked\r\n"), 400),
        (post("Transfer-Encoding : chunked\r\n"), 400),
        (post("Transfer-Encoding:\x0bchunked\r\n"), 400),
        (post("Transfer_Encoding: chunked\r\n"), 400),
        // Lines
        (post("A: b\rC: d\r\n"), 400),
        (post("A: b\nC: d\r\n"), 400),
        (post("A: b\r\n folded\r\n"), 400),
        (post("A: \0\r\n"), 400),
        // H8
        (line("GET https://other.example/ HTTP/1.1"), 400),
        (line("GET http://open.lab.example.org/ HTTP/1.1"), 400),
        (line("GET /#fragment HTTP/1.1"), 400),
        (line("GET /a b HTTP/1.1"), 400),
        (line("GET /%00 HTTP/1.1"), 400),
        (line("GET * HTTP/1.1"), 400),
        (line("CONNECT a.b:443 HTTP/1.1"), 405),
        (line("TRACE / HTTP/1.1"), 405),
        (line("TRACK / HTTP/1.1"), 405),
        (
            line(&format!("GET /{} HTTP/1.1", "a".repeat(64 * 1024))),
            414,
        ),
        (post(&format!("A: {}\r\n", "a".repeat(64 * 1024))), 431),
        (post(&"A: b\r\n".repeat(1000)), 431),
        // H12
        (post("Expect: the-unexpected\r\n"), 417),
        // H17
        (line("GET / HTTP/1.2"), 505),
        (line("GET / HTTP/2.0"), 505),
        (line("GET / http/1.1"), 400),
        ("GET /\r\n".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("\x16\x03\x01\x02\x00\x01\x00\x01".to_owned(), 400),
        // Host
        (format!("GET / HTTP/1.1\r\n\r\n{SMUGGLED}"), 400),
        (format!("GET / HTTP/1.1\r\n{host}{host}\r\n{SMUGGLED}"), 400),
        (
            format!("GET / HTTP/1.1\r\nHost: u@{PUBLIC}\r\n\r\n{SMUGGLED}"),
            400,
        ),
        // Our own word for a refusal.
        (line("PORTLAMA-REFUSED / HTTP/1.1"), 501),
    ];
    for (octets, status) in cases {
        refused(&house, octets, status).await;
    }
    let seen = house.origin.seen();
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn noise_is_refused_at_once() {
    let house = House::new().await;
    let noise: Vec<u8> = (0..256)
        .map(|n| u8::try_from(n * 7 % 256).expect("an octet"))
        .collect();
    refused(&house, noise, 400).await;
}

#[tokio::test]
async fn broken_chunks_break_off_and_never_become_a_second_request() {
    let house = House::new().await;
    let long = format!("1;{}\r\nx\r\n", "e".repeat(64 * 1024));
    let bad = [
        "-1\r\n",
        "0x5\r\nhello\r\n",
        "11111111111111111\r\n",
        "5\nhello\n",
        "5\r\nhelloX\r\n",
        "5;a\nb\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        &long,
    ];
    for chunks in bad {
        let mut line = Line::open(&house, PUBLIC).await;
        let authority = house.authority_of(PUBLIC);
        let _ = line
            .try_send(format!(
                "POST /upload HTTP/1.1\r\nhost: {authority}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n{SMUGGLED}"
            ))
            .await;
        let (octets, _) = line.rest().await;
        let text = String::from_utf8_lossy(&octets);
        let shown = chunks.get(..20).unwrap_or(chunks);
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 400 "),
            "{shown:?}: {text}"
        );
        assert!(text.matches("HTTP/1.1").count() <= 1, "{shown:?}: {text}");
    }
    assert_eq!(house.origin.count("/smuggled"), 0);
}

#[tokio::test]
async fn trailers_reach_nobody() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let answer = ask(
        &house,
        PUBLIC,
        &format!(
            "POST /upload HTTP/1.1\r\nhost: {authority}\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nRemote-User: admin\r\nContent-Length: 7\r\nAuthorization: x\r\n\r\n"
        ),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("2 "), "{}", answer.text());
    let seen = house.origin.seen();
    assert!(
        seen.iter()
            .all(|s| !s.head.contains("admin") && s.values("authorization").is_empty())
    );
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    let all: String = (0..100)
        .map(|n| format!("GET /n/{n} HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .collect();
    line.send(all).await;
    for n in 0..100 {
        let answer = line.answer().await;
        assert!(
            answer.text().starts_with(&format!("GET /n/{n} ")),
            "{n}: {}",
            answer.text()
        );
    }
    // A refusal behind good requests comes after their answers.
    line.send(format!(
        "GET /last HTTP/1.1\r\nhost: {authority}\r\n\r\nGET /x HTTP/9.9\r\n\r\n{SMUGGLED}"
    ))
    .await;
    assert!(line.answer().await.text().starts_with("GET /last "));
    assert_eq!(line.answer().await.status, 505);
    assert_eq!(line.rest().await, (vec![], End::Clean));
    assert_eq!(house.origin.count("/smuggled"), 0);
}

#[tokio::test]
async fn a_request_in_single_octets_is_the_same_request() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    let text =
        format!("POST /upload HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 5\r\n\r\nhello");
    for octet in text.as_bytes() {
        line.send([*octet]).await;
    }
    assert!(line.answer().await.text().starts_with("5 2cf24dba"));
}

#[tokio::test]
async fn spellings_of_the_host_are_one_host() {
    let house = House::new().await;
    let port = house.https.port();
    for host in [
        "Open.LAB.example.org",
        "open.lab.example.org.",
        "open.lab.example.org",
    ] {
        for with_port in [format!("{host}:{port}"), host.to_owned()] {
            let answer = ask(
                &house,
                PUBLIC,
                &format!("GET / HTTP/1.1\r\nhost: {with_port}\r\n\r\n"),
            )
            .await;
            assert_eq!(answer.status, 200, "{with_port}");
        }
    }
    let absolute = format!(
        "GET https://{}/abs HTTP/1.1\r\nhost: {}\r\n\r\n",
        house.authority_of(PUBLIC),
        house.authority_of(PUBLIC)
    );
    assert!(
        ask(&house, PUBLIC, &absolute)
            .await
            .text()
            .starts_with("GET /abs HTTP/1.1")
    );
    let foreign = ask(
        &house,
        PUBLIC,
        &format!("GET / HTTP/1.1\r\nhost: {PUBLIC}:1\r\n\r\n"),
    )
    .await;
    assert_eq!(foreign.status, 421);
}

#[tokio::test]
async fn options_asterisk_is_about_the_server() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let answer = ask(
        &house,
        PUBLIC,
        &format!("OPTIONS * HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
    )
    .await;
    assert_eq!(answer.status, 204);
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn an_expectation_is_met_only_after_the_decision() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!("POST /upload HTTP/1.1\r\nhost: {authority}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")).await;
    assert_eq!(line.answer().await.status, 100);
    line.send("ok").await;
    assert_eq!(line.answer().await.status, 200);

    let private = house.authority_of(crate::house::PRIVATE);
    let mut line = Line::open(&house, crate::house::PRIVATE).await;
    line.send(format!("POST /upload HTTP/1.1\r\nhost: {private}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")).await;
    assert_eq!(line.answer().await.status, 401);
}
