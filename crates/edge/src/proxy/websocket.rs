//! WebSockets to services: open to the visitor only after the service agreed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use portlama_control::{BoxFuture, Traffic, Upstreams};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

use super::pool::Pool;
use super::{Lease, ProxyError};
use crate::body::UpstreamBody;
use crate::io::OriginIo;
use crate::limits::{MAX_RESPONSE_HEADERS, UPSTREAM_BUFFER_BYTES, WEBSOCKET_BUFFER_BYTES};
use crate::ongoing::Visit;

/// RFC 6455 §1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a request is a well-formed opening handshake (RFC 6455 §4.2.1).
pub(crate) fn is_websocket<B>(request: &Request<B>) -> bool {
    let names = |name: &header::HeaderName, token: &[u8]| {
        let values = request.headers().get_all(name).iter();
        let mut tokens = values.flat_map(|v| v.as_bytes().split(|b| *b == b','));
        tokens.any(|t| t.trim_ascii().eq_ignore_ascii_case(token))
    };
    request.version() == Version::HTTP_11
        && *request.method() == Method::GET
        && names(&header::UPGRADE, b"websocket")
        && names(&header::CONNECTION, b"upgrade")
        && request
            .headers()
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_some_and(|v| v == "13")
        && key_of(request.headers()).is_some()
}

/// The one key: 16 octets in base64.
fn key_of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next()?;
    let octets = STANDARD.decode(key.as_bytes()).ok()?;
    (octets.len() == 16 && keys.next().is_none()).then_some(key)
}

/// The `Sec-WebSocket-Accept` that answers a key.
pub(crate) fn accept_of(key: &[u8]) -> String {
    use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
    let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(GUID);
    STANDARD.encode(sha1.finish())
}

/// What the service said to an opening handshake.
pub(crate) enum Handshake {
    /// It agreed: the head of the 101, and what the connection becomes after it.
    Open(Response<()>, BoxFuture<'static, ()>),
    /// It answered something else, which the visitor gets to see.
    Answer(Response<Incoming>, Lease),
}

/// Passes an opening handshake to the service on a connection of its own.
///
/// `request` has no connection fields; they are set here.
///
/// # Errors
/// When the service does not answer, or agrees without the right `Sec-WebSocket-Accept`.
pub(crate) async fn open_websocket(
    upstreams: &dyn Upstreams,
    pool: &Arc<Pool>,
    mut request: Request<UpstreamBody>,
    visitor: OnUpgrade,
    visit: Arc<Visit>,
    traffic: Arc<Traffic>,
) -> Result<Handshake, ProxyError> {
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let expected = key_of(headers)
        .map(|key| accept_of(key.as_bytes()))
        .unwrap_or_default();

    let stream = pool.open_stream(upstreams).await?;
    let (io, head) = OriginIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(MAX_RESPONSE_HEADERS)
        .max_buf_size(UPSTREAM_BUFFER_BYTES * 2)
        .handshake(TokioIo::new(io))
        .await
        .map_err(ProxyError::Broken)?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::trace!(%error, "a connection to a service ended");
        }
    });
    head.arm();
    let answer = tokio::select! {
        biased;
        answer = sender.send_request(request) => answer.map_err(ProxyError::Broken)?,
        () = super::forward::silence(&None) => return Err(ProxyError::Silent),
    };
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let link = super::pool::Link { sender, head };
        return Ok(Handshake::Answer(
            answer,
            Lease::new(pool.clone(), link, None),
        ));
    }
    agreed(answer, &expected, visitor, visit, traffic)
}

fn agreed(
    mut answer: Response<Incoming>,
    expected: &str,
    visitor: OnUpgrade,
    visit: Arc<Visit>,
    traffic: Arc<Traffic>,
) -> Result<Handshake, ProxyError> {
    let headers = answer.headers();
    let is = |name: header::HeaderName, value: &str| {
        headers
            .get(name)
            .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    let accepted = headers
        .get(header::SEC_WEBSOCKET_ACCEPT)
        .is_some_and(|accept| accept.as_bytes().trim_ascii() == expected.as_bytes());
    if !accepted || !is(header::UPGRADE, "websocket") {
        return Err(ProxyError::Switch);
    }
    let service = hyper::upgrade::on(&mut answer);
    let (mut parts, _) = answer.into_parts();
    crate::headers::to_visitor(&mut parts.headers);
    parts
        .headers
        .insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    parts
        .headers
        .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *head.headers_mut() = parts.headers;
    let copying = Box::pin(async move {
        let Ok((visitor, service)) = tokio::try_join!(visitor, service) else {
            return;
        };
        tokio::select! {
            () = copy(visitor, service, traffic) => {}
            () = visit.denied() => tracing::debug!("a WebSocket was closed: the visit is not allowed any more"),
        }
    });
    Ok(Handshake::Open(head, copying))
}

async fn copy(visitor: Upgraded, service: Upgraded, traffic: Arc<Traffic>) {
    let mut visitor = TokioIo::new(visitor);
    let mut service = Counted {
        io: TokioIo::new(service),
        traffic,
    };
    let size = WEBSOCKET_BUFFER_BYTES;
    if let Err(error) = copy_bidirectional_with_sizes(&mut visitor, &mut service, size, size).await
    {
        tracing::trace!(%error, "a WebSocket broke off");
    }
}

/// Counts what passes to and from a service.
struct Counted<IO> {
    io: IO,
    traffic: Arc<Traffic>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counted<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let result = Pin::new(&mut this.io).poll_read(cx, buf);
        this.traffic.sent((buf.filled().len() - before) as u64);
        result
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counted<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = &result {
            this.traffic.received(*written as u64);
        }
        result
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_that_of_rfc_6455() {
        // The example of section 1.3.
        assert_eq!(
            accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn a_handshake_needs_all_its_fields() {
        let whole = || {
            Request::get("/")
                .header("connection", "keep-alive, Upgrade")
                .header("upgrade", "WebSocket")
                .header("sec-websocket-version", "13")
        };
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let asks = |b: http::request::Builder| is_websocket(&b.body(()).expect("a request"));
        assert!(asks(whole().header("sec-websocket-key", key)));
        assert!(!asks(whole()));
        assert!(!asks(whole().header("sec-websocket-key", "short")));
        assert!(!asks(
            whole()
                .header("sec-websocket-key", key)
                .header("sec-websocket-key", key)
        ));
        assert!(!asks(
            whole().header("sec-websocket-key", key).method("POST")
        ));
        assert!(!asks(
            whole()
                .header("sec-websocket-key", key)
                .version(Version::HTTP_2)
        ));
    }
}
