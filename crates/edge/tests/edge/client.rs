//! Clients that say exactly what a test wants said.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::{Credentials, House};

/// Nothing that a test waits for takes longer, but for a machine that is very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the connection ended, and cleanly (with `close_notify`).
    pub(crate) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Clean,
    Broken,
}

impl Raw {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

/// One TLS connection.
pub(crate) struct Line {
    pub(crate) tls: TlsStream<TcpStream>,
    pub(crate) buffer: Vec<u8>,
}

impl Line {
    /// Connects to the public port under a name.
    pub(crate) async fn open(house: &House, name: &str) -> Self {
        let config = house.tls(None);
        Self::with(house.https, name, config)
            .await
            .expect("a handshake")
    }

    /// Connects to the panel's port by address.
    pub(crate) async fn panel(house: &House, credentials: Option<&Credentials>) -> Self {
        let config = house.tls(credentials);
        Self::with(house.panel, "127.0.0.1", config)
            .await
            .expect("a handshake")
    }

    pub(crate) async fn with(
        to: SocketAddr,
        name: &str,
        config: ClientConfig,
    ) -> std::io::Result<Self> {
        let tcp = TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let tls = tokio::time::timeout(PATIENCE, connecting).await??;
        Ok(Self {
            tls,
            buffer: Vec::new(),
        })
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.tls
            .write_all(text.as_ref())
            .await
            .expect("the server listens");
        self.tls.flush().await.expect("the server listens");
    }

    /// Sends as much as the server takes.
    pub(crate) async fn try_send(&mut self, text: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.tls.write_all(text.as_ref()).await?;
        self.tls.flush().await
    }

    /// Reads one answer: its head, and its body as far as its framing goes.
    pub(crate) async fn answer(&mut self) -> Raw {
        self.answer_to("GET").await
    }

    pub(crate) async fn answer_to(&mut self, method: &str) -> Raw {
        tokio::time::timeout(PATIENCE, self.read_answer(method))
            .await
            .expect("an answer in time")
    }

    /// Reads until the connection ends.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        let reading = async { while self.fill().await == End::Open {} };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the connection ends");
        let end = self.fill().await;
        (std::mem::take(&mut self.buffer), end)
    }

    /// Reads until so many octets are there.
    pub(crate) async fn exactly(&mut self, len: usize) -> Vec<u8> {
        let reading = async {
            while self.buffer.len() < len {
                assert_eq!(
                    self.fill().await,
                    End::Open,
                    "after {:?}",
                    self.buffer.escape_ascii().to_string()
                );
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("octets in time");
        self.buffer.drain(..len).collect()
    }

    async fn fill(&mut self) -> End {
        let mut piece = vec![0; 64 * 1024];
        match self.tls.read(&mut piece).await {
            Ok(0) => End::Clean,
            Ok(n) => {
                self.buffer.extend_from_slice(&piece[..n]);
                End::Open
            }
            Err(_) => End::Broken,
        }
    }

    async fn read_answer(&mut self, method: &str) -> Raw {
        let mut end = End::Open;
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            assert_eq!(
                end,
                End::Open,
                "no answer but {:?}",
                self.buffer.escape_ascii().to_string()
            );
            end = self.fill().await;
        };
        let head =
            String::from_utf8(self.buffer.drain(..head_end).collect()).expect("a head is text");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("a status");
        let mut raw = Raw {
            status,
            head,
            body: Vec::new(),
            end,
        };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return raw;
        }
        if let Some(length) = raw
            .header("content-length")
            .map(|l| l.parse::<usize>().expect("a number"))
        {
            while self.buffer.len() < length && raw.end == End::Open {
                raw.end = self.fill().await;
            }
            raw.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        } else if raw.header("transfer-encoding") == Some("chunked") {
            self.read_chunks(&mut raw).await;
        }
        raw
    }

    async fn read_chunks(&mut self, raw: &mut Raw) {
        loop {
            let Some(line) = self.line(raw).await else {
                return;
            };
            let size = usize::from_str_radix(&line, 16).expect("a chunk size");
            while self.buffer.len() < size + 2 {
                raw.end = self.fill().await;
                if raw.end != End::Open {
                    return;
                }
            }
            raw.body.extend(self.buffer.drain(..size));
            self.buffer.drain(..2);
            if size == 0 {
                return;
            }
        }
    }

    async fn line(&mut self, raw: &mut Raw) -> Option<String> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.drain(..at + 2).take(at).collect();
                return Some(String::from_utf8(line).expect("text"));
            }
            raw.end = self.fill().await;
            if raw.end != End::Open {
                return None;
            }
        }
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(house: &House, host: &str, head: &str) -> Raw {
    let mut line = Line::open(house, host).await;
    line.send(head).await;
    let method = head.split(' ').next().unwrap_or("GET").to_owned();
    line.answer_to(&method).await
}

/// `GET path` with more fields, each ending in CR LF.
pub(crate) async fn get(house: &House, host: &str, path: &str, fields: &str) -> Raw {
    let authority = house.authority_of(host);
    ask(
        house,
        host,
        &format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\n{fields}\r\n"),
    )
    .await
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}
