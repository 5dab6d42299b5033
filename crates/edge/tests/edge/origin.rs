//! A service behind the tunnel that answers exactly as the path asks, octet by octet, and
//! remembers what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

/// What a service received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The head as it came, line by line.
    pub(crate) head: String,
}

impl Seen {
    /// All values of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    pub(crate) fn request_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    closed: Notify,
    gate: Semaphore0,
}

/// A semaphore that starts closed.
struct Semaphore0(Semaphore);

impl Default for Semaphore0 {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[derive(Clone)]
pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let shared = accepting.clone();
                shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    serve(tcp, &shared).await;
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                    shared.closed.notify_waiters();
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything received so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().clone()
    }

    /// How many requests named this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        let line = format!(" {path} ");
        self.seen()
            .iter()
            .filter(|s| s.request_line().contains(&line))
            .count()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Lets whoever waits at `/events` or `/hold` go one step on.
    pub(crate) fn step(&self) {
        self.shared.gate.0.add_permits(1);
    }

    /// Waits until no connection is open.
    pub(crate) async fn quiet(&self) {
        loop {
            let closed = self.shared.closed.notified();
            if self.shared.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            closed.await;
        }
    }
}

impl Origin {
    /// Waits until so many requests came and no connection is open any more.
    pub(crate) async fn quiet_after(&self, requests: usize) {
        while self.seen().len() < requests {
            tokio::task::yield_now().await;
        }
        self.quiet().await;
    }
}

/// The octets of `/download/<n>`, at any position.
pub(crate) fn pattern(at: usize) -> u8 {
    u8::try_from(at % 251).expect("below 251")
}

type Io = BufReader<TcpStream>;

async fn serve(tcp: TcpStream, shared: &Shared) {
    let mut io = BufReader::new(tcp);
    while let Some(head) = read_head(&mut io).await {
        let seen = Seen { head };
        shared.seen.lock().push(seen.clone());
        let path = seen
            .request_line()
            .split(' ')
            .nth(1)
            .unwrap_or("/")
            .to_owned();
        if !answer(&mut io, &seen, &path, shared).await.unwrap_or(false) {
            return;
        }
    }
}

async fn read_head(io: &mut Io) -> Option<String> {
    let mut head = String::new();
    loop {
        if io.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
        if head.ends_with("\r\n\r\n") {
            return Some(head);
        }
    }
}

/// Returns whether the connection goes on.
async fn answer(io: &mut Io, seen: &Seen, path: &str, shared: &Shared) -> std::io::Result<bool> {
    if let Some(size) = path.strip_prefix("/download/") {
        return download(io, size.parse().unwrap_or(0)).await;
    }
    if let Some(raw) = canned(path) {
        io.write_all(raw.as_bytes()).await?;
        // Ends as the peer sees it: everything sent, then closed.
        io.shutdown().await?;
        return Ok(false);
    }
    match path {
        "/upload" => {
            let (len, hash) = read_body(io, seen).await?;
            return reply(io, &format!("{len} {hash}")).await;
        }
        "/hang-up" => {
            read_body(io, seen).await?;
            return Ok(false);
        }
        "/hold" => {
            shared.gate.0.acquire().await.expect("open").forget();
        }
        "/never-reads" => {
            shared.gate.0.acquire().await.expect("open").forget();
            return Ok(false);
        }
        "/early" => {
            io.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
                .await?;
            io.shutdown().await?;
            return Ok(false);
        }
        "/events" => return events(io, shared).await,
        "/ws" | "/ws-wrong" => return websocket(io, seen, path == "/ws").await,
        "/cookies" => {
            io.write_all(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nset-cookie: __Host-portlama_session=evil; Path=/\r\nconnection: x-secret\r\nx-secret: 1\r\nkeep-alive: timeout=5\r\ncontent-length: 2\r\n\r\nok").await?;
            return Ok(true);
        }
        "/no-content" => {
            io.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
            return Ok(true);
        }
        "/not-modified" => {
            io.write_all(b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\n")
                .await?;
            return Ok(true);
        }
        _ => {}
    }
    if seen.request_line().starts_with("HEAD ") {
        io.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")
            .await?;
        return Ok(true);
    }
    read_body(io, seen).await?;
    reply(io, &seen.head).await
}

async fn reply(io: &mut Io, text: &str) -> std::io::Result<bool> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    io.write_all(head.as_bytes()).await?;
    io.write_all(text.as_bytes()).await?;
    Ok(true)
}

/// Answers that are wrong in one way each.
fn canned(path: &str) -> Option<String> {
    let ok = "HTTP/1.1 200 OK\r\n";
    Some(match path {
        "/short" => format!("{ok}content-length: 100\r\n\r\nonly this"),
        "/short-chunked" => format!("{ok}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        "/bad-chunk" => format!("{ok}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n"),
        "/extra" => format!(
            "{ok}content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstolen"
        ),
        "/two-lengths" => format!("{ok}content-length: 2\r\ncontent-length: 3\r\n\r\nokk"),
        "/length-and-chunks" => format!(
            "{ok}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ),
        "/lf" => "HTTP/1.1 200 OK\ncontent-length: 2\n\nok".to_owned(),
        "/huge-head" => format!(
            "{ok}a: {}\r\ncontent-length: 2\r\n\r\nok",
            "a".repeat(100 * 1024)
        ),
        "/interim-flood" => format!(
            "{}{ok}content-length: 2\r\n\r\nok",
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)
        ),
        "/interim" => format!("HTTP/1.1 100 Continue\r\n\r\n{ok}content-length: 2\r\n\r\nok"),
        "/status-999" => "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "/switch" => {
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n"
                .to_owned()
        }
        "/noise" => "\x16\x03\x01 not http at all".to_owned(),
        "/until-close" => "HTTP/1.0 200 OK\r\n\r\nto the end".to_owned(),
        "/trailers" => format!(
            "{ok}transfer-encoding: chunked\r\ntrailer: x-late\r\n\r\n2\r\nok\r\n0\r\nx-late: 1\r\n\r\n"
        ),
        _ => return None,
    })
}

async fn download(io: &mut Io, size: usize) -> std::io::Result<bool> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
    io.write_all(head.as_bytes()).await?;
    let mut at = 0;
    while at < size {
        let end = (at + 64 * 1024).min(size);
        let piece: Vec<u8> = (at..end).map(pattern).collect();
        io.write_all(&piece).await?;
        at = end;
    }
    Ok(true)
}

