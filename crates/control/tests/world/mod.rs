//! A server without sockets: the real store in a throw-away directory, a clock that is set by
//! hand, and a data plane that notes what it is told.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use portlama_access::{Identity, Presented};
use portlama_auth::TotpSeed;
use portlama_control::setup::{Initialised, Setup, initialise};
use portlama_control::{
    Activation, Clock, Control, DataPlane, Enrolled, HostCertificates, Live, NewTunnel, NewUser,
    PrepareError, Settings, StartError, TunnelView,
};
use portlama_model::{
    AcmeSettings, AgentLabel, Capability, CertificateAuthority, ChallengeType, Desired,
    DnsSettings, Domain, Hostname, Secret, Timestamp, Username,
};
use portlama_pki::{AgentKey, build_date, certificate_from_pem};
use portlama_state::StateError;
use portlama_testkit::FakeAuthority;
use tempfile::TempDir;

pub const DOMAIN: &str = "lab.example.org";
pub const PASSWORD: &str = "correct horse";
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.unix_millis())))
    }
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
    pub fn set_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Notes what it is told.
#[derive(Default)]
pub struct Recorder {
    served: Mutex<Option<(Arc<Desired>, Arc<HostCertificates>)>>,
    pub fails: AtomicBool,
    pub activations: AtomicI64,
}

pub struct RecordingPlane(pub Arc<Recorder>);

impl Recorder {
    pub fn desired(&self) -> Arc<Desired> {
        self.served.lock().as_ref().unwrap().0.clone()
    }
    pub fn certificates(&self) -> Arc<HostCertificates> {
        self.served.lock().as_ref().unwrap().1.clone()
    }
    pub fn serves(&self, host: &str) -> bool {
        self.desired()
            .hosts
            .keys()
            .any(|known| known.as_str() == host)
    }
}

impl DataPlane for RecordingPlane {
    fn prepare(
        &self,
        desired: Arc<Desired>,
        certificates: &Arc<HostCertificates>,
    ) -> Result<Box<dyn Activation>, PrepareError> {
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(PrepareError {
                host: None,
                reason: "told to fail".to_owned(),
            });
        }
        let (recorder, certificates) = (self.0.clone(), certificates.clone());
        Ok(Box::new(Switch(recorder, desired, certificates)))
    }
}

struct Switch(Arc<Recorder>, Arc<Desired>, Arc<HostCertificates>);

impl Activation for Switch {
    fn activate(self: Box<Self>) {
        self.0.activations.fetch_add(1, Ordering::SeqCst);
        *self.0.served.lock() = Some((self.1, self.2));
    }
}

pub struct World {
    pub dir: TempDir,
    pub clock: FixedClock,
    pub plane: Arc<Recorder>,
    pub control: Arc<Control>,
    pub made: Initialised,
    pub admin: Identity,
}

impl World {
    pub async fn new() -> Self {
        Self::with(CertificateAuthority::Internal).await
    }

