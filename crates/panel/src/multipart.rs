//! Reading files from a `multipart/form-data` body, bounded in everything.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use tokio::time::Instant;

use crate::refusal::Refusal;

/// The header that an upload must have, with the value `1`. A foreign page can make a browser
/// send a form, but not this header without asking first, and nobody answers such a question.
pub const UPLOAD_HEADER: &str = "x-portlama-upload";
/// The most parts of one upload, files or not. Whoever has more files sends several requests.
pub const MAX_UPLOAD_PARTS: usize = 1000;
/// The most octets before the first part, or of one part's headers. A file name has 255.
pub const MAX_PART_HEAD_BYTES: usize = 16 * 1024;
/// How long a client may send nothing.
pub const UPLOAD_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one upload may take: 1 GB at 5 Mbit/s. It holds one of a few places all the while.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How much of the body goes to the parser at once, octets.
const PIECE_BYTES: usize = 16 * 1024;
/// The longest boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY_CHARACTERS: usize = 70;

/// The parts of a body, one after the other.
pub(crate) struct Multipart {
    parts: multer::Multipart<'static>,
    field: Option<multer::Field<'static>>,
    seen: usize,
    unread: Arc<AtomicUsize>,
    deadline: Instant,
}

impl Multipart {
    /// The parts of a request's body. Nothing is read yet.
    pub(crate) fn of(request: Request) -> Result<Self, Refusal> {
        let boundary = boundary(request.headers())?;
        let unread = Arc::new(AtomicUsize::new(0));
        let pieces = Pieces {
            body: request.into_body().into_data_stream(),
            rest: Bytes::new(),
            pause: false,
            unread: unread.clone(),
        };
        Ok(Self {
            parts: multer::Multipart::new(pieces, boundary),
            field: None,
            seen: 0,
            unread,
            deadline: Instant::now() + UPLOAD_TIMEOUT,
        })
    }

    /// Goes on to the next part that is a file, and answers with the name the client gave it.
    pub(crate) async fn next_file(&mut self) -> Result<Option<String>, Refusal> {
        loop {
            // What is left of the part before is read over.
            while self.chunk().await?.is_some() {}
            self.field = None;
            let next = within(self.deadline, self.parts.next_field()).await?;
            self.unread.store(0, Ordering::Relaxed);
            let Some(field) = next else {
                return Ok(None);
            };
            self.seen += 1;
            if self.seen > MAX_UPLOAD_PARTS {
                return Err(Refusal::Upload(UploadFault::TooManyParts));
            }
            let name = field.file_name().map(str::to_owned);
            self.field = Some(field);
            if name.is_some() {
                return Ok(name);
            }
        }
    }

    /// More of the present part; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Refusal> {
        let Some(field) = &mut self.field else {
            return Ok(None);
        };
        let chunk = within(self.deadline, field.chunk()).await?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(chunk)
    }
}

/// Why an upload cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadFault {
    #[error("an upload needs the header `{UPLOAD_HEADER}: 1`")]
    HeaderMissing,
    #[error("the body is not `multipart/form-data` with a boundary of 1 to 70 characters")]
    NoBoundary,
    #[error("the body is no multipart document, or ended early")]
    Broken,
    #[error("an upload has at most {MAX_UPLOAD_PARTS} parts: send the rest in another request")]
    TooManyParts,
    #[error("the headers of a part are longer than {} KiB", MAX_PART_HEAD_BYTES / 1024)]
    HeadTooLong,
    #[error("the upload holds no file")]
    NoFile,
}

/// Whether the client said that it means to upload.
pub(crate) fn is_meant(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(UPLOAD_HEADER).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value == "1" => Ok(()),
        _ => Err(Refusal::Upload(UploadFault::HeaderMissing)),
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, Refusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::NotMultipart);
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(declared), None) = (types.next(), types.next()) else {
        return Err(Refusal::NotMultipart);
    };
    let declared = declared.to_str().map_err(|_| Refusal::NotMultipart)?;
    let kind = declared.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(Refusal::NotMultipart);
    }
    match multer::parse_boundary(declared) {
        Ok(boundary) if (1..=MAX_BOUNDARY_CHARACTERS).contains(&boundary.len()) => Ok(boundary),
        _ => Err(Refusal::Upload(UploadFault::NoBoundary)),
    }
}

async fn within<T>(
    deadline: Instant,
    reading: impl Future<Output = multer::Result<T>>,
) -> Result<T, Refusal> {
    let limit = deadline.min(Instant::now() + UPLOAD_IDLE_TIMEOUT);
    match tokio::time::timeout_at(limit, reading).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(multer::Error::StreamReadFailed(error))) if error.is::<HeadTooLong>() => {
            Err(Refusal::Upload(UploadFault::HeadTooLong))
        }
        Ok(Err(_)) => Err(Refusal::Upload(UploadFault::Broken)),
        Err(_) => Err(Refusal::SlowBody),
    }
}

