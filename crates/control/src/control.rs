//! The running server's writer: start, parts, shutdown.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use portlama_acme::Challenges;
use portlama_auth::{CodeTries, Network};
use portlama_model::{
    CaFingerprint, CertificateAuthority, ChallengeType, Desired, HostMap, ResolverAddress, Secret,
    State, Timestamp,
};
use portlama_pki::{Authority, IssueError};
use portlama_state::{Commit, FilePath, StateDir, Store};
use portlama_tunnel::{Hub, HubConfig};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certificates::{
    HostIssuer, Provide, Provision, Sources, issue_leaf, issuer_for, load_pair, own_leaf_serves,
    own_names,
};
use crate::certifier::Certifier;
use crate::change::blocking;
use crate::desired::Derived;
use crate::handovers::Handovers;
use crate::lockouts::Lockouts;
use crate::observed::Observer;
use crate::passwords::Passwords;
use crate::provisioning::{CHECK_TIMEOUT, Provisioning};
use crate::rate::{INVITATION_TRIES_PER_MINUTE, Windows};
use crate::services::Services;
use crate::upstreams::HubUpstreams;
use crate::writer::Writer;
use crate::{
    Activation, ChallengeStore, Clock, DataPlane, Dns, Doors, HostCertificate, HostCertificates,
    Live, Sessions, SiteFiles, StartError, Upstreams, background, routes,
};

/// What the server is told at its start and cannot find in its state.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The port of `https://<host>`, as visitors type it; left out of addresses when 443.
    pub https_port: u16,
    /// The port of `https://<ip>`, as the admin types it.
    pub panel_port: u16,
    /// The resolvers to ask instead of those of the state; none: the state's.
    pub resolvers: Vec<ResolverAddress>,
    /// Who sets the records of DNS-01; without it names are shown to be ours by TLS-ALPN-01 only.
    pub dns_provider: Option<DnsProvider>,
}

/// Sets and removes the records of DNS-01 (RFC 8555 §8.4).
#[derive(Clone)]
pub struct DnsProvider(pub Arc<dyn Challenges>);

impl std::fmt::Debug for DnsProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DnsProvider")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            https_port: 443,
            panel_port: 9292,
            resolvers: Vec::new(),
            dns_provider: None,
        }
    }
}

/// The only writer of the state, and everything that can be done to a server.
///
/// An operation that began to act runs to its end, also when its caller goes away.
pub struct Control {
    pub(crate) core: Arc<Core>,
    upstreams: Arc<dyn Upstreams>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// What operations and background tasks share.
pub(crate) struct Core {
    pub(crate) live: Arc<Live>,
    pub(crate) settings: Settings,
    pub(crate) authority: Arc<Authority>,
    pub(crate) store: Arc<Store>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) plane: Arc<dyn DataPlane>,
    pub(crate) dns: Dns,
    pub(crate) provisioning: Provisioning,
    pub(crate) doors: OnceLock<Arc<dyn Doors>>,
    /// The state that is served.
    pub(crate) state: ArcSwap<State>,
    /// What is served, with the state that it was derived from: the state may be ahead of it when a
    /// denial could not be prepared.
    pub(crate) derived: ArcSwap<Derived>,
    pub(crate) certificates: ArcSwap<HostCertificates>,
    pub(crate) certifier: Certifier,
    /// Held by whoever changes the state, from validation to activation.
    pub(crate) writer: Arc<Mutex<Writer>>,
    pub(crate) observer: Observer,
    pub(crate) passwords: Passwords,
    pub(crate) lockouts: Lockouts,
    /// Wrong codes at the panel.
    pub(crate) code_tries: parking_lot::Mutex<CodeTries>,
    pub(crate) handovers: Handovers,
    /// Requests for invitations, wherever they come in.
    pub(crate) invitation_tries: parking_lot::Mutex<Windows<Network>>,
    pub(crate) services: Services,
    /// Everything that runs beside requests; waited for at the end.
    pub(crate) tasks: TaskTracker,
}

