//! The app behind the tunnel: a page that shows what reached it.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A small web application on a local port: a page, server-sent events, a WebSocket.
pub(crate) struct SampleApp {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl SampleApp {
    /// Listens on loopback, on the port it had before if that is free.
    pub(crate) async fn start(before: Option<u16>) -> Result<Self> {
        let listener = match TcpListener::bind(("127.0.0.1", before.unwrap_or(0))).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0))
                .await
                .context("no free port for the sample app")?,
        };
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(serve(listener));
        Ok(Self { port, task })
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for SampleApp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| std::future::ready(answer(request)));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service);
            let _ = connection.with_upgrades().await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let response = match request.uri().path() {
        "/" => with_type(
            "text/html; charset=utf-8",
            page(request.headers()).into_string(),
        ),
        "/events" => events(),
        "/echo" => echo(request),
        _ => status(StatusCode::NOT_FOUND),
    };
    Ok(response)
}

fn with_type(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(content_type),
    );
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = with_type("text/plain", status.to_string());
    *response.status_mut() = status;
    response
}

fn page(headers: &HeaderMap) -> Markup {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("nobody")
            .to_owned()
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Hello from behind the tunnel" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Hello, " (header("remote-name")) }
                    p { "This page comes from a program on a local port. It reached you through Portlama's tunnel, after the sign-in." }
                    dl {
                        dt { "Signed in as" } dd { (header("remote-user")) }
                        dt { "Visited host" } dd { (header("x-forwarded-host")) }
                        dt { "Your address" } dd { (header("x-forwarded-for")) }
                        dt { "Server-sent events" } dd #ticks { "waiting" }
                        dt { "WebSocket" } dd #echo { "waiting" }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; min-height: 100vh; place-items: center }
main { max-width: 34rem; padding: 2rem }
h1 { font-size: 1.75rem; line-height: 1.2 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .6rem !important } }
dt { opacity: .7 } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
";

const SCRIPT: &str = "
const show = (id, text) => { document.getElementById(id).textContent = text };
new EventSource('/events').onmessage = (event) => show('ticks', event.data);
const socket = new WebSocket(`wss://${location.host}/echo`);
const sent = {};
socket.onopen = () => setInterval(() => { const n = Date.now(); sent[n] = performance.now(); socket.send(String(n)) }, 1000);
socket.onmessage = ({ data }) => { show('echo', `echo after ${(performance.now() - sent[data]).toFixed(1)} ms`); delete sent[data] };
socket.onclose = () => show('echo', 'closed');
";

fn events() -> Response<Body> {
    let ticks = futures_util::stream::unfold(0_u64, |n| async move {
        if n > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let event = Bytes::from(format!("data: tick {n}\n\n"));
        Some((Ok::<_, Infallible>(Frame::data(event)), n + 1))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(ticks)));
    let content_type = hyper::header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn echo(mut request: Request<Incoming>) -> Response<Body> {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else {
            return;
        };
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let (mut send, mut receive) = socket.split();
        while let Some(Ok(message)) = receive.next().await {
            if (message.is_text() || message.is_binary()) && send.send(message).await.is_err() {
                return;
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Full::new(Bytes::new()).boxed_unsync())
        .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}
