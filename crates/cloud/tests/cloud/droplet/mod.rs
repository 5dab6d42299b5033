//! Machines that are none: what a droplet does over SSH and at its panel, in this process and on
//! loopback, so that everything about it can go wrong on demand. The protocols are the real ones;
//! the real machine is in the tests that boot one.

mod panel;
mod ssh;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use portlama_cloud::provision::Ports;
use portlama_pki::Authority;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, Machine};
use russh::keys::PrivateKey;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// What goes wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    /// Nothing.
    #[default]
    Well,
    /// Nobody listens.
    Dead,
    /// So many connections end at once; then it is well.
    Slow(u32),
    /// It shows another host key than the one that was planted.
    Impostor,
    /// It does not know the key for the installation.
    Locked,
    /// What arrives by SFTP is damaged.
    Damages,
    /// The installation ends with an error.
    RefusesInstallation,
    /// The connection ends in the middle of the installation.
    CutsInstallation,
    /// The installation never ends.
    Hangs,
    /// The installation brings a certificate for another key.
    WrongCertificate,
    /// The panel never listens.
    NoPanel,
    /// The new host key is not the one that it then shows.
    WrongNewHostKey,
}

/// The machine that was made last.
struct World {
    mood: Mood,
    machine: Option<Machine>,
    host_key: Option<PrivateKey>,
    connections: u32,
    files: HashMap<String, Vec<u8>>,
    commands: Vec<String>,
    authority: Arc<Authority>,
    serves: bool,
    is_restarting: bool,
}

/// Where all machines of a test are: 127.0.0.1.
pub(crate) struct Droplets {
    pub(crate) ports: Ports,
    world: Arc<Mutex<World>>,
    _servers: [AbortOnDropHandle<()>; 2],
}

impl Droplets {
    /// Gives every droplet of a fake a machine.
    pub(crate) async fn behind(fake: &FakeDigitalOcean) -> Self {
        let (authority, _) = Authority::create(crate::provisioning::now()).expect("an authority");
        let world = Arc::new(Mutex::new(World {
            mood: Mood::Well,
            machine: None,
            host_key: None,
            connections: 0,
            files: HashMap::new(),
            commands: Vec::new(),
            authority: Arc::new(authority),
            serves: false,
            is_restarting: false,
        }));
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (ssh, panel) = (
            listen().await.expect("a port"),
            listen().await.expect("a port"),
        );
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let ports = Ports {
            ssh: port(&ssh),
            panel: port(&panel),
        };
        let (born, died) = (Arc::clone(&world), Arc::clone(&world));
        fake.boot(
            Arc::new(move |machine| {
                born.lock().expect("unpoisoned").boot(machine);
                Some(Ipv4Addr::LOCALHOST)
            }),
            Arc::new(move |_| died.lock().expect("unpoisoned").machine = None),
        );
        let servers = [
            tokio::spawn(ssh::serve(ssh, Arc::clone(&world))),
            tokio::spawn(panel::serve(panel, Arc::clone(&world))),
        ];
        Self {
            ports,
            world,
            _servers: servers.map(AbortOnDropHandle::new),
        }
    }

    /// How machines are from now on.
    pub(crate) fn are(&self, mood: Mood) {
        self.world().mood = mood;
    }

    /// Everything that was run on the machine.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.world().commands.clone()
    }

    /// A file that was brought.
    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.world().files.get(path).cloned()
    }

    /// The public half of the host key that it shows now.
    pub(crate) fn host_key(&self) -> String {
        let world = self.world();
        let key = world.host_key.as_ref().expect("a machine");
        key.public_key().to_openssh().expect("text")
    }

    /// What the machine was born with.
    pub(crate) fn born_with(&self) -> Machine {
        self.world().machine.clone().expect("a machine")
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("unpoisoned")
    }
}

impl World {
    /// What cloud-init would do.
    fn boot(&mut self, machine: &Machine) {
        let config = machine.user_data.strip_prefix("#cloud-config\n");
        let config: serde_json::Value =
            serde_json::from_str(config.expect("cloud-config")).expect("JSON");
        let planted = config["ssh_keys"]["ed25519_private"].as_str();
        let planted = PrivateKey::from_openssh(planted.expect("a key")).expect("a key");
        let is_planted = self.mood != Mood::Impostor;
        self.host_key = Some(if is_planted { planted } else { new_key() });
        self.machine = Some(machine.clone());
        self.connections = 0;
        self.serves = false;
    }
}

fn new_key() -> PrivateKey {
    let mut random = russh::keys::key::safe_rng();
    PrivateKey::random(&mut random, russh::keys::Algorithm::Ed25519).expect("a key")
}