impl Control {
    /// Opens the state directory, takes its lock, and serves what the state says.
    ///
    /// # Errors
    /// When the directory is in use, broken or newer than this program, or cannot be served.
    pub async fn start(
        state_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        make_plane: impl FnOnce(Arc<Live>) -> Arc<dyn DataPlane>,
    ) -> Result<Arc<Self>, StartError> {
        let dir = StateDir::new(state_dir);
        let now = clock.now();
        let opened = blocking(move || Opened::open(&dir, clock)).await?;
        let Opened {
            store,
            state,
            authority,
            live,
            lockouts,
        } = opened;

        let dns = settings.dns_provider.clone().map(|provider| provider.0);
        if dns.is_none() && needs_dns_provider(&state) {
            return Err(StartError::NoDnsProvider);
        }
        let certifier = Certifier::load(store.runtime(), dns)?;
        let plane = make_plane(live.clone());
        let (store, state) = (Arc::new(store), Arc::new(state));
        let first = First {
            store: store.clone(),
            plane: plane.clone(),
            desired: live.desired(),
            issuer: issuer_for(state.panel.certificate_authority, &authority),
            now,
        };
        let (provision, activation) = blocking(move || first.provide()).await?;
        activation.activate();
        for (host, problem) in &provision.broken {
            if !provision.certificates.contains_key(host) {
                certifier.note_broken(host, problem, now);
            }
        }
        let hub = Hub::new(HubConfig {
            software: env!("CARGO_PKG_VERSION").to_owned(),
        });
        for (agent, wanted) in routes::of(&state) {
            hub.set_routes(&agent, wanted);
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let derived = Derived {
            state: state.clone(),
            desired: live.desired(),
        };
        let core = Arc::new(Core {
            live,
            dns: Dns::new(&settings.resolvers, &state.panel.dns),
            provisioning: Provisioning::default(),
            doors: OnceLock::new(),
            settings,
            authority,
            store,
            plane,
            writer: Arc::new(Mutex::new(Writer::new(state.clone()))),
            derived: ArcSwap::from_pointee(derived),
            state: ArcSwap::new(state),
            certificates: ArcSwap::new(provision.certificates),
            certifier,
            observer: Observer::default(),
            passwords: Passwords::new(),
            lockouts,
            code_tries: Default::default(),
            handovers: Handovers::default(),
            invitation_tries: parking_lot::Mutex::new(Windows::new(INVITATION_TRIES_PER_MINUTE)),
            services: Services::new(),
            hub: hub.clone(),
            tasks: tasks.clone(),
        });
        core.observe_all(now);
        let recalling = core.clone();
        blocking(move || recalling.recall_first_account(now)).await?;
        // What was due while nothing ran must not be let in once more.
        core.settle_rotation().await;
        core.settle_agents().await;
        background::spawn(&core, &tasks, &stop);
        tasks.close();
        Ok(Arc::new(Self {
            core,
            upstreams: Arc::new(HubUpstreams(hub)),
            tasks,
            stop,
        }))
    }

    /// What requests are judged against.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        &self.core.live
    }

