//! HTTP/2: the same rules as HTTP/1, where there are no lines to look at.

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::client::Line;
use crate::house::{House, PRIVATE, PUBLIC};
use crate::origin::Seen;

async fn connect(house: &House, name: &str) -> SendRequest<Full<Bytes>> {
    let mut config = house.tls(None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let line = Line::with(house.https, name, config)
        .await
        .expect("a handshake");
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(line.tls))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn request(house: &House, host: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .version(Version::HTTP_2)
        .uri(format!("https://{}{path}", house.authority_of(host)))
}

async fn text(response: Response<Incoming>) -> String {
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn visitors_with_http_2_reach_services_with_http_1() {
    let house = House::new().await;
    let mut sender = connect(&house, PUBLIC).await;
    let hello = request(&house, PUBLIC, "/a?b=c")
        .header("cookie", "a=b")
        .header("cookie", "c=d; __Host-portlama_session=tok")
        .header("x-forwarded-for", "6.6.6.6")
        .body(Full::default())
        .expect("a request");
    let response = sender.send_request(hello).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let seen = Seen {
        head: text(response).await,
    };
    assert_eq!(seen.request_line(), "GET /a?b=c HTTP/1.1");
    assert_eq!(seen.values("host"), [house.authority_of(PUBLIC)]);
    assert_eq!(seen.values("cookie"), ["a=b; c=d"]);
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
    assert!(
        seen.values("content-length").is_empty() && seen.values("transfer-encoding").is_empty()
    );

    let upload = request(&house, PUBLIC, "/upload")
        .method("POST")
        .body(Full::from("hello"))
        .expect("a request");
    let response = sender.send_request(upload).await.expect("an answer");
    assert!(text(response).await.starts_with("5 2cf24dba"));
}

#[tokio::test]
async fn the_gate_stands_before_http_2_as_well() {
    let house = House::new().await;
    let mut sender = connect(&house, PUBLIC).await;
    let cases = [
        (request(&house, PRIVATE, "/"), 421),
        (
            request(&house, PUBLIC, "/").header("host", "other.example"),
            400,
        ),
        (request(&house, PUBLIC, "/").method("TRACE"), 405),
        (request(&house, PUBLIC, "/").method("PORTLAMA-REFUSED"), 501),
        (request(&house, PUBLIC, "/%00"), 400),
        (
            request(&house, PUBLIC, &format!("/{}", "a".repeat(9000))),
            414,
        ),
        (request(&house, PUBLIC, "/").header("expect", "more"), 417),
        (
            request(&house, PUBLIC, "/").header("content_length", "5"),
            400,
        ),
    ];
    for (builder, status) in cases {
        let request = builder.body(Full::default()).expect("a request");
        let shown = format!(
            "{} {}",
            request.method(),
            request.uri().path().get(..10).unwrap_or("/")
        );
        let response = sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{shown}");
    }
    assert!(house.origin.seen().is_empty());
    // The connection lives: only the streams were refused.
    let good = request(&house, PUBLIC, "/")
        .body(Full::default())
        .expect("a request");
    assert_eq!(
        sender.send_request(good).await.expect("an answer").status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn frames_that_break_http_2_reach_nobody() {
    let house = House::new().await;
    // Literal fields without indexing, so that the encoder corrects nothing (RFC 7541 §6.2.2).
    let field = |name: &[u8], value: &[u8]| {
        let mut octets = vec![0, u8::try_from(name.len()).expect("short")];
        octets.extend_from_slice(name);
        octets.push(u8::try_from(value.len()).expect("short"));
        octets.extend_from_slice(value);
        octets
    };
    let authority = house.authority_of(PUBLIC);
    let pseudo = |path: &[u8]| {
        [
            field(b":method", b"GET"),
            field(b":scheme", b"https"),
            field(b":authority", authority.as_bytes()),
            field(b":path", path),
        ]
        .concat()
    };
    let with = |extra: Vec<u8>| [pseudo(b"/h2"), extra].concat();
    let blocks = [
        with(field(b"connection", b"keep-alive")),
        with(field(b"transfer-encoding", b"chunked")),
        with(field(b"te", b"gzip")),
        with(field(b"Upper", b"x")),
        with(field(b"a", b"b\r\nx: y")),
        with(field(b"a", b"b\0c")),
        with(field(b"a b", b"c")),
        with(field(b":path", b"/twice")),
        with(field(b":unknown", b"x")),
        with(field(b"content-length", b"5")),
        [field(b"a", b"b"), pseudo(b"/h2")].concat(),
        pseudo(b""),
        pseudo(b"h2"),
        pseudo(b"/a\r\nx: y"),
    ];
    for block in blocks {
        let mut config = house.tls(None);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let mut line = Line::with(house.https, PUBLIC, config)
            .await
            .expect("a handshake");
        let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        octets.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let len = u32::try_from(block.len()).expect("short").to_be_bytes();
        octets.extend_from_slice(&len[1..]);
        // HEADERS, END_STREAM and END_HEADERS, stream 1.
        octets.extend_from_slice(&[1, 5, 0, 0, 0, 1]);
        octets.extend_from_slice(&block);
        line.send(&octets).await;
        assert!(is_refused(&mut line).await, "{}", block.escape_ascii());
    }
    assert!(house.origin.seen().is_empty(), "{:?}", house.origin.seen());
}

/// Whether stream 1 ends with a reset, a connection error, or a status of 400.
async fn is_refused(line: &mut Line) -> bool {
    loop {
        let head = line.exactly(9).await;
        let len = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = line.exactly(len).await;
        match head[3] {
            // RST_STREAM, GOAWAY
            3 | 7 => return true,
            // HEADERS: `:status 400` is entry 12 of the static table.
            1 => return payload.first() == Some(&0x8c),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_broken_answer_resets_the_stream() {
    let house = House::new().await;
    let mut sender = connect(&house, PUBLIC).await;
    for path in ["/short", "/short-chunked", "/bad-chunk"] {
        let broken = request(&house, PUBLIC, path)
            .body(Full::default())
            .expect("a request");
        let response = sender.send_request(broken).await.expect("a head");
        if response.status() != StatusCode::BAD_GATEWAY {
            assert!(response.into_body().collect().await.is_err(), "{path}");
        }
    }
}

#[tokio::test]
async fn head_is_answered_without_content_whatever_is_said() {
    let house = House::new().await;
    for host in [PRIVATE, PUBLIC] {
        let mut sender = connect(&house, host).await;
        let asked = request(&house, host, "/")
            .method("HEAD")
            .header("accept", "application/json")
            .body(Full::default())
            .expect("a request");
        let response = sender.send_request(asked).await.expect("an answer");
        let refused = response.status() == StatusCode::UNAUTHORIZED;
        assert_eq!(refused, host == PRIVATE);
        assert!(!refused || response.headers().contains_key("content-length"));
        assert_eq!(text(response).await, "");
    }
}
