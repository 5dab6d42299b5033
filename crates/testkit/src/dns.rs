//! A small DNS server of a test's own, over UDP and TCP on loopback.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks whether the test is over.
const LOOK_UP: Duration = Duration::from_millis(50);

/// How long a client may be silent on a connection before the next one is served.
const TCP_PATIENCE: Duration = Duration::from_millis(500);

const A: u16 = 1;
const AAAA: u16 = 28;
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NX_DOMAIN: u8 = 3;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsMood {
    /// It answers what it knows, and NXDOMAIN for other names.
    Answers,
    /// It says nothing.
    Silent,
    /// Over UDP it says that the answer is too long for that, over TCP it answers.
    Truncates,
    /// It answers SERVFAIL.
    Fails,
    /// It answers octets that are no message.
    Garbage,
}

/// The server. Names it does not know do not exist; `*.name` stands for every name below.
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    records: Mutex<BTreeMap<String, Vec<IpAddr>>>,
    mood: Mutex<DnsMood>,
    questions: AtomicUsize,
    over: AtomicBool,
}

impl DnsServer {
    /// A server that knows nothing.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start() -> std::io::Result<Self> {
        let (socket, listener) = ports()?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        listener.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            mood: Mutex::new(DnsMood::Answers),
            questions: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let (over_udp, over_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            std::thread::spawn(move || over_udp.serve(&socket)),
            std::thread::spawn(move || over_tcp.serve_tcp(&listener)),
        ];
        Ok(Self {
            address,
            shared,
            threads,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives a name its addresses; none: the name exists without any.
    pub fn set(&self, name: &str, addresses: &[&str]) {
        let parsed = addresses.iter().filter_map(|text| text.parse().ok());
        let mut records = locked(&self.shared.records);
        records.insert(name.to_ascii_lowercase(), parsed.collect());
    }

    /// Lets a name be unknown.
    pub fn forget(&self, name: &str) {
        locked(&self.shared.records).remove(&name.to_ascii_lowercase());
    }

    /// Changes how it behaves.
    pub fn behave(&self, mood: DnsMood) {
        *locked(&self.shared.mood) = mood;
    }

    /// How many questions it has heard, over UDP and TCP.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.shared.questions.load(Ordering::SeqCst)
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The same port for both, as RFC 7766 §5 asks.
fn ports() -> std::io::Result<(UdpSocket, TcpListener)> {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        match TcpListener::bind(socket.local_addr()?) {
            Ok(listener) => return Ok((socket, listener)),
            // Somebody has it for TCP: another one.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn serve(&self, socket: &UdpSocket) {
        let mut buffer = [0; 1500];
        while !self.over.load(Ordering::SeqCst) {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                continue;
            };
            self.questions.fetch_add(1, Ordering::SeqCst);
            let asked = buffer.get(..length);
            if let Some(mut answer) = asked.and_then(|asked| self.answer(asked)) {
                if *locked(&self.mood) == DnsMood::Truncates {
                    truncate(&mut answer);
                }
                let _ = socket.send_to(&answer, from);
            }
        }
    }

    /// One connection at a time: a test asks little.
    fn serve_tcp(&self, listener: &TcpListener) {
        while !self.over.load(Ordering::SeqCst) {
            match listener.accept() {
                Ok((connection, _)) => {
                    // A client that breaks off has its reasons.
                    let _ = self.converse(connection);
                }
                Err(_) => std::thread::sleep(LOOK_UP),
            }
        }
    }

    /// Messages with their length before them (RFC 1035 §4.2.2), until the client is done.
    fn converse(&self, mut connection: TcpStream) -> std::io::Result<()> {
        connection.set_nonblocking(false)?;
        connection.set_read_timeout(Some(TCP_PATIENCE))?;
        loop {
            let mut length = [0; 2];
            connection.read_exact(&mut length)?;
            let mut asked = vec![0; usize::from(u16::from_be_bytes(length))];
            connection.read_exact(&mut asked)?;
            self.questions.fetch_add(1, Ordering::SeqCst);
            let Some(answer) = self.answer(&asked) else {
                return Ok(());
            };
            let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
            connection.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
        }
    }

    /// The answer to a message with one question (RFC 1035 §4.1).
    fn answer(&self, asked: &[u8]) -> Option<Vec<u8>> {
        let mood = *locked(&self.mood);
        match mood {
            DnsMood::Silent => return None,
            DnsMood::Garbage => return Some(b"\x00\x01garbage".to_vec()),
            DnsMood::Answers | DnsMood::Truncates | DnsMood::Fails => {}
        }
        let id = asked.get(..2)?;
        let (name, end) = read_name(asked)?;
        let kind = u16::from_be_bytes(asked.get(end..end + 2)?.try_into().ok()?);
        let question = asked.get(12..end + 4)?;
        let found = self.find(&name);
        let code = match (mood, &found) {
            (DnsMood::Fails, _) => SERVER_FAILURE,
            (_, Some(_)) => NO_ERROR,
            (_, None) => NX_DOMAIN,
        };
        let records: Vec<IpAddr> = found
            .filter(|_| code == NO_ERROR)
            .into_iter()
            .flatten()
            .filter(|ip| matches!((kind, ip), (A, IpAddr::V4(_)) | (AAAA, IpAddr::V6(_))))
            .collect();
        let count = u16::try_from(records.len()).ok()?;
        let mut answer = id.to_vec();
        // A response, with recursion desired and available.
        answer.extend([0x81, 0x80 | code, 0, 1]);
        answer.extend(count.to_be_bytes());
        answer.extend([0, 0, 0, 0]);
        answer.extend(question);
        for record in records {
            let octets = match record {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            // The name of the question, class IN, a second to live.
            answer.extend([0xc0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 1, 0]);
            answer.push(u8::try_from(octets.len()).ok()?);
            answer.extend(octets);
        }
        Some(answer)
    }

    fn find(&self, name: &str) -> Option<Vec<IpAddr>> {
        let records = locked(&self.records);
        if let Some(found) = records.get(name) {
            return Some(found.clone());
        }
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(found) = records.get(&format!("*.{parent}")) {
                return Some(found.clone());
            }
            rest = parent;
        }
        None
    }
}

/// Takes the records out of an answer, and says so (TC, RFC 1035 §4.1.1).
fn truncate(answer: &mut Vec<u8>) {
    if let Some(flags) = answer.get_mut(2) {
        *flags |= 0x02;
    }
    if let Some(count) = answer.get_mut(6..8) {
        count.fill(0);
    }
    let end = read_name(answer).map(|(_, end)| end + 4);
    answer.truncate(end.unwrap_or(usize::MAX));
}

/// The name of the question in lower case, and where it ends.
fn read_name(asked: &[u8]) -> Option<(String, usize)> {
    let mut labels: Vec<String> = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*asked.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        let label = asked.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
}
