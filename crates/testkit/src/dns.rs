//! A small DNS server of a test's own, over UDP on loopback.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks whether the test is over.
const LOOK_UP: Duration = Duration::from_millis(50);

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
    /// It answers SERVFAIL.
    Fails,
    /// It answers octets that are no message.
    Garbage,
}

/// The server. Names it does not know do not exist; `*.name` stands for every name below.
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
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
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            mood: Mutex::new(DnsMood::Answers),
            questions: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        let thread = std::thread::spawn(move || server.serve(&socket));
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
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

    /// How many questions it has heard.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.shared.questions.load(Ordering::SeqCst)
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
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
            if let Some(answer) = buffer.get(..length).and_then(|asked| self.answer(asked)) {
                let _ = socket.send_to(&answer, from);
            }
        }
    }

    /// The answer to a message with one question (RFC 1035 §4.1).
    fn answer(&self, asked: &[u8]) -> Option<Vec<u8>> {
        let mood = *locked(&self.mood);
        match mood {
            DnsMood::Silent => return None,
            DnsMood::Garbage => return Some(b"\x00\x01garbage".to_vec()),
            DnsMood::Answers | DnsMood::Fails => {}
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
