//! Pebble, a certificate authority for tests, with its DNS: started, asked, and stopped when
//! dropped.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use serde_json::json;

use crate::local_tls::issuer;
use crate::loopback;

/// Set where a test must not be left out because a program is missing.
pub const EVERYTHING: &str = "PORTLAMA_TEST_EVERYTHING";

/// How long the two programs may take to come up on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Where resolvers ask.
const DNS_PORT: u16 = 53;
/// Free ports are found by letting go of them, so another program may take one.
const START_ATTEMPTS: u32 = 4;

/// How a Pebble behaves.
#[derive(Debug, Clone)]
pub struct PebbleOptions {
    /// Where every name leads until it is told otherwise.
    pub address: Ipv4Addr,
    /// Where other machines reach both: they listen everywhere then, and the DNS at port 53.
    pub reached_at: Option<Ipv4Addr>,
    /// The port at which it looks for answers to TLS-ALPN-01, at the addresses of its DNS.
    pub tls_port: u16,
    /// Good nonces that it refuses, in a hundred.
    pub nonce_reject_percent: u8,
    /// It looks nowhere and finds every challenge answered.
    pub always_valid: bool,
    /// How long its certificates hold.
    pub validity: Duration,
    /// Refuses what later versions of the protocol refuse.
    pub strict: bool,
    /// The kernel ends both programs with the thread that starts them, however that ends. For
    /// programs that start them on their first thread; dropping ends them in any case.
    pub dies_with_thread: bool,
}

impl Default for PebbleOptions {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST,
            reached_at: None,
            tls_port: 9,
            nonce_reject_percent: 0,
            always_valid: false,
            validity: Duration::from_secs(90 * 24 * 60 * 60),
            strict: true,
            dies_with_thread: false,
        }
    }
}

impl PebbleOptions {
    fn listen_address(&self) -> Ipv4Addr {
        match self.reached_at {
            Some(_) => Ipv4Addr::UNSPECIFIED,
            None => Ipv4Addr::LOCALHOST,
        }
    }

    fn program(&self, name: &str) -> Command {
        if !self.dies_with_thread {
            return Command::new(name);
        }
        // The kernel is asked by the child itself, which then becomes the program.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", name]);
        command
    }
}

/// A running Pebble and its DNS.
#[derive(Debug)]
pub struct Pebble {
    options: PebbleOptions,
    ports: Ports,
    api_authority: CertificateDer<'static>,
    folder: tempfile::TempDir,
    log: Arc<Mutex<String>>,
    dns: Running,
    authority: Option<Running>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    api: u16,
    management: u16,
    dns: u16,
    dns_management: u16,
}

