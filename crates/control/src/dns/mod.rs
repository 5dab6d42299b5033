//! Looking names up, each resolver asked by itself.
//!
//! What comes back is what strangers say: it is judged in [`verdict`], shown, and never a
//! reason to connect anywhere.

mod verdict;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_resolver::Resolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use portlama_model::{DNS_PORT, DnsSettings, Hostname, ResolverAddress};
use tokio::sync::Semaphore;

use crate::change::blocking;

pub use verdict::{Verdict, is_public, leads_here};

/// How long a resolver has for one answer; it is asked twice, so that a lost datagram is no
/// verdict.
pub const DNS_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a look at a name takes at most, whatever resolvers do.
pub const DNS_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How many resolvers are asked: `resolv.conf` has three at most, and nobody reads more than
/// these.
pub const MAX_RESOLVERS: usize = 8;
/// How many addresses of one kind are kept of an answer. An honest name has a handful, and a
/// message may hold thousands.
pub const MAX_ADDRESSES_PER_ANSWER: usize = 32;
/// How many questions wait for resolvers at once. Each holds a socket.
pub const MAX_PARALLEL_QUESTIONS: usize = 32;

/// What one resolver says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverAnswer {
    /// Who was asked.
    pub address: SocketAddr,
    /// The IPv4 addresses, in order of number.
    pub a: Vec<Ipv4Addr>,
    /// The IPv6 addresses, in order of number.
    pub aaaa: Vec<Ipv6Addr>,
    /// Why there is no answer. A name that does not exist is an answer without addresses.
    pub error: Option<String>,
}

impl ResolverAnswer {
    /// Both kinds of addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let v4 = self.a.iter().copied().map(IpAddr::V4);
        v4.chain(self.aaaa.iter().copied().map(IpAddr::V6))
    }
}

/// Looks names up at configured resolvers, or at the machine's own.
#[derive(Debug)]
pub struct Dns {
    configured: Vec<SocketAddr>,
    questions: Semaphore,
}

impl Dns {
    /// `first` are asked if there are any, else those of the settings, else those that
    /// `/etc/resolv.conf` names at the moment of asking.
    #[must_use]
    pub fn new(first: &[ResolverAddress], settings: &DnsSettings) -> Self {
        let chosen = if first.is_empty() {
            &settings.resolvers
        } else {
            first
        };
        Self {
            configured: chosen.iter().map(|resolver| resolver.socket()).collect(),
            questions: Semaphore::new(MAX_PARALLEL_QUESTIONS),
        }
    }

    /// Asks every resolver for the addresses of `host`; one answer each, in their order. Takes
    /// at most [`DNS_LOOKUP_TIMEOUT`] once it is its turn.
    pub async fn look(&self, host: &Hostname) -> Vec<ResolverAnswer> {
        let resolvers = self.resolvers().await;
        let asked = resolvers.iter().map(|address| self.ask(*address, host));
        futures_util::future::join_all(asked).await
    }

    async fn resolvers(&self) -> Vec<SocketAddr> {
        let mut resolvers = if self.configured.is_empty() {
            blocking(of_the_machine).await
        } else {
            self.configured.clone()
        };
        resolvers.truncate(MAX_RESOLVERS);
        resolvers
    }

    async fn ask(&self, address: SocketAddr, host: &Hostname) -> ResolverAnswer {
        let mut answer = ResolverAnswer {
            address,
            a: Vec::new(),
            aaaa: Vec::new(),
            error: None,
        };
        let (v4, v6) = tokio::join!(
            self.question(address, host, RecordType::A),
            self.question(address, host, RecordType::AAAA),
        );
        for found in [v4, v6] {
            match found {
                Ok(records) => answer.take(&records),
                Err(why) => answer.error = Some(why),
            }
        }
        answer
    }

    async fn question(
        &self,
        address: SocketAddr,
        host: &Hostname,
        kind: RecordType,
    ) -> Result<Vec<RData>, String> {
        let Ok(_turn) = self.questions.acquire().await else {
            return Ok(Vec::new());
        };
        match tokio::time::timeout(DNS_LOOKUP_TIMEOUT, query(address, host, kind)).await {
            Ok(Err(error)) => no_records(&error),
            Ok(Ok(records)) => Ok(records),
            Err(_) => Err("did not answer in time".to_owned()),
        }
    }
}

impl ResolverAnswer {
    fn take(&mut self, records: &[RData]) {
        for record in records {
            match record {
                RData::A(a) => self.a.push(a.0),
                RData::AAAA(aaaa) => self.aaaa.push(aaaa.0),
                _ => {}
            }
        }
        keep(&mut self.a);
        keep(&mut self.aaaa);
    }
}

fn keep<T: Ord>(addresses: &mut Vec<T>) {
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES_PER_ANSWER);
}

/// One question to one resolver, by UDP, and by TCP where the answer is too long for that.
async fn query(
    address: SocketAddr,
    host: &Hostname,
    kind: RecordType,
) -> Result<Vec<RData>, NetError> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = address.port();
        connection
    });
    let server = NameServerConfig::new(address.ip(), true, connections.into());
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    set_options(builder.options_mut());
    // With the root's dot no search domain is tried.
    let name = Name::from_ascii(format!("{host}."))?;
    let found = builder.build()?.lookup(name, kind).await?;
    Ok(found
        .answers()
        .iter()
        .map(|record| record.data.clone())
        .collect())
}

fn set_options(options: &mut ResolverOpts) {
    options.timeout = DNS_ATTEMPT_TIMEOUT;
    options.attempts = 1;
    // What was true a minute ago is not the question.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    // Two checks against forged answers: the port is random already.
    options.case_randomization = true;
}

/// That there is nothing is an answer; everything else is a reason why there is none.
fn no_records(error: &NetError) -> Result<Vec<RData>, String> {
    if error.is_no_records_found() || error.is_nx_domain() {
        return Ok(Vec::new());
    }
    Err(match error {
        NetError::Timeout => "did not answer in time".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => format!("answered {code}"),
        NetError::Io(error) => format!("cannot be reached: {error}"),
        error => format!("gave no usable answer: {error}"),
    })
}

/// The resolvers of `/etc/resolv.conf`. Without one the C library asks this machine
/// (resolv.conf(5)), and so do we.
fn of_the_machine() -> Vec<SocketAddr> {
    let configured = match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, _)) => config.name_servers().to_vec(),
        Err(error) => {
            tracing::warn!(%error, "the machine's resolvers cannot be read");
            Vec::new()
        }
    };
    let mut resolvers: Vec<SocketAddr> = Vec::new();
    for server in configured {
        let address = SocketAddr::new(server.ip, DNS_PORT);
        if !resolvers.contains(&address) {
            resolvers.push(address);
        }
    }
    if resolvers.is_empty() {
        resolvers.push((Ipv4Addr::LOCALHOST, DNS_PORT).into());
    }
    resolvers
}

/// Which of the addresses in the answers are this server's: the one it is known by, and public
/// ones that this machine has, such as its IPv6 address.
#[must_use]
pub fn own_among(answers: &[ResolverAnswer], known: IpAddr) -> Vec<IpAddr> {
    let mut own = vec![known];
    for address in answers.iter().flat_map(ResolverAnswer::addresses) {
        if !own.contains(&address) && is_public(address) && belongs_to_this_machine(address) {
            own.push(address);
        }
    }
    own
}

/// A socket can be bound to the machine's own addresses alone. Nothing is sent.
fn belongs_to_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
