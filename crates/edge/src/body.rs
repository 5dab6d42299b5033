//! Bodies on their way: bounded in time, without trailers, counted.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::EXPECT;
use portlama_control::Traffic;
use portlama_control::http::{BoxError, ResponseBody};
use tokio::time::Instant;

use crate::io::LazyTimer;
use crate::limits::{BODY_IDLE_TIMEOUT, MAX_UNREAD_BODY_BYTES, UNREAD_BODY_TIMEOUT};
use crate::ongoing::InFlight;
use crate::proxy::Lease;
use crate::site::Content;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client sent nothing for [`BODY_IDLE_TIMEOUT`].
    #[error("the client stopped sending")]
    Idle,
    /// The client's message broke off or is malformed.
    #[error("the client's message is incomplete")]
    Client(#[source] hyper::Error),
    /// The service's message broke off or is malformed.
    #[error("the service's message is incomplete")]
    App(#[source] hyper::Error),
    /// The visitor may not visit any more.
    #[error("the visit is not allowed any more")]
    Denied,
    /// A room of ours failed while it answered.
    #[error("the answer broke off")]
    Room(#[source] BoxError),
    /// A file of a site became shorter, or cannot be read any more.
    #[error("a file of a site could not be read to its end")]
    Site(#[source] std::io::Error),
}

/// How far a request body has come, for the patience with the answer.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    /// Milliseconds after `began`, the top bit set once the body has ended.
    state: AtomicU64,
}

const ENDED: u64 = 1 << 63;

impl Progress {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            state: AtomicU64::new(0),
        }
    }

    /// When the service took something last.
    pub(crate) fn moved(&self) -> Instant {
        let millis = self.state.load(Ordering::Acquire) & !ENDED;
        self.began + std::time::Duration::from_millis(millis)
    }

    /// Whether all of the body went to the service.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.load(Ordering::Acquire) & ENDED != 0
    }

    fn note(&self, ended: bool) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX >> 1);
        let mark = if ended { ENDED } else { 0 };
        self.state.store(millis & !ENDED | mark, Ordering::Release);
    }
}

/// A client's body: data only, with a limit on silence while somebody waits for it.
pub(crate) struct ClientBody {
    incoming: Received,
    timer: LazyTimer,
    waiting_since: Option<Instant>,
    traffic: Option<Arc<Traffic>>,
    progress: Arc<Progress>,
}

impl ClientBody {
    pub(crate) fn new(incoming: Received, traffic: Option<Arc<Traffic>>) -> Self {
        Self {
            incoming,
            timer: LazyTimer::default(),
            waiting_since: None,
            traffic,
            progress: Arc::new(Progress::new()),
        }
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }
}

/// A request's body as the client sends it.
///
/// When nobody wants all of it, its rest is read for a moment: cutting a client off while it
/// still sends makes many of them miss the answer, which is on its way already. A client that
/// waits to be asked for its body (`Expect`) is not asked by this.
pub(crate) struct Received {
    incoming: Option<Incoming>,
    waits_to_be_asked: bool,
}

impl Received {
    /// The request with its body taken over.
    pub(crate) fn of(request: Request<Incoming>) -> Request<Self> {
        let waits_to_be_asked = request.headers().contains_key(EXPECT);
        request.map(|incoming| Self {
            incoming: Some(incoming),
            waits_to_be_asked,
        })
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.waits_to_be_asked {
            return;
        }
        let rest = self.incoming.take().filter(|rest| !rest.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(UNREAD_BODY_TIMEOUT, discard(rest)));
        }
    }
}