/// A process that ends with its owner.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Pebble {
    /// Starts both on free ports, of loopback unless other machines reach them. `None`, said on standard error, when they are not
    /// installed and [`EVERYTHING`] is not set.
    ///
    /// # Errors
    /// With the log, when they do not come up.
    pub fn start(options: PebbleOptions) -> Result<Option<Self>> {
        let missing = ["pebble", "pebble-challtestsrv"]
            .into_iter()
            .find(|program| !installed(program));
        if let Some(program) = missing {
            if std::env::var_os(EVERYTHING).is_some() {
                bail!("{program} is missing: install the package pebble");
            }
            // Past the test harness, which would keep it to itself.
            writeln!(std::io::stderr(), "skipped: {program} is not installed")?;
            return Ok(None);
        }
        let mut attempts = 1;
        loop {
            match Self::attempt(options.clone()) {
                Ok(pebble) => return Ok(Some(pebble)),
                Err(error) if attempts == START_ATTEMPTS => return Err(error),
                Err(_) => attempts += 1,
            }
        }
    }

    fn attempt(options: PebbleOptions) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let api_authority = write_api_certificate(folder.path(), options.reached_at)?;
        let mut ports = Ports::find()?;
        if options.reached_at.is_some() {
            ports.dns = DNS_PORT;
        }
        let log = Arc::<Mutex<String>>::default();
        let dns = start_dns(ports, &options, &log)?;
        let mut pebble = Self {
            options,
            ports,
            api_authority,
            folder,
            log,
            dns,
            authority: None,
        };
        pebble.restart()?;
        Ok(pebble)
    }

    /// Its directory, for `acme.directory`.
    #[must_use]
    pub fn directory(&self) -> String {
        let host = self.options.reached_at.map(|address| address.to_string());
        let host = host.as_deref().unwrap_or("localhost");
        format!("https://{host}:{}/dir", self.ports.api)
    }

    /// The authority of the directory's own address, for `acme.caFile`.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("api-ca.pem")
    }

    /// The root of what it issues, another one after each start.
    ///
    /// # Errors
    /// When it is stopped.
    pub fn root_pem(&self) -> Result<String> {
        loopback::get(self.ports.management, "/roots/0", &self.api_authority)
    }

    /// Lets every name that was told nothing else lead to this address.
    ///
    /// # Errors
    /// When the DNS does not take it.
    pub fn lead_to(&self, address: Ipv4Addr) -> Result<()> {
        let body = json!({"ip": address});
        loopback::post(self.ports.dns_management, "/set-default-ipv4", &body)
    }

    /// Lets a name lead to these addresses alone.
    ///
    /// # Errors
    /// When the DNS does not take it.
    pub fn add_a(&self, name: &str, addresses: &[Ipv4Addr]) -> Result<()> {
        // What is added stands beside what was there.
        let name = format!("{name}.");
        let port = self.ports.dns_management;
        loopback::post(port, "/clear-a", &json!({"host": name}))?;
        loopback::post(
            port,
            "/add-a",
            &json!({"host": name, "addresses": addresses}),
        )
    }

    /// Adds a TXT record beside those that the name has.
    ///
    /// # Errors
    /// When the DNS does not take it.
    pub fn set_txt(&self, name: &str, value: &str) -> Result<()> {
        let body = json!({"host": format!("{name}."), "value": value});
        loopback::post(self.ports.dns_management, "/set-txt", &body)
    }

    /// Removes every TXT record of a name.
    ///
    /// # Errors
    /// When the DNS does not take it.
    pub fn clear_txt(&self, name: &str) -> Result<()> {
        let body = json!({"host": format!("{name}.")});
        loopback::post(self.ports.dns_management, "/clear-txt", &body)
    }

    /// Where its DNS listens, for UDP and TCP.
    #[must_use]
    pub fn dns_port(&self) -> u16 {
        self.ports.dns
    }

    /// Orders that were made since the harness was started, over all restarts.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.settled_log().matches("Added order ").count()
    }

    /// Accounts that were made since the harness was started, over all restarts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.settled_log().matches(" accounts in memory").count()
    }

    /// Everything both have written.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// The log, with everything that Pebble wrote before this call: a line that nobody else
    /// causes marks the place, because clients ask for nonces with HEAD.
    fn settled_log(&self) -> String {
        let marks = |log: &str| log.matches("GET /nonce-plz ").count();
        let before = marks(&self.log());
        let asked = loopback::get(self.ports.api, "/nonce-plz", &self.api_authority);
        let begun = Instant::now();
        // The answer, which has no body, is not a failure; a stopped authority writes nothing.
        while asked.as_ref().is_err_and(|e| !e.is::<std::io::Error>())
            && marks(&self.log()) == before
            && begun.elapsed() < START_LIMIT
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.log()
    }

    /// How it behaves after the next [`restart`](Self::restart).
    pub fn options_mut(&mut self) -> &mut PebbleOptions {
        &mut self.options
    }

    /// Ends the authority; its DNS stays.
    pub fn stop(&mut self) {
        self.authority = None;
    }

    /// Starts the authority at the same address. It has forgotten accounts, orders and its root.
    ///
    /// # Errors
    /// With the log, when it does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.authority = Some(self.start_authority()?);
        self.wait_until(|pebble| {
            loopback::get(pebble.ports.api, "/dir", &pebble.api_authority).is_ok()
                && loopback::post(
                    pebble.ports.dns_management,
                    "/clear-txt",
                    &json!({"host": "x."}),
                )
                .is_ok()
        })
    }

    fn start_authority(&self) -> Result<Running> {
        let folder = self.folder.path();
        let config = json!({"pebble": {
            "listenAddress": format!("{}:{}", self.options.listen_address(), self.ports.api),
            "managementListenAddress": format!("127.0.0.1:{}", self.ports.management),
            "certificate": folder.join("api.pem"),
            "privateKey": folder.join("api.key"),
            "httpPort": 9,
            "tlsPort": self.options.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": self.options.validity.as_secs(),
        }});
        let config_file = folder.join("pebble.json");
        std::fs::write(&config_file, config.to_string())?;
        let mut command = self.options.program("pebble");
        command
            .arg("-config")
            .arg(&config_file)
            .args(["-dnsserver", &format!("127.0.0.1:{}", self.ports.dns)])
            .env("PEBBLE_VA_NOSLEEP", "1")
            // Proofs are not remembered, so that each order is proved.
            .env("PEBBLE_AUTHZREUSE", "0")
            .env(
                "PEBBLE_WFE_NONCEREJECT",
                self.options.nonce_reject_percent.to_string(),
            );
        if self.options.strict {
            command.arg("-strict");
        }
        if self.options.always_valid {
            command.env("PEBBLE_VA_ALWAYS_VALID", "1");
        }
        spawn(&mut command, &self.log)
    }

    fn wait_until(&mut self, ready: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            if ready(self) {
                return Ok(());
            }
            let ended = [Some(&mut self.dns), self.authority.as_mut()]
                .into_iter()
                .flatten()
                .any(|running| !matches!(running.0.try_wait(), Ok(None)));
            if ended || begun.elapsed() > START_LIMIT {
                bail!("pebble does not come up\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = format!("── log of pebble\n{}", self.log());
            let _ = std::io::stderr().write_all(log.as_bytes());
        }
    }
}

