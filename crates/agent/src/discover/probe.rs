//! Asking what listens on this machine for its page.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Answer, MAX_PAGE_BYTES, Reading, read_answer};
use super::identify::Speaks;
use crate::origin_tls::OriginTls;
use crate::target::TargetHost;

/// Services asked at the same time, so that silent ones do not keep the others waiting: half of
/// the descriptors that macOS gives a program.
pub const PROBES_AT_ONCE: usize = 128;
/// How much is read at once, octets.
const CHUNK_BYTES: usize = 8 * 1024;

/// How long answers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One service, for one of its protocols.
    pub each: Duration,
    /// All services together.
    pub all: Duration,
    /// Docker.
    pub docker: Duration,
}

impl Patience {
    /// For a list that is there at once; what is slower is told as silent.
    pub const QUICK: Self = Self {
        each: Duration::from_millis(140),
        all: Duration::from_millis(150),
        docker: Duration::from_millis(100),
    };
    /// For services that are still waking up.
    pub const THOROUGH: Self = Self {
        each: Duration::from_secs(2),
        all: Duration::from_secs(4),
        docker: Duration::from_secs(4),
    };
}

/// What a service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Its protocol.
    pub speaks: Speaks,
    /// Its answer, when that is HTTP.
    pub answer: Option<Answer>,
}

impl Probed {
    pub(crate) const NOT_ASKED: Self = Self::just(Speaks::NotAsked);

    fn http(answer: Answer) -> Self {
        Self {
            speaks: Speaks::Http,
            answer: Some(answer),
        }
    }

    const fn just(speaks: Speaks) -> Self {
        Self {
            speaks,
            answer: None,
        }
    }
}

/// Where on this machine a listening address is reached; `None` for addresses that are not on
/// loopback, which nobody is asked on.
#[must_use]
pub fn on_loopback(listening: SocketAddr) -> Option<SocketAddr> {
    let ip = match listening.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    ip.to_canonical()
        .is_loopback()
        .then(|| SocketAddr::new(ip, listening.port()))
}

/// Asks each address for its page, [`PROBES_AT_ONCE`] at a time. What is not answered in time is
/// not among the results. Redirects are not followed, and no address but loopback is asked.
pub async fn probe_all(
    addresses: impl IntoIterator<Item = SocketAddr>,
    patience: Patience,
) -> HashMap<SocketAddr, Probed> {
    let deadline = Instant::now() + patience.all;
    let tls = OriginTls::default();
    let loopback = addresses
        .into_iter()
        .filter(|address| on_loopback(*address) == Some(*address));
    let mut asked = stream::iter(loopback)
        .map(|address| {
            let tls = &tls;
            async move { (address, probe(address, patience.each, tls).await) }
        })
        .buffer_unordered(PROBES_AT_ONCE);
    let mut results = HashMap::new();
    while let Ok(Some((address, probed))) = timeout_at(deadline, asked.next()).await {
        results.insert(address, probed);
    }
    results
}

async fn probe(address: SocketAddr, each: Duration, tls: &OriginTls) -> Probed {
    let (octets, ended) = ask_plainly(address, each).await;
    // Servers of https answer a plain question with status 400, with an alert, or not at all.
    let plain = match read_answer(&octets) {
        Reading::Http(answer) if answer.status != 400 => return Probed::http(answer),
        Reading::Http(answer) => Probed::http(answer),
        Reading::Tls => Probed::just(Speaks::Https),
        Reading::Incomplete if octets.is_empty() && ended => Probed::just(Speaks::Silent),
        Reading::Incomplete if octets.is_empty() => return Probed::just(Speaks::Silent),
        Reading::Ssh => return Probed::just(Speaks::Ssh),
        Reading::Incomplete | Reading::Other => return Probed::just(Speaks::Other),
    };
    match timeout(each, ask_over_tls(address, tls)).await {
        Ok(Ok(octets)) => Probed {
            speaks: Speaks::Https,
            answer: match read_answer(&octets) {
                Reading::Http(answer) => Some(answer),
                _ => None,
            },
        },
        Ok(Err(_)) | Err(_) => plain,
    }
}

/// What was answered in time, and whether the answer came to an end.
async fn ask_plainly(address: SocketAddr, each: Duration) -> (Vec<u8>, bool) {
    let mut octets = Vec::new();
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        exchange(&mut stream, &request(address), &mut octets, is_enough).await
    };
    let ended = timeout(each, asking).await.is_ok();
    (octets, ended)
}

/// Any certificate will do: nothing is sent but a question, and the way does not leave this
/// machine.
async fn ask_over_tls(address: SocketAddr, tls: &OriginTls) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = tls.connect(stream, &TargetHost::Localhost, false).await?;
    let mut octets = Vec::new();
    // Whoever made the handshake speaks TLS, whatever comes then.
    let _ = exchange(&mut stream, &request(address), &mut octets, is_enough).await;
    Ok(octets)
}

/// HTTP/1.0, so that the answer is not cut into chunks and ends with the connection.
fn request(address: SocketAddr) -> String {
    format!(
        "GET / HTTP/1.0\r\nHost: localhost:{}\r\nUser-Agent: portlama/{} (discover)\r\n\
         Accept: text/html, */*;q=0.5\r\nConnection: close\r\n\r\n",
        address.port(),
        env!("CARGO_PKG_VERSION"),
    )
}

fn is_enough(octets: &[u8]) -> bool {
    octets.len() >= MAX_PAGE_BYTES
        || match read_answer(octets) {
            Reading::Incomplete => false,
            Reading::Http(answer) => answer.whole,
            Reading::Tls | Reading::Ssh | Reading::Other => true,
        }
}

/// Sends `request` and collects what comes back until that is enough or the other side closes.
/// What was read stays in `octets`, also when this is cancelled.
pub(super) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin + ?Sized),
    request: &str,
    octets: &mut Vec<u8>,
    is_enough: impl Fn(&[u8]) -> bool,
) -> io::Result<()> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut chunk = [0; CHUNK_BYTES];
    while !is_enough(octets) {
        match stream.read(&mut chunk).await? {
            0 => break,
            count => octets.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
    Ok(())
}