    /// The server's end of all tunnels.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.core.hub
    }

    /// The ways through the tunnels.
    #[must_use]
    pub fn upstreams(&self) -> Arc<dyn Upstreams> {
        self.upstreams.clone()
    }

    /// Says where the server listens, once it does, so that the set-up can check it. A second
    /// call changes nothing.
    pub fn attach_doors(&self, doors: Arc<dyn Doors>) {
        let _ = self.core.doors.set(doors);
    }

    /// Opens a connection to each of the server's own ports and waits for an answer.
    ///
    /// # Errors
    /// With what does not answer, for the admin.
    pub async fn knock(&self) -> Result<(), String> {
        let nobody = || Err("the server does not listen yet".to_owned());
        self.core.knock().await.unwrap_or_else(nobody)
    }

    /// Where names are looked up.
    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.core.dns
    }

    /// The ports visitors and the admin use.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// What our own programs pin.
    #[must_use]
    pub fn ca_fingerprint(&self) -> CaFingerprint {
        self.core.authority.fingerprint()
    }

    /// What authorities find when they look whether a name is ours.
    #[must_use]
    pub fn challenges(&self) -> Arc<dyn ChallengeStore> {
        self.core.certifier.challenges.clone()
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.core.authority.certificate_pem()
    }

    /// The certificate of our own authority for the server's address, `panel.` and `tunnel.`,
    /// shown to programs that pin it.
    #[must_use]
    pub fn panel_certificate(&self) -> Arc<HostCertificate> {
        self.core.live.own_certificate()
    }

    /// How many passwords were checked since the start, those of names that do not exist
    /// included: the work behind the sign-in is the same for both.
    #[must_use]
    pub fn password_checks(&self) -> u64 {
        self.core.passwords.checks()
    }

    /// Renews the certificates whose time has come. It happens by itself every
    /// [`RENEWAL_INTERVAL`](crate::RENEWAL_INTERVAL).
    pub async fn renew_certificates(&self) {
        background::renew(&self.core).await;
    }

    /// Writes down denials that could not be written down before; `true` when all is durable.
    /// It happens by itself every
    /// [`DURABILITY_RETRY_INTERVAL`](crate::DURABILITY_RETRY_INTERVAL).
    pub async fn make_durable(&self) -> bool {
        self.core.make_durable().await
    }

    /// Ends certificates of the admin and of agents that newer ones replaced, when their time
    /// has come. It happens by itself, at the latest every
    /// [`ROTATION_INTERVAL`](crate::ROTATION_INTERVAL).
    pub async fn settle_rotation(&self) {
        self.core.settle_rotation().await;
        self.core.settle_agents().await;
    }

    /// Stops background tasks and writes down what is still in memory. The hub's connections
    /// are the caller's to drain before.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.core.fold().await;
        // A change that is under way ends first.
        let _writer = self.core.writer.lock().await;
        let core = self.core.clone();
        let flushed = tokio::task::spawn_blocking(move || core.live.sessions().flush()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sessions could not be written down"
            );
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What is read and, where it is missing, made before the server serves.
struct Opened {
    store: Store,
    state: State,
    authority: Arc<Authority>,
    live: Arc<Live>,
    lockouts: Lockouts,
}

impl Opened {
    fn open(dir: &StateDir, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let now = clock.now();
        let (store, state) = Store::open(dir)?;
        let authority = Arc::new(load_authority(&store)?);
        let (own, fresh) = own_certificate(&store, &state, &authority, now)?;
        let files = fresh.into_iter();
        keep(
            &store,
            files.fold(Commit::new(), |commit, (path, bytes)| {
                commit.write(&path, bytes)
            }),
        );
        let sessions = Sessions::load(clock.clone(), store.runtime().clone(), &state.users)?;
        let lockouts = Lockouts::load(store.runtime().clone(), now)?;
        let live = Arc::new(Live::new(
            clock,
            authority.client_trust(),
            own,
            sessions,
            Arc::new(SiteFiles::start(store.dir().path(), &state).map_err(StartError::Sites)?),
            &state,
        ));
        Ok(Self {
            store,
            state,
            authority,
            live,
            lockouts,
        })
    }
}

/// The certificates and the table that the server begins with.
struct First {
    store: Arc<Store>,
    plane: Arc<dyn DataPlane>,
    desired: Arc<Desired>,
    issuer: Option<Arc<dyn HostIssuer>>,
    now: Timestamp,
}

impl First {
    fn provide(self) -> Result<(Provision, Box<dyn Activation>), StartError> {
        let Self {
            store,
            plane,
            desired,
            issuer,
            now,
        } = self;
        let nothing = Desired {
            hosts: HostMap::new(),
            ..Desired::clone(&desired)
        };
        let sources = Sources {
            present: &Arc::default(),
            before: &nothing,
            dir: store.dir(),
            issuer: issuer.as_deref(),
        };
        let mut provision =
            Provision::of(&desired, &sources, Provide::Due, now).map_err(|(host, source)| {
                StartError::Certificate {
                    name: host.to_string(),
                    source,
                }
            })?;
        provision.forget_stored(store.hosts_with_certificates()?, &desired, &sources);
        let activation = provision.prepare(&*plane, &desired, &sources, now)?;
        let (ahead, last) = provision.write_with(Commit::new());
        for commit in ahead {
            keep(&store, commit);
        }
        keep(&store, last);
        Ok((provision, activation))
    }
}