impl Ports {
    fn find() -> Result<Self> {
        // All are held until all are found, so that they differ.
        let mut held = Vec::new();
        let mut find = || -> Result<u16> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            held.push((listener, UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?));
            Ok(port)
        };
        Ok(Self {
            api: find()?,
            management: find()?,
            dns: find()?,
            dns_management: find()?,
        })
    }
}

fn start_dns(ports: Ports, options: &PebbleOptions, log: &Arc<Mutex<String>>) -> Result<Running> {
    let mut command = options.program("pebble-challtestsrv");
    command
        .args([
            "-management",
            &format!("127.0.0.1:{}", ports.dns_management),
        ])
        .args([
            "-dns01",
            &format!("{}:{}", options.listen_address(), ports.dns),
        ])
        .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
        .args(["-defaultIPv4", &options.address.to_string()])
        .args(["-defaultIPv6", ""]);
    spawn(&mut command, log)
}

fn spawn(command: &mut Command, log: &Arc<Mutex<String>>) -> Result<Running> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    if let Some(stdout) = child.stdout.take() {
        collect(stdout, Arc::clone(log));
    }
    if let Some(stderr) = child.stderr.take() {
        collect(stderr, Arc::clone(log));
    }
    Ok(Running(child))
}

fn collect(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if let Ok(mut log) = log.lock() {
                log.push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        }
    });
}

/// An authority for the address of the API, and a leaf for it.
fn write_api_certificate(
    folder: &Path,
    reached_at: Option<Ipv4Addr>,
) -> Result<CertificateDer<'static>> {
    let authority = issuer("the API of Pebble");
    let mut names = ["localhost", "127.0.0.1"].map(String::from).to_vec();
    names.extend(reached_at.map(|address| address.to_string()));
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    std::fs::write(folder.join("api-ca.pem"), authority.pem())?;
    std::fs::write(folder.join("api.pem"), leaf.pem())?;
    std::fs::write(folder.join("api.key"), key.serialize_pem())?;
    Ok(authority.der().clone())
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
