//! WebSockets on which the server alone speaks: progress of a set-up, lines of a log.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use portlama_control::http::{AsyncReadWrite, WebsocketOffer};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// How often a quiet client is asked whether it is still there: below the minute after which
/// home routers forget a connection.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How long a client may be silent, pongs included, before it counts as gone: two pings and
/// time for the answer.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a frame may wait for a client that does not read.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to answer a close. Browsers answer at once; a server that stops
/// waits for nobody else.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest message a client may send, octets. None is expected; a close frame has at most
/// 125.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 1024;

/// What goes to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A text frame.
    Text(String),
    /// The end: a status code of RFC 6455 §7.4 and a reason of at most 123 octets.
    Close(u16, &'static str),
}

/// The end of frames that do not say one themselves.
pub(crate) const THE_END: Frame = Frame::Close(1000, "the end");

/// Answers 101 and sends `frames` until they end (close code 1000), one of them is a close,
/// or the client is gone. The stream is dropped then, and with it whatever feeds it.
pub(crate) fn accept(
    offer: &WebsocketOffer,
    frames: impl Stream<Item = Frame> + Send + 'static,
) -> Response {
    let run = |io| -> portlama_control::BoxFuture<'static, ()> { Box::pin(speak(io, frames)) };
    let head = offer.accept(Box::new(run));
    head.map(|()| axum::body::Body::empty()).into_response()
}

async fn speak(io: Box<dyn AsyncReadWrite>, frames: impl Stream<Item = Frame> + Send) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_CLIENT_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_CLIENT_MESSAGE_BYTES));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (mut to_client, mut from_client) = socket.split();
    let mut frames = std::pin::pin!(frames);
    let mut pings = interval(PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            frame = frames.next() => message_of(frame.unwrap_or(THE_END)),
            heard_now = from_client.next() => match heard_now {
                // What a client says is not asked for; that it says something is a sign of life.
                Some(Ok(message)) if !message.is_close() => {
                    heard = Instant::now();
                    continue;
                }
                _ => return,
            },
            _ = pings.tick() => {
                if heard.elapsed() >= SILENCE_TIMEOUT {
                    return;
                }
                Message::Ping(Default::default())
            }
        };
        let is_last = message.is_close();
        match timeout(WRITE_TIMEOUT, to_client.send(message)).await {
            Ok(Ok(())) if !is_last => {}
            Ok(Ok(())) => return farewell(&mut from_client).await,
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

fn message_of(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::Text(Utf8Bytes::from(text)),
        Frame::Close(code, reason) => Message::Close(Some(CloseFrame {
            code: CloseCode::from(code),
            reason: Utf8Bytes::from_static(reason),
        })),
    }
}

/// Waits for the client's close, so that ours is read before the connection ends.
async fn farewell(
    from_client: &mut (
             impl Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin
         ),
) {
    let read_on = async { while let Some(Ok(_)) = from_client.next().await {} };
    // A client that does not answer is left.
    let _ = timeout(CLOSE_TIMEOUT, read_on).await;
}