    pub async fn with(certificate_authority: CertificateAuthority) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::made(
            dir,
            certificate_authority,
            domain(),
            DnsSettings::default(),
            None,
        )
        .await
    }

    /// A server that asks this resolver.
    pub async fn with_resolver(address: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let internal = CertificateAuthority::Internal;
        Self::made(dir, internal, domain(), asking(&[address]), None).await
    }

    /// A server on another file system.
    pub async fn new_in(place: &Path) -> Self {
        let dir = tempfile::tempdir_in(place).unwrap();
        let internal = CertificateAuthority::Internal;
        Self::made(dir, internal, domain(), DnsSettings::default(), None).await
    }

    /// A server where nothing was decided, which looks names up at these resolvers.
    pub async fn fresh(resolvers: &[SocketAddr]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let internal = CertificateAuthority::Internal;
        Self::made(dir, internal, None, asking(resolvers), None).await
    }

    /// The same with people in it.
    pub async fn fresh_with_users(resolvers: &[SocketAddr], users: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let internal = CertificateAuthority::Internal;
        Self::made(dir, internal, None, asking(resolvers), Some(users)).await
    }

    /// A server whose host names this authority certifies.
    pub async fn certified_by(authority: &FakeAuthority) -> Self {
        let acme = AcmeSettings {
            directory: authority.directory.clone(),
            ca_file: Some(authority.ca_file.display().to_string()),
            challenge: ChallengeType::TlsAlpn01,
        };
        let setup = Setup {
            acme,
            ..setup(CertificateAuthority::Acme, domain(), DnsSettings::default())
        };
        Self::of(tempfile::tempdir().unwrap(), setup, |state_dir| {
            let file = state_dir.join("panel.json");
            let text = std::fs::read_to_string(&file).unwrap();
            let mut panel: serde_json::Value = serde_json::from_str(&text).unwrap();
            panel["onboarding"]["status"] = "COMPLETED".into();
            std::fs::write(&file, panel.to_string()).unwrap();
        })
        .await
    }

    async fn made(
        dir: TempDir,
        certificate_authority: CertificateAuthority,
        domain: Option<Domain>,
        dns: DnsSettings,
        users: Option<&str>,
    ) -> Self {
        let setup = setup(certificate_authority, domain, dns);
        Self::of(dir, setup, |state_dir| {
            if let Some(users) = users {
                std::fs::write(state_dir.join("users.yml"), users).unwrap();
            }
        })
        .await
    }

    /// A server whose state was changed before its first start.
    async fn of(dir: TempDir, setup: Setup, change: impl FnOnce(&Path)) -> Self {
        let clock = FixedClock::at(setup.now);
        let made = initialise(&dir.path().join("state"), setup).unwrap();
        change(&dir.path().join("state"));
        let (control, plane) = start_in(&dir.path().join("state"), &clock).await;
        let cert = std::fs::read_to_string(&made.admin_cert_path).unwrap();
        let admin = control
            .live()
            .identify(&presented(control.live(), &cert))
            .unwrap();
        Self {
            dir,
            clock,
            plane,
            control,
            made,
            admin,
        }
    }

    pub fn state_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.state_dir().join(name)).unwrap_or_default()
    }

    /// Stops the server and starts it again on the same directory.
    pub async fn restart(self) -> Self {
        let Self {
            dir,
            clock,
            made,
            admin,
            control,
            ..
        } = self;
        control.shutdown().await;
        drop(control);
        let (control, plane) = start_in(&dir.path().join("state"), &clock).await;
        Self {
            dir,
            clock,
            plane,
            control,
            made,
            admin,
        }
    }

    /// Enrols an agent and answers with its certificate as a client presents it.
    pub async fn agent(&self, label: &str, rights: &[Capability]) -> Presented {
        let enrolled = self
            .enroll(label, rights, &AgentKey::generate().unwrap())
            .await;
        presented(self.control.live(), &enrolled.cert)
    }

    /// The same, with sites that it may touch.
    pub async fn agent_with_sites(
        &self,
        label: &str,
        rights: &[Capability],
        sites: &[&str],
    ) -> Presented {
        let key = AgentKey::generate().unwrap();
        let enrolled = self.enroll_with_sites(label, rights, sites, &key).await;
        presented(self.control.live(), &enrolled.cert)
    }

    pub async fn enroll(&self, label: &str, rights: &[Capability], key: &AgentKey) -> Enrolled {
        self.enroll_with_sites(label, rights, &[], key).await
    }

    async fn enroll_with_sites(
        &self,
        label: &str,
        rights: &[Capability],
        sites: &[&str],
        key: &AgentKey,
    ) -> Enrolled {
        let sites = sites.iter().map(|name| (*name).to_owned()).collect();
        let label: AgentLabel = label.parse().unwrap();
        let enrollment = self
            .control
            .create_enrollment(&self.admin, label.clone(), rights.to_vec(), sites)
            .await
            .unwrap();
        let csr = key.request(&label).unwrap();
        self.control
            .enroll(enrollment.token.expose(), &csr)
            .await
            .unwrap()
    }

    pub fn identity(&self, presented: &Presented) -> Identity {
        self.control.live().identify(presented).unwrap()
    }

    pub async fn tunnel(&self, subdomain: &str, port: u16) -> TunnelView {
        self.control
            .create_tunnel(&self.admin, new_tunnel(subdomain, port))
            .await
            .unwrap()
    }

    /// Makes a user and answers with the seed of their one-time codes.
    pub async fn user(&self, name: &str) -> TotpSeed {
        self.control
            .create_user(&self.admin, new_user(name))
            .await
            .unwrap();
        self.reset_totp(name).await
    }

    pub async fn reset_totp(&self, name: &str) -> TotpSeed {
        let uri = self
            .control
            .reset_totp(&self.admin, &name.parse().unwrap())
            .await
            .unwrap();
        let secret = uri
            .expose()
            .split("secret=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        TotpSeed::from_base32(&Secret::new(secret)).unwrap()
    }

    pub fn code(&self, seed: &TotpSeed) -> String {
        seed.code_at(self.clock.now()).expose().expose().to_owned()
    }

    /// Signs a user in with both factors and answers with the portal's token.
    pub async fn sign_in(&self, name: &str, seed: &TotpSeed) -> String {
        let first = self
            .control
            .first_factor(None, name, Secret::new(PASSWORD), HERE)
            .await
            .unwrap();
        let second = self
            .control
            .second_factor(first.sso_token.expose(), &self.code(seed), HERE)
            .await
            .unwrap();
        second.expose().to_owned()
    }
}