async fn events(io: &mut Io, shared: &Shared) -> std::io::Result<bool> {
    io.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )
    .await?;
    for n in 0.. {
        tokio::select! {
            step = shared.gate.0.acquire() => step.expect("open").forget(),
            gone = io.fill_buf() => {
                gone?;
                return Ok(false);
            }
        }
        let event = format!("data: {n}\n\n");
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        io.write_all(chunk.as_bytes()).await?;
    }
    Ok(false)
}

/// Agrees to a WebSocket and then echoes octets, whatever they are.
async fn websocket(io: &mut Io, seen: &Seen, honest: bool) -> std::io::Result<bool> {
    use base64::Engine as _;
    let key = seen.values("sec-websocket-key").pop().unwrap_or_default();
    let mut sha1 = Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key.as_bytes());
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = if honest {
        base64::engine::general_purpose::STANDARD.encode(sha1.finish())
    } else {
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned()
    };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\nsec-websocket-protocol: chat\r\n\r\nhello"
    );
    io.write_all(head.as_bytes()).await?;
    let mut buf = vec![0; 16 * 1024];
    loop {
        let n = io.read(&mut buf).await?;
        if n == 0 {
            io.write_all(b"bye").await?;
            io.shutdown().await?;
            return Ok(false);
        }
        io.write_all(&buf[..n]).await?;
    }
}

/// Reads a body to its end: its length and SHA-256.
async fn read_body(io: &mut Io, seen: &Seen) -> std::io::Result<(u64, String)> {
    let mut hash = Context::new(&SHA256);
    let mut total = 0;
    if seen
        .values("transfer-encoding")
        .iter()
        .any(|v| v == "chunked")
    {
        loop {
            let mut size = String::new();
            io.read_line(&mut size).await?;
            let size = u64::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
            total += take(io, size, &mut hash).await?;
            let mut end = String::new();
            io.read_line(&mut end).await?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = seen.values("content-length").pop() {
        total = take(
            io,
            length.parse().map_err(std::io::Error::other)?,
            &mut hash,
        )
        .await?;
    }
    Ok((total, hex::encode(hash.finish())))
}

async fn take(io: &mut Io, size: u64, hash: &mut Context) -> std::io::Result<u64> {
    let mut left = io.take(size);
    let mut buf = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        let n = left.read(&mut buf).await?;
        if n == 0 {
            return if total == size {
                Ok(total)
            } else {
                Err(std::io::ErrorKind::UnexpectedEof.into())
            };
        }
        hash.update(&buf[..n]);
        total += n as u64;
    }
}
