//! An HTTPS server that answers each path with octets of the test's, whatever they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::local_tls::local_tls;

/// What is sent for a path, head and all, and then.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The octets.
    pub octets: Vec<u8>,
    /// Whether the connection stays open in silence, instead of ending.
    pub hangs: bool,
}

impl RawAnswer {
    /// A file.
    #[must_use]
    pub fn file(body: &[u8]) -> Self {
        let length = body.len();
        let mut octets =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
                .into_bytes();
        octets.extend_from_slice(body);
        Self {
            octets,
            hangs: false,
        }
    }

    /// A head alone, or octets that are none.
    #[must_use]
    pub fn head(lines: &str) -> Self {
        Self {
            octets: format!("{lines}\r\n\r\n").into_bytes(),
            hangs: false,
        }
    }
}

type Answers = Arc<Mutex<BTreeMap<String, RawAnswer>>>;

/// A running server at `https://localhost:port`.
pub struct RawHttps {
    /// Its address, without a slash at the end.
    pub url: String,
    /// The authority of that address, PEM.
    pub ca_file: PathBuf,
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
    _server: AbortOnDropHandle<()>,
}

impl RawHttps {
    /// One that answers 404 to everything.
    ///
    /// # Panics
    /// When there is no port or folder for it.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, ca_pem) = local_tls("Authority of files");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca_pem).expect("written");
        let (answers, asked) = (Answers::default(), Arc::default());
        let server = serve(listener, acceptor, Arc::clone(&answers), Arc::clone(&asked));
        Self {
            url: format!("https://localhost:{port}"),
            ca_file,
            answers,
            asked,
            _folder: folder,
            _server: AbortOnDropHandle::new(tokio::spawn(server)),
        }
    }

    /// Answers a path so from now on.
    pub fn at(&self, path: &str, answer: RawAnswer) {
        let mut answers = self.answers.lock().expect("unpoisoned");
        answers.insert(path.to_owned(), answer);
    }

    /// The paths that were asked for, in their order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("unpoisoned").clone()
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, answers, asked) = (acceptor.clone(), answers.clone(), asked.clone());
        tokio::spawn(async move {
            // Who breaks off learns nothing more.
            let _ = answer(tcp, &acceptor, &answers, &asked).await;
        });
    }
}

async fn answer(
    tcp: TcpStream,
    acceptor: &TlsAcceptor,
    answers: &Answers,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut tls = acceptor.accept(tcp).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tls.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let found = answers.lock().expect("unpoisoned").get(&path).cloned();
    asked.lock().expect("unpoisoned").push(path);
    let found = found.unwrap_or_else(|| {
        RawAnswer::head("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close")
    });
    tls.write_all(&found.octets).await?;
    tls.flush().await?;
    if found.hangs {
        std::future::pending::<()>().await;
    }
    tls.shutdown().await
}
