//! Discovery among real sockets, real services and a socket that answers as Docker does.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener as BlockingListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portlama_agent::Target;
use portlama_agent::discover::{
    Discovery, Docker, Found, KnownBy, Listener, Patience, Sockets, Speaks, SystemSockets, Wanted,
    discover, probe_all,
};
use portlama_model::Timestamp;
use portlama_pki::{Authority, LeafName};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UnixListener};

/// Whoever answers answers in this time, also on a busy machine.
const PATIENT: Patience = Patience {
    each: Duration::from_secs(20),
    all: Duration::from_secs(60),
    docker: Duration::from_secs(20),
};
const NO_DOCKER: &str = "/nonexistent/docker.sock";

/// The sockets of one test alone: what else runs on the machine is left in peace.
struct Own(Vec<u16>);

impl Sockets for Own {
    fn listening(&self) -> io::Result<Vec<Listener>> {
        let mut all = SystemSockets::default().listening()?;
        all.retain(|listener| self.0.contains(&listener.address.port()));
        Ok(all)
    }
}

/// Looks among these sockets.
async fn look(
    among: &[SocketAddr],
    docker: &Docker,
    wanted: Wanted,
    patience: Patience,
) -> Discovery {
    let own = Own(among.iter().map(SocketAddr::port).collect());
    discover(own, docker, &wanted, patience)
        .await
        .expect("the system tells")
}

async fn look_around(among: &[SocketAddr], patience: Patience) -> Discovery {
    look(among, &Docker::at(NO_DOCKER), Wanted::All, patience).await
}

fn at(discovery: &Discovery, address: SocketAddr) -> &Found {
    let target = Target::localhost(address.port());
    discovery.at(&target).expect("it was found")
}

fn answer(
    request: Request<Incoming>,
    head: &'static str,
    body: &'static str,
) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("GET", "/")
    );
    let (name, value) = head.split_once(": ").expect("a header");
    let response = Response::builder().header(name, value);
    ready(Ok(response.body(Full::from(body)).expect("an answer")))
}

/// A web app with one page.
async fn app(head: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service_fn(move |request| answer(request, head, body));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    address
}

/// A service that says `greeting` to everybody and keeps the connection.
async fn greeter(greeting: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(greeting).await.expect("written");
            held.push(socket);
        }
    });
    address
}

const HTML: &str = "content-type: text/html; charset=utf-8";

#[tokio::test]
async fn services_are_known_by_what_they_answer() {
    let photos = app(HTML, "<html><title>Photos &amp; films</title>").await;
    let ollama = app("content-type: text/plain", "Ollama is running").await;
    let grafana = app(HTML, "<title>Grafana</title>").await;
    let ssh = greeter(b"SSH-2.0-OpenSSH_9.2p1\r\n").await;
    let mail = greeter(b"220 mail.example ESMTP\r\n").await;
    let among = [photos, ollama, grafana, ssh, mail];
    let found = look_around(&among, PATIENT).await;

    let photos = at(&found, photos);
    assert_eq!((photos.speaks, photos.name()), (Speaks::Http, None));
    assert_eq!(photos.title.as_deref(), Some("Photos & films"));
    assert_eq!(photos.unfit(), None);
    let process = photos.process.as_ref().expect("our own");
    assert_eq!(process.pid, std::process::id());
    for (address, id) in [(ollama, "ollama"), (grafana, "grafana"), (ssh, "ssh")] {
        let (service, by) = at(&found, address).service.expect("known");
        assert_eq!(service.id, id);
        assert_eq!(by == KnownBy::Answer, id != "ssh");
    }
    assert!(at(&found, ssh).unfit().is_some() && at(&found, mail).unfit().is_some());
    assert_eq!(at(&found, mail).speaks, Speaks::Other);
    assert_eq!(found.called("Ollama").map(Found::port), Some(ollama.port()));
    assert!(found.called("comfyui").is_none());
}

/// Takes connections, reads and never answers.
fn silent() -> (BlockingListener, SocketAddr) {
    let listener = BlockingListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

#[tokio::test]
async fn a_silent_service_is_told_as_silent_and_delays_nobody() {
    let (_held, quiet) = silent();
    let photos = app(HTML, "<title>Photos</title>").await;
    let found = look_around(&[quiet, photos], Patience::THOROUGH).await;
    assert_eq!(at(&found, quiet).speaks, Speaks::Silent);
    assert_eq!(at(&found, photos).title.as_deref(), Some("Photos"));
}

#[tokio::test]
async fn https_is_told_from_http() {
    let tls = tls_app().await;
    let found = look_around(&[tls], PATIENT).await;
    assert_eq!(at(&found, tls).speaks, Speaks::Https);
    assert_eq!(at(&found, tls).title.as_deref(), Some("Behind TLS"));
}

/// A web app with a certificate that no platform knows.
async fn tls_app() -> SocketAddr {
    let now = Timestamp::from(std::time::SystemTime::now());
    let (authority, _) = Authority::create(now).expect("an authority");
    let names = [LeafName::Ip([127, 0, 0, 1].into())];
    let leaf = authority
        .issue_server(&names, now, Duration::from_secs(86_400))
        .expect("a leaf");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate().der().clone()], leaf.key_der())
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(socket).await else {
                continue;
            };
            let service = service_fn(|request| answer(request, HTML, "<title>Behind TLS</title>"));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn nobody_is_asked_but_on_loopback() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let elsewhere = SocketAddr::from(([198, 51, 100, 7], port));
    let patience = Patience {
        each: Duration::from_secs(30),
        ..Patience::QUICK
    };
    let asked = probe_all([elsewhere], patience).await;
    assert!(asked.is_empty());
}