/// When every server is made: no verifier believes a time before the build.
pub fn start() -> Timestamp {
    build_date().plus(Duration::from_secs(24 * 60 * 60))
}

fn setup(
    certificate_authority: CertificateAuthority,
    domain: Option<Domain>,
    dns: DnsSettings,
) -> Setup {
    Setup {
        acme: AcmeSettings::default(),
        dns,
        ip: HERE,
        domain,
        email: None,
        certificate_authority,
        now: start(),
    }
}

fn domain() -> Option<Domain> {
    Some(DOMAIN.parse().unwrap())
}

fn asking(resolvers: &[SocketAddr]) -> DnsSettings {
    DnsSettings {
        resolvers: resolvers.iter().copied().map(Into::into).collect(),
    }
}

pub async fn start_in(dir: &Path, clock: &FixedClock) -> (Arc<Control>, Arc<Recorder>) {
    // What a control before it still finishes in the background holds the lock until then.
    for _ in 0..100 {
        let plane = Arc::new(Recorder::default());
        let made = plane.clone();
        let control = Control::start(dir, Settings::default(), Arc::new(clock.clone()), |_| {
            Arc::new(RecordingPlane(made))
        });
        match control.await {
            Ok(control) => return (control, plane),
            Err(StartError::State(StateError::Locked { .. })) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the control before never let go of the directory");
}

pub fn presented(live: &Live, cert_pem: &str) -> Presented {
    let der = certificate_from_pem(cert_pem).unwrap();
    Presented::Client(live.client_trust().verify(&[der]).unwrap())
}

pub fn new_tunnel(subdomain: &str, port: u16) -> NewTunnel {
    NewTunnel::new(subdomain.parse().unwrap(), port.try_into().unwrap())
}

pub fn new_user(name: &str) -> NewUser {
    NewUser {
        username: name.parse::<Username>().unwrap(),
        displayname: "Mira".parse().unwrap(),
        email: "mira@example.net".parse().unwrap(),
        password: Secret::new(PASSWORD),
        groups: vec!["family".parse().unwrap()],
    }
}

/// Carries a sign-in to a host as edge and portal do; answers with the host's session token.
pub async fn open_host(world: &World, sso: &str, subdomain: &str) -> (Hostname, String) {
    let host: Hostname = format!("{subdomain}.{DOMAIN}").parse().unwrap();
    let target = world
        .control
        .return_target(&format!("https://{host}/"))
        .unwrap();
    let code = world
        .control
        .handover(sso, &target, &challenge("nonce"))
        .unwrap();
    let token = world
        .control
        .redeem(code.expose(), &host, "nonce")
        .await
        .unwrap();
    (host, token.expose().to_owned())
}

/// What the edge sends along for the value of its nonce cookie.
pub fn challenge(cookie: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}