/// The body in small pieces, with a pause after each: the parser takes whatever is there before
/// it looks at it, so this is what bounds its memory, whatever the client sends.
struct Pieces {
    body: BodyDataStream,
    rest: Bytes,
    pause: bool,
    /// What the parser took since it last gave something.
    unread: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
#[error("a part's head is too long")]
struct HeadTooLong;

type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Stream for Pieces {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(length);
        let before = self.unread.fetch_add(length, Ordering::Relaxed);
        if before > MAX_PART_HEAD_BYTES {
            return Poll::Ready(Some(Err(HeadTooLong.into())));
        }
        self.pause = true;
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::StreamExt as _;

    use super::*;

    fn request(content_type: &str, body: impl Into<Body>) -> Request {
        let mut request = Request::new(body.into());
        let value = content_type.parse().expect("a header value");
        request.headers_mut().insert(CONTENT_TYPE, value);
        request
    }

    async fn read(body: Vec<u8>) -> Result<Vec<(String, usize)>, Refusal> {
        let mut parts = Multipart::of(request("multipart/form-data; boundary=b", body))?;
        let mut files = vec![];
        while let Some(name) = parts.next_file().await? {
            let mut size = 0;
            while let Some(chunk) = parts.chunk().await? {
                assert!(chunk.len() <= 2 * PIECE_BYTES);
                size += chunk.len();
            }
            files.push((name, size));
        }
        Ok(files)
    }

    fn fault(answer: Result<Vec<(String, usize)>, Refusal>) -> String {
        match answer {
            Err(Refusal::Upload(fault)) => format!("{fault:?}"),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_large_body_in_one_piece_is_read_in_small_ones() {
        let mut body =
            b"--b\r\nContent-Disposition: form-data; name=f; filename=\"a.txt\"\r\n\r\n".to_vec();
        body.extend(vec![b'x'; 1_000_000]);
        body.extend(b"\r\n--b--\r\n");
        assert_eq!(
            read(body).await.ok(),
            Some(vec![("a.txt".to_owned(), 1_000_000)])
        );
    }

    #[tokio::test]
    async fn heads_and_preambles_without_an_end_are_cut() {
        let preamble = vec![b'x'; 200_000];
        let mut head = b"--b\r\nContent-Disposition: form-data; filename=a\r\nX: ".to_vec();
        head.extend(vec![b'x'; 200_000]);
        assert_eq!(fault(read(preamble).await), "HeadTooLong");
        assert_eq!(fault(read(head).await), "HeadTooLong");
    }

    #[tokio::test]
    async fn what_is_no_multipart_is_broken() {
        for body in [
            "",
            "--b",
            "--b\r\n",
            "--b\r\n\r\n",
            "--b\r\nContent-Disposition",
            "--bx",
        ] {
            assert_eq!(fault(read(body.into()).await), "Broken", "{body:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_or_drips_for_ever_ends_in_time() {
        let file = "--b\r\nContent-Disposition: form-data; filename=a.txt\r\n\r\nx";
        let first = || futures_util::stream::iter([Ok::<_, Fault>(Bytes::from(file))]);
        let silent = first().chain(futures_util::stream::pending());
        let dripping = first().chain(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(UPLOAD_IDLE_TIMEOUT / 2).await;
            Some((Ok(Bytes::from_static(b"x")), ()))
        }));
        for (body, limit) in [
            (Body::from_stream(silent), UPLOAD_IDLE_TIMEOUT),
            (Body::from_stream(dripping), UPLOAD_TIMEOUT),
        ] {
            let began = Instant::now();
            let mut parts = Multipart::of(request("multipart/form-data; boundary=b", body))
                .expect("a boundary");
            assert!(parts.next_file().await.is_ok());
            let end = loop {
                match parts.chunk().await {
                    Ok(Some(_)) => {}
                    end => break end,
                }
            };
            assert!(matches!(end, Err(Refusal::SlowBody)), "{end:?}");
            assert!(began.elapsed() <= limit + UPLOAD_IDLE_TIMEOUT);
        }
    }

    #[test]
    fn a_boundary_has_1_to_70_characters() {
        let of = |text: &str| boundary(request(text, vec![]).headers());
        assert_eq!(
            of("Multipart/Form-Data; boundary=\"a b\"").ok().as_deref(),
            Some("a b")
        );
        for none in ["multipart/form-data", "multipart/form-data; boundary=\"\""] {
            assert!(
                matches!(of(none), Err(Refusal::Upload(UploadFault::NoBoundary))),
                "{none}"
            );
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert!(matches!(
            of(&long),
            Err(Refusal::Upload(UploadFault::NoBoundary))
        ));
        for other in [
            "application/json",
            "multipart/mixed; boundary=b",
            "text/plain",
        ] {
            assert!(matches!(of(other), Err(Refusal::NotMultipart)), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics_the_reader(body in proptest::collection::vec(0u8..=255, 0..600), glue in 0usize..4) {
            let glued = [&b""[..], b"--b\r\n", b"--b\r\nContent-Disposition: form-data; filename=\"", b"--b\r\n\r\n"][glue];
            let body = [glued, &body, b"\r\n--b--"].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let _ = runtime.block_on(read(body));
        }
    }
}
