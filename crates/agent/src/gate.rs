//! The allow-list in force, and the open streams that depend on it.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use portlama_model::TunnelPort;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::allow::AllowList;
use crate::target::Target;

/// Every stream passes here, and is cut when the list no longer lets it.
#[derive(Debug, Default)]
pub struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    list: AllowList,
    error: Option<String>,
    server: Vec<IpAddr>,
    open: HashMap<TunnelPort, Arc<Passage>>,
}

/// What the streams of one port have in common.
#[derive(Debug)]
struct Passage {
    target: Target,
    cut: AtomicBool,
    cancelled: CancellationToken,
    streams: AtomicUsize,
}

/// The gate's word that a stream may be opened. It is worth nothing once the list says
/// otherwise, also while a connection is still being made.
#[derive(Debug)]
pub struct Admission {
    passage: Arc<Passage>,
    server: Vec<IpAddr>,
}

impl Gate {
    /// A gate that goes by `list`.
    #[must_use]
    pub fn new(list: AllowList) -> Self {
        Self {
            inner: Mutex::new(Inner {
                list,
                ..Inner::default()
            }),
        }
    }

    /// Goes by another list from here on, and cuts the streams it does not allow, or leads
    /// elsewhere. Returns how many.
    pub fn replace(&self, list: AllowList) -> usize {
        self.put(list, None)
    }

    /// Shuts everything, because the list cannot be believed; `why` is shown in the status.
    pub fn shut(&self, why: String) -> usize {
        self.put(AllowList::default(), Some(why))
    }

    fn put(&self, list: AllowList, error: Option<String>) -> usize {
        let mut inner = self.inner.lock();
        inner.list = list;
        inner.error = error;
        let Inner { list, open, .. } = &mut *inner;
        let mut cut = 0;
        open.retain(|port, passage| {
            let stays = list.target(*port).as_ref() == Some(&passage.target);
            if !stays {
                cut += passage.streams.load(Ordering::Relaxed);
                passage.cut();
            }
            stays
        });
        cut
    }

    /// Why everything is shut, if the list cannot be believed.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.inner.lock().error.clone()
    }

    /// Says which addresses are the Portlama server's, to which nothing is forwarded.
    pub fn set_server(&self, addresses: Vec<IpAddr>) {
        self.inner.lock().server = addresses;
    }

    /// Where `port` leads; `None` when it is shut.
    #[must_use]
    pub fn target(&self, port: TunnelPort) -> Option<Target> {
        self.inner.lock().list.target(port)
    }

    /// The streams open through `port`.
    #[must_use]
    pub fn streams(&self, port: TunnelPort) -> usize {
        let inner = self.inner.lock();
        inner
            .open
            .get(&port)
            .map_or(0, |passage| passage.streams.load(Ordering::Relaxed))
    }

    /// Lets a stream to `port` be opened; `None` when it is shut.
    #[must_use]
    pub fn admit(&self, port: TunnelPort) -> Option<Admission> {
        let mut inner = self.inner.lock();
        let target = inner.list.target(port)?;
        let passage = inner
            .open
            .entry(port)
            .or_insert_with(|| Arc::new(Passage::to(target)));
        Some(Admission {
            passage: passage.clone(),
            server: inner.server.clone(),
        })
    }
}

impl Passage {
    fn to(target: Target) -> Self {
        Self {
            target,
            cut: AtomicBool::new(false),
            cancelled: CancellationToken::new(),
            streams: AtomicUsize::new(0),
        }
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.cancelled.cancel();
    }
}

impl Admission {
    /// Where the stream may lead.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.passage.target
    }

    /// The addresses of the Portlama server.
    #[must_use]
    pub fn server(&self) -> &[IpAddr] {
        &self.server
    }

    /// Waits until the list takes the word back.
    pub async fn withdrawn(&self) {
        self.passage.cancelled.cancelled().await;
    }

    /// Binds a connection to the list: from the moment it is denied, reading and writing fail.
    pub fn guard<S>(self, stream: S) -> Guarded<S> {
        self.passage.streams.fetch_add(1, Ordering::Relaxed);
        let wait = || Box::pin(self.passage.cancelled.clone().cancelled_owned());
        Guarded {
            stream,
            read_cut: wait(),
            write_cut: wait(),
            passage: self.passage.clone(),
        }
    }
}

/// A connection that lives as long as the list allows it.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    // Reading and writing may wait in different tasks, so each has a waker of its own.
    read_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    write_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    passage: Arc<Passage>,
}

impl<S> Guarded<S> {
    fn check(&self) -> io::Result<()> {
        if self.passage.cut.load(Ordering::Acquire) {
            Err(denied())
        } else {
            Ok(())
        }
    }
}

fn denied() -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the port is no longer allowed at home",
    )
}

fn unless_cut<T>(
    cut: &mut Pin<Box<WaitForCancellationFutureOwned>>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    ready!(cut.as_mut().poll(cx));
    Poll::Ready(Err(denied()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => unless_cut(&mut self.read_cut, cx),
            done @ Poll::Ready(_) => done,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => unless_cut(&mut self.write_cut, cx),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => unless_cut(&mut self.write_cut, cx),
            done @ Poll::Ready(_) => done,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => unless_cut(&mut self.write_cut, cx),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Pending => unless_cut(&mut self.write_cut, cx),
            done @ Poll::Ready(_) => done,
        }
    }
}

impl<S> Drop for Guarded<S> {
    fn drop(&mut self) {
        self.passage.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
