//! WebSockets that are open when what was allowed becomes forbidden.

mod support;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use portlama_auth::SESSION_ABSOLUTE;
use portlama_model::Serial;
use serde_json::{Value, json};
use support::{Answer, Ask, SEED, TestApp};
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const DOMAIN: Option<&str> = Some("lab.example.org");
const LOGS: &str = "/api/services/edge/logs";
/// RFC 6455 §7.4.1: the end was decided by a policy.
const POLICY: u16 = 1008;

#[tokio::test]
async fn one_without_a_session_ends_when_codes_are_asked_for() {
    let app = TestApp::completed().await;
    let mut socket = watch(&app, None).await;
    let seed = two_factor(&app, "setup", None, &json!({})).await.json()["manualKey"].clone();
    let seed = seed.as_str().expect("base32");
    assert!(is_open(&mut socket).await, "a seed that waits asks nobody");
    let code = json!({ "code": app.code(seed) });
    let on = two_factor(&app, "confirm", None, &code).await;
    assert_eq!(on.status, StatusCode::OK);
    assert_eq!(end(&mut socket).await, Some(POLICY));
}

#[tokio::test]
async fn one_with_a_session_outlives_other_changes_and_ends_with_its_key() {
    let app = TestApp::locked(DOMAIN).await;
    let session = app.session(&serial(&app));
    let mut socket = watch(&app, Some(&session)).await;
    // Browsers hand the renewed cookie over in other requests; this one stays as it was.
    app.advance(3 * 60 * 60);
    app.agent("attic", &[]).await;
    app.revoke("attic").await;
    assert!(is_open(&mut socket).await);

    let fresh = app.session(&serial(&app));
    let code = json!({ "code": app.code(SEED) });
    let off = two_factor(&app, "disable", Some(&fresh), &code).await;
    assert_eq!(off.status, StatusCode::OK);
    assert!(is_open(&mut socket).await, "nothing is asked any more");
    let made = two_factor(&app, "setup", None, &json!({})).await.json();
    let code = json!({ "code": app.code(made["manualKey"].as_str().expect("base32")) });
    let on = two_factor(&app, "confirm", None, &code).await;
    assert_eq!(on.status, StatusCode::OK);
    assert_eq!(end(&mut socket).await, Some(POLICY));
}

#[tokio::test(start_paused = true)]
async fn none_outlives_its_session() {
    let app = TestApp::locked(DOMAIN).await;
    let session = app.session(&serial(&app));
    let mut socket = watch(&app, Some(&session)).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(end(&mut socket).await, Some(POLICY));
    let lasted = begun.elapsed();
    assert!(
        lasted <= SESSION_ABSOLUTE + Duration::from_secs(1),
        "{lasted:?}"
    );
    assert!(
        lasted + Duration::from_secs(60) >= SESSION_ABSOLUTE,
        "{lasted:?}"
    );
}

fn serial(app: &TestApp) -> Serial {
    app.identity(&app.admin()).serial().clone()
}

async fn two_factor(app: &TestApp, path: &str, session: Option<&str>, body: &Value) -> Answer {
    let ask = Ask::post(&format!("/api/settings/2fa/{path}"), body);
    let ask = session
        .into_iter()
        .fold(ask, |ask, value| ask.header("cookie", value));
    app.send(&app.admin(), ask).await
}

async fn watch(app: &TestApp, session: Option<&str>) -> WebSocketStream<DuplexStream> {
    let ask = session
        .into_iter()
        .fold(Ask::websocket(LOGS), |ask, value| {
            ask.header("cookie", value)
        });
    let opened = app.open_with(&app.admin(), ask).await;
    opened.expect("a socket")
}

/// Whether the server still answers pings on it. It would close at once.
async fn is_open(socket: &mut WebSocketStream<DuplexStream>) -> bool {
    if socket
        .send(Message::Ping(Default::default()))
        .await
        .is_err()
    {
        return false;
    }
    loop {
        match socket.next().await {
            Some(Ok(Message::Pong(_))) => return true,
            Some(Ok(Message::Text(_) | Message::Ping(_))) => {}
            _ => return false,
        }
    }
}

/// The code of the close that comes, whatever is said before it.
async fn end(socket: &mut WebSocketStream<DuplexStream>) -> Option<u16> {
    let limit = SESSION_ABSOLUTE * 2;
    let close = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    };
    timeout(limit, close).await.ok().flatten()
}
