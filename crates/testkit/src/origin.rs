//! An application behind the tunnel that counts and hashes what reaches it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A local HTTP server with these paths:
///
/// | Path | Answer |
/// |---|---|
/// | `/headers` | the request's headers, as JSON |
/// | `/bytes/<n>` | `n` octets of the known pattern |
/// | `/upload` | count and SHA-256 of the body, as JSON |
/// | `/echo` | a WebSocket that sends everything back |
/// | `/events` | an event each 100 ms, for ever |
/// | `/slow/<ms>` | an empty answer after so long |
/// | `/status/<code>` | that status |
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    last: Arc<Mutex<BTreeMap<String, String>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Shared {
    requests: Arc<AtomicU64>,
    last: Arc<Mutex<BTreeMap<String, String>>>,
}

const BLOCK: usize = 64 * 1024;

impl Origin {
    /// Starts on a free loopback port, with threads of its own.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", 0)))
            .context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Shared {
            requests: Arc::default(),
            last: Arc::default(),
        };
        runtime.spawn(serve(listener, shared.clone()));
        Ok(Self {
            address,
            requests: shared.requests,
            last: shared.last,
            _runtime: runtime,
        })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests have reached it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// The headers of the last request; several of one name joined by `, `.
    #[must_use]
    pub fn last_headers(&self) -> BTreeMap<String, String> {
        self.last
            .lock()
            .map(|last| last.clone())
            .unwrap_or_default()
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service =
                hyper::service::service_fn(move |request| answer(request, shared.clone()));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service);
            let _ = connection.with_upgrades().await;
        });
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, shared: Shared) -> Result<Response<Body>, Infallible> {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let headers = headers_of(&request);
    if let Ok(mut last) = shared.last.lock() {
        last.clone_from(&headers);
    }
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (name, argument) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    Ok(match name {
        "headers" => json(serde_json::json!(headers)),
        "bytes" => Response::builder()
            .header("content-length", argument)
            .body(pattern(argument.parse().unwrap_or(0)))
            .unwrap_or_default_response(),
        "upload" => upload(request).await,
        "echo" => echo(request),
        "events" => events(),
        "slow" => {
            tokio::time::sleep(Duration::from_millis(argument.parse().unwrap_or(0))).await;
            json(serde_json::json!({}))
        }
        "status" => empty(
            argument
                .parse()
                .ok()
                .and_then(|code: u16| StatusCode::from_u16(code).ok()),
        ),
        _ => json(serde_json::json!({"path": path, "method": request.method().as_str()})),
    })
}

trait OrDefault {
    fn unwrap_or_default_response(self) -> Response<Body>;
}
impl OrDefault for Result<Response<Body>, http::Error> {
    fn unwrap_or_default_response(self) -> Response<Body> {
        self.unwrap_or_else(|_| empty(Some(StatusCode::INTERNAL_SERVER_ERROR)))
    }
}

fn headers_of(request: &Request<Incoming>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert(value);
    }
    headers
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).boxed()
}

fn json(value: serde_json::Value) -> Response<Body> {
    Response::builder()
        .header("content-type", "application/json")
        .body(full(value.to_string()))
        .unwrap_or_default_response()
}

fn empty(status: Option<StatusCode>) -> Response<Body> {
    let mut response = Response::new(full(String::new()));
    *response.status_mut() = status.unwrap_or(StatusCode::NOT_FOUND);
    response
}

/// `n` octets, each the low byte of its position divided by 251: no block looks like its
/// neighbour, so swapped or doubled blocks change the hash.
fn pattern(n: u64) -> Body {
    let blocks = futures_util::stream::unfold(0_u64, move |at| async move {
        let left = n - at;
        (left > 0).then(|| {
            let block = pattern_block(at, left);
            let next = at + block.len() as u64;
            (Ok::<_, Infallible>(Frame::data(block)), next)
        })
    });
    BodyExt::boxed(StreamBody::new(Box::pin(blocks)))
}

fn pattern_block(at: u64, left: u64) -> Bytes {
    let length = usize::try_from(left.min(BLOCK as u64)).unwrap_or(BLOCK);
    (0..length as u64).map(|i| ((at + i) / 251) as u8).collect()
}

/// The SHA-256 of the first `n` octets of the pattern, hexadecimal.
#[must_use]
pub fn sha256_of_pattern(n: u64) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut at = 0;
    while at < n {
        let block = pattern_block(at, n - at);
        context.update(&block);
        at += block.len() as u64;
    }
    hex::encode(context.finish())
}

async fn upload(request: Request<Incoming>) -> Response<Body> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut count = 0_u64;
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return empty(Some(StatusCode::BAD_REQUEST));
        };
        if let Some(data) = frame.data_ref() {
            context.update(data);
            count += data.len() as u64;
        }
    }
    json(serde_json::json!({"bytes": count, "sha256": hex::encode(context.finish())}))
}

fn events() -> Response<Body> {
    let events = futures_util::stream::unfold(0_u64, |n| async move {
        if n > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let event = Bytes::from(format!("id: {n}\ndata: tick {n}\n\n"));
        Some((Ok::<_, Infallible>(Frame::data(event)), n + 1))
    });
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(BodyExt::boxed(StreamBody::new(Box::pin(events))))
        .unwrap_or_default_response()
}

fn echo(mut request: Request<Incoming>) -> Response<Body> {
    let Some(key) = request.headers().get("sec-websocket-key") else {
        return empty(Some(StatusCode::BAD_REQUEST));
    };
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else {
            return;
        };
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-accept", accept)
        .body(full(String::new()))
        .unwrap_or_default_response()
}