#[tokio::test]
async fn only_what_is_wanted_is_asked() {
    let counter = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let other = listener.local_addr().expect("bound");
    let count = Arc::clone(&counter);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let photos = app(HTML, "<title>Photos</title>").await;
    let docker = Docker::at(NO_DOCKER);
    let wanted = Wanted::Ports(vec![photos.port()]);
    let found = look(&[photos, other], &docker, wanted, PATIENT).await;
    assert_eq!(found.found.len(), 1);
    assert_eq!(found.found[0].title.as_deref(), Some("Photos"));
    assert_eq!(counter.load(Ordering::SeqCst), 0, "{other} was asked");
}

/// Docker's side of the Engine API, with one list. The answer was written by hand after the
/// API's description.
fn docker_with(folder: &Path, list: String) -> std::path::PathBuf {
    let path = folder.join("docker.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let list = list.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let known = request.uri().path() == "/containers/json";
                let status = if known { 200 } else { 404 };
                let response = Response::builder()
                    .status(status)
                    .header("api-version", "1.47")
                    .header("content-type", "application/json")
                    .header("server", "Docker/27.3.1 (linux)");
                let body = Full::<Bytes>::from(list.clone());
                async move { Ok::<_, Infallible>(response.body(body).expect("an answer")) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    path
}

#[tokio::test]
async fn containers_are_named_by_docker() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let behind_a_socket = app(HTML, "<title>Films</title>").await;
    let list = include_str!("discover/docker_containers.json")
        .replace("18096", &behind_a_socket.port().to_string());
    let docker = Docker::at(docker_with(folder.path(), list));
    let containers = docker.containers(PATIENT.docker).await;
    assert_eq!(containers.hint, None);
    let names: Vec<_> = containers
        .list
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["db", "films", "llm"]);

    let found = look(&[behind_a_socket], &docker, Wanted::All, PATIENT).await;
    let llm = found
        .called("llm")
        .expect("listed without a socket of its own");
    let (service, by) = llm.service.expect("known by its image");
    assert_eq!((service.id, by), ("ollama", KnownBy::Image));
    assert!(found.called("db").expect("listed").unfit().is_some());
    // A process that is no forwarder has the port: the container's is another one.
    assert!(at(&found, behind_a_socket).container.is_none());
}

#[tokio::test]
async fn a_docker_that_is_not_there_is_no_trouble_and_a_closed_one_is_explained() {
    let none = Docker::at(NO_DOCKER)
        .containers(Duration::from_secs(5))
        .await;
    assert_eq!((none.list.len(), none.hint), (0, None));

    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("docker.sock");
    let _listener = UnixListener::bind(&path).expect("bound");
    let silent = Docker::at(&path)
        .containers(Duration::from_millis(20))
        .await;
    let hint = silent.hint.expect("a hint");
    assert!(
        hint.contains("docker.sock") && hint.contains("--thorough"),
        "{hint}"
    );
}

const SOCKETS: usize = 200;
const SILENT: usize = 50;

/// Prints how long it took: a busy machine makes no test fail.
#[allow(
    clippy::print_stderr,
    reason = "the figure is for whoever reads the test's output"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_services_are_found_at_once() {
    let mut apps = Vec::new();
    for _ in SILENT..SOCKETS {
        apps.push(app(HTML, "<title>One of many</title>").await);
    }
    let quiet: Vec<_> = (0..SILENT).map(|_| silent()).collect();
    let among: Vec<_> = apps
        .into_iter()
        .chain(quiet.iter().map(|(_, at)| *at))
        .collect();
    let begun = Instant::now();
    let found = look_around(&among, Patience::QUICK).await;
    let took = begun.elapsed();
    let titled = found.found.iter().filter(|one| one.title.is_some()).count();
    assert_eq!(found.found.len(), SOCKETS);
    eprintln!(
        "{SOCKETS} listening sockets, {SILENT} of them silent: {} ms, {titled} titles",
        took.as_millis()
    );
}
