//! What bodies may be: documented refusals for everything else, and nothing changed by them.

mod support;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use portlama_panel::MAX_JSON_BYTES;
use serde_json::{Value, json};
use support::{Ask, TestApp};

const PATH: &str = "/api/tunnels";

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    let deep_lists = "[".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000);
    let deep_but_whole = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"{\"subdomain\":\"wiki\",\"port\":8400",
        b"{\"subdomain\":\"wiki\",\"port\":8400}x",
        b"{\"subdomain\":\"wiki\",\"port\":8400}{}",
        b"{'subdomain':'wiki','port':8400}",
        b"{\"subdomain\":\"wiki\",\"port\":8400,}",
        b"{\"subdomain\":\"wiki\",\"port\":08400}",
        b"{\"subdomain\":\"wiki\",\"port\":1e999}",
        b"{\"subdomain\":\"wiki\",\"port\":NaN}",
        b"{\"subdomain\":\"wiki\",\"subdomain\":\"wiki\",\"port\":8400}",
        b"{\"subdomain\":\"wiki\",\"port\":8400,\"x\":{\"a\":1,\"a\":2}}",
        b"{\"subdomain\":\"\xff\xfe\",\"port\":8400}",
        b"{\"subdomain\":\"\\ud800\",\"port\":8400}",
        b"\xef\xbb\xbf{\"subdomain\":\"wiki\",\"port\":8400}",
        b"subdomain=wiki&port=8400",
        deep_lists.as_bytes(),
        deep_objects.as_bytes(),
        deep_but_whole.as_bytes(),
    ];
    for body in bodies {
        let ask = Ask::new(Method::POST, PATH)
            .header("content-type", "application/json")
            .raw(body.to_vec());
        let answer = app.send(&app.admin(), ask).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(
            answer.refusal(),
            (400, "The body is not valid JSON".into()),
            "{shown}"
        );
        assert!(answer.json()["details"]["hint"].is_string());
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn documents_of_wrong_shape_are_refused_field_by_field() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    let cases: &[(Value, &[&str])] = &[
        (json!([]), &[""]),
        (json!(null), &[""]),
        (json!("x"), &[""]),
        (json!({}), &["subdomain", "port"]),
        (json!({ "subdomain": "wiki", "port": "8400" }), &["port"]),
        (json!({ "subdomain": "wiki", "port": "abc" }), &["port"]),
        (json!({ "subdomain": "wiki", "port": 8400.5 }), &["port"]),
        (json!({ "subdomain": "wiki", "port": 1023 }), &["port"]),
        (json!({ "subdomain": "wiki", "port": 65536 }), &["port"]),
        (json!({ "subdomain": "wiki", "port": u64::MAX }), &["port"]),
        (json!({ "subdomain": "wiki", "port": -1 }), &["port"]),
        (
            json!({ "subdomain": ["wiki"], "port": 8400 }),
            &["subdomain"],
        ),
        (json!({ "subdomain": null, "port": 8400 }), &["subdomain"]),
        (
            json!({ "subdomain": "wiki", "port": 8400, "type": "plugin" }),
            &["type"],
        ),
        (
            json!({ "subdomain": "Wiki", "port": 1, "accessMode": "open", "allowCrossSite": "no" }),
            &["subdomain", "port", "accessMode", "allowCrossSite"],
        ),
        (
            json!({ "subdomain": "wiki", "port": 8400, "description": "x".repeat(201) }),
            &["description"],
        ),
    ];
    for (body, fields) in cases {
        let answer = app.send(&app.admin(), Ask::post(PATH, body)).await;
        assert_eq!(
            answer.refusal(),
            (400, "Validation failed".into()),
            "{body}"
        );
        let answer = answer.json();
        let issues = answer["details"]["issues"].as_array().expect("issues");
        let at: Vec<_> = issues
            .iter()
            .map(|i| i["path"][0].as_str().unwrap_or(""))
            .collect();
        assert_eq!(&at, fields, "{body}");
        assert!(issues.iter().all(|issue| issue["message"].is_string()));
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let app = TestApp::completed().await;
    let durable = app.durable();
    let good = json!({ "subdomain": "wiki", "port": 8400 }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
        "text/plain; application/json",
        "application/xml",
    ] {
        let ask = Ask::new(Method::POST, PATH).header("content-type", content_type);
        let answer = app.send(&app.admin(), ask.raw(good.clone())).await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
        assert!(answer.json()["error"].is_string());
    }
    let untyped = Ask::new(Method::POST, PATH).raw(good.clone());
    let twice = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .header("content-type", "text/plain")
        .raw(good.clone());
    let packed = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .raw(good);
    for ask in [untyped, twice, packed] {
        let answer = app.send(&app.admin(), ask).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(app.durable(), durable);
}

#[tokio::test]
async fn a_body_has_at_most_1_mib() {
    let app = TestApp::completed().await;
    let admin = app.admin();
    let padded = |length: usize| {
        let body = json!({ "port": 1 }).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let send = |body: String| {
        let ask = Ask::new(Method::POST, PATH).header("content-type", "application/json");
        app.send(&admin, ask.raw(body))
    };
    assert_eq!(
        send(padded(MAX_JSON_BYTES)).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send(padded(MAX_JSON_BYTES + 1)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );

    let declared = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .header("content-length", "1048577")
        .raw("{}");
    let answer = app.send(&app.admin(), declared).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let app = TestApp::completed().await;
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    let endless = futures_util::stream::repeat_with(move || Ok(Frame::data(chunk.clone())));
    let ask = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .streamed(StreamBody::new(endless).boxed_unsync());
    let answer = app.send(&app.admin(), ask).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_given_up() {
    let app = TestApp::completed().await;
    let silent = futures_util::stream::pending::<Result<Frame<Bytes>, _>>();
    let ask = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .streamed(StreamBody::new(silent).boxed_unsync());
    let answer = app.send(&app.admin(), ask).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let app = TestApp::completed().await;
    let body = json!({ "subdomain": "wiki", "port": 8400, "id": "x", "enabled": false, "fqdn": 5 });
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["tunnel"]["enabled"], true);
}