async fn discard(mut rest: Incoming) {
    let mut left = MAX_UNREAD_BODY_BYTES;
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await
    {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(less) => left = less,
            None => return,
        }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        match &mut this.incoming {
            Some(incoming) => Pin::new(incoming).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            let since = *this.waiting_since.get_or_insert_with(Instant::now);
            ready!(this.timer.poll_at(cx, since + BODY_IDLE_TIMEOUT));
            return Poll::Ready(Some(Err(BodyError::Idle)));
        };
        this.waiting_since = None;
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().ok(),
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Client(error)))),
            None => None,
        };
        // Trailers come last: with them the body ends (RFC 9110 §6.5.1 lets us drop them).
        this.progress
            .note(data.is_none() || this.incoming.is_end_stream());
        Poll::Ready(data.map(|data| {
            if let Some(traffic) = &this.traffic {
                traffic.received(data.len() as u64);
            }
            Ok(Frame::data(data))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// What is sent to a service.
pub(crate) enum UpstreamBody {
    Empty,
    Client(ClientBody),
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Client(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Client(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Client(body) => body.size_hint(),
        }
    }
}

/// Where an answer comes from.
pub(crate) enum Source {
    /// The edge itself.
    Own(Bytes),
    /// The panel or the portal.
    Room(ResponseBody),
    /// An app; the lease goes back to the pool when the body was read to its end.
    App(AppBody),
    /// A file of a site.
    Site(Content),
}

/// The body of an app's answer.
pub(crate) struct AppBody {
    incoming: Incoming,
    traffic: Arc<Traffic>,
    lease: Option<Lease>,
}

impl AppBody {
    pub(crate) fn new(incoming: Incoming, traffic: Arc<Traffic>, lease: Lease) -> Self {
        Self {
            incoming,
            traffic,
            lease: Some(lease),
        }
    }
}

impl Drop for AppBody {
    fn drop(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

/// The body of an answer on its way to the client. While it lives, the request is under way.
pub(crate) struct AnswerBody {
    source: Source,
    in_flight: InFlight,
}

impl AnswerBody {
    pub(crate) fn new(source: Source, in_flight: InFlight) -> Self {
        Self { source, in_flight }
    }

    /// Leaves nothing of what would be sent. Apps and sites know HEAD, and send nothing anyway.
    pub(crate) fn drop_content(&mut self) {
        if let Source::Own(_) | Source::Room(_) = self.source {
            self.source = Source::Own(Bytes::new());
        }
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match &mut self.source {
            Source::Own(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Source::Room(body) => data_of(ready!(Pin::new(body).poll_frame(cx)), BodyError::Room),
            Source::App(app) => {
                let frame = ready!(Pin::new(&mut app.incoming).poll_frame(cx));
                if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(Frame::data_ref)) {
                    app.traffic.sent(data.map_or(0, |d| d.len() as u64));
                }
                data_of(frame, BodyError::App)
            }
            Source::Site(content) => content
                .poll_piece(cx)
                .map(|piece| piece.map(|read| read.map_err(BodyError::Site))),
        }
    }
}

/// The data of a frame; trailers end the body.
fn data_of<E>(
    frame: Option<Result<Frame<Bytes>, E>>,
    error: impl FnOnce(E) -> BodyError,
) -> Poll<Option<Result<Bytes, BodyError>>> {
    Poll::Ready(match frame {
        Some(Ok(frame)) => frame.into_data().ok().map(Ok),
        Some(Err(e)) => Some(Err(error(e))),
        None => None,
    })
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        this.in_flight.unblock();
        if let (Source::App(_) | Source::Site(_), Some(visit)) =
            (&this.source, this.in_flight.visit())
            && visit.poll_denied(cx).is_ready()
        {
            return Poll::Ready(Some(Err(BodyError::Denied)));
        }
        let data = ready!(this.poll_source(cx));
        if let Some(Ok(_)) = &data {
            this.in_flight.block();
        }
        if let Some(Err(error)) = &data {
            tracing::debug!(error = %Chain(error), "an answer broke off");
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(bytes) => bytes.is_empty(),
            Source::Room(body) => body.is_end_stream(),
            Source::App(app) => app.incoming.is_end_stream(),
            Source::Site(content) => content.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Room(body) => body.size_hint(),
            Source::App(app) => app.incoming.size_hint(),
            Source::Site(content) => SizeHint::with_exact(content.left()),
        }
    }
}

/// An error with its causes on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