/// Writes certificates down. Those that cannot be written still serve: the next start makes
/// others.
fn keep(store: &Store, commit: Commit) {
    if let Err(error) = store.commit(commit) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "new certificates could not be written down"
        );
    }
}

fn needs_dns_provider(state: &State) -> bool {
    state.panel.certificate_authority == CertificateAuthority::Acme
        && state.panel.acme.challenge == ChallengeType::Dns01
}

pub(crate) fn load_authority(store: &Store) -> Result<Authority, StartError> {
    let read = |path: FilePath| -> Result<Secret, StartError> {
        let missing = || StartError::MissingFile {
            path: store.dir().file(&path),
        };
        let bytes = store.read(&path)?.ok_or_else(missing)?;
        Ok(Secret::new(String::from_utf8_lossy(&bytes)))
    };
    let (certificate, key) = (read(FilePath::CA_CERT)?, read(FilePath::CA_KEY)?);
    Ok(Authority::load(certificate.expose(), &key)?)
}

/// The server's own leaf as stored, or a new one with its files.
#[expect(
    clippy::type_complexity,
    reason = "files are pairs of path and content"
)]
fn own_certificate(
    store: &Store,
    state: &State,
    authority: &Authority,
    now: Timestamp,
) -> Result<(Arc<HostCertificate>, Vec<(FilePath, Vec<u8>)>), StartError> {
    let names = own_names(state.panel.ip, state.panel.domain.as_ref());
    let stored = load_pair(
        store.dir(),
        &FilePath::SELF_SIGNED_CERT,
        &FilePath::SELF_SIGNED_KEY,
    )?;
    if let Some(Ok(leaf)) = stored
        && own_leaf_serves(&leaf, authority, &names, now)
    {
        return Ok((Arc::new(leaf), Vec::new()));
    }
    let new = issue_leaf(authority, &names, now).map_err(|error| StartError::Certificate {
        name: state.panel.ip.to_string(),
        source: error.into(),
    })?;
    Ok((new.certificate.clone(), new.own_files().into()))
}

impl Core {
    /// Whether the server's own ports answer, or what does not; `None` when nothing listens.
    pub(crate) async fn knock(&self) -> Option<Result<(), String>> {
        let doors = self.doors.get()?;
        let knocked = tokio::time::timeout(CHECK_TIMEOUT, doors.knock()).await;
        Some(knocked.unwrap_or_else(|_| {
            Err(format!(
                "the server's own ports did not answer within {} seconds",
                CHECK_TIMEOUT.as_secs()
            ))
        }))
    }

    /// The issuer that the state asks for at this moment.
    pub(crate) fn issuer(&self, state: &State) -> Option<Arc<dyn HostIssuer>> {
        issuer_for(state.panel.certificate_authority, &self.authority)
    }

    /// Renews the server's own leaf when a third of its life is left; whether it did. Blocks on
    /// the disk; a leaf that cannot be written down serves until the next start.
    pub(crate) fn renew_own_certificate(&self, now: Timestamp) -> Result<bool, IssueError> {
        let state = self.state.load();
        let names = own_names(state.panel.ip, state.panel.domain.as_ref());
        if own_leaf_serves(&self.live.own_certificate(), &self.authority, &names, now) {
            return Ok(false);
        }
        let new = issue_leaf(&self.authority, &names, now)?;
        self.live.set_own_certificate(new.certificate.clone());
        let files = new.own_files().into_iter();
        keep(
            &self.store,
            files.fold(Commit::new(), |commit, (path, bytes)| {
                commit.write(&path, bytes)
            }),
        );
        Ok(true)
    }
}
