//! DigitalOcean's API as far as it is used, on TLS of its own: tokens with scopes, regions, sizes,
//! keys, droplets, tags, paging, rate limits, and faults on demand. It keeps a log of everything
//! it was asked, so that a test can say what was done, in which order, and what is left.
//!
//! Facts: shapes and refusals of DigitalOcean's public API description; the order of a droplet's
//! life, and which fields a token without the scope does not see.

mod droplets;
mod faults;
mod keys;
mod lists;
mod routes;
mod tokens;
mod world;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::local_tls::local_tls;
pub use droplets::{Life, Machine};
pub use faults::{Deed, Fault};
pub use tokens::{FITTING_SCOPES, ScopeHeader, TokenSpec};
pub use world::Logged;
use world::World;

/// What starts a machine for a droplet: it gets the droplet's birth, and may tell its address.
pub type Boot = Arc<dyn Fn(&Machine) -> Option<Ipv4Addr> + Send + Sync>;
/// What ends the machine of a droplet, by its number.
pub type Unplug = Arc<dyn Fn(u64) + Send + Sync>;

/// A running fake.
pub struct FakeDigitalOcean {
    /// `https://localhost:port`, of the API and of the console.
    pub url: String,
    /// The authority of that address, PEM.
    pub ca_file: PathBuf,
    world: Arc<Mutex<World>>,
    _folder: tempfile::TempDir,
    _server: AbortOnDropHandle<()>,
}

impl FakeDigitalOcean {
    /// A fake that knows these tokens.
    ///
    /// # Panics
    /// When there is no port or folder for it.
    pub async fn start(tokens: impl IntoIterator<Item = TokenSpec>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, ca_pem) = local_tls("The fake of DigitalOcean");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca_pem).expect("written");
        let url = format!("https://localhost:{port}");
        let world = Arc::new(Mutex::new(World::new(&url, tokens)));
        let server = tokio::spawn(serve(listener, acceptor, Arc::clone(&world)));
        Self {
            url,
            ca_file,
            world,
            _folder: folder,
            _server: AbortOnDropHandle::new(server),
        }
    }

    /// Goes wrong as said, once for each time it is said.
    pub fn fail(&self, fault: Fault) {
        self.world().faults.push(fault);
    }

    /// How droplets live from now on.
    pub fn live(&self, life: Life) {
        self.world().life = life;
    }

    /// How scopes are told: by the look-up of a token, by a header.
    pub fn tell_scopes(&self, by_look_up: bool, header: ScopeHeader) {
        let mut world = self.world();
        world.looks_tokens_up = by_look_up;
        world.scope_header = header;
    }

    /// Has so many regions beside the usual ones, to fill pages.
    pub fn add_regions(&self, count: usize) {
        self.world().further_regions = count;
    }

    /// Starts a machine for each droplet from now on, and ends it with the droplet.
    pub fn boot(&self, boot: Boot, unplug: Unplug) {
        let mut world = self.world();
        world.boot = Some(boot);
        world.unplug = Some(unplug);
    }

    /// A droplet that somebody else made, with these tags; gives back its number.
    #[must_use]
    pub fn foreign_droplet(&self, name: &str, tags: &[&str]) -> u64 {
        self.world().foreign_droplet(name, tags)
    }

    /// Everything it was asked, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        self.world().log.clone()
    }

    /// `METHOD /path` of everything that changes or was asked of droplets and keys.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.log().iter().map(Logged::call).collect()
    }

    /// The droplets that cost money now.
    #[must_use]
    pub fn droplets(&self) -> Vec<u64> {
        self.world().droplets.iter().map(|d| d.machine.id).collect()
    }

    /// The keys that are there now.
    #[must_use]
    pub fn keys(&self) -> Vec<u64> {
        self.world().keys.iter().map(|key| key.id).collect()
    }

    /// What is left of everything that was made: droplets and keys.
    #[must_use]
    pub fn resources_left(&self) -> usize {
        let world = self.world();
        world.droplets.len() + world.keys.len()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("unpoisoned")
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, world: Arc<Mutex<World>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, world) = (acceptor.clone(), Arc::clone(&world));
        connections.spawn(async move {
            let Ok(tls) = acceptor.accept(socket).await else {
                return;
            };
            let service = hyper::service::service_fn(|request| {
                let world = Arc::clone(&world);
                async move { routes::answer(&world, request).await }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tls), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// An answer, or the end of the connection.
type Outcome<T> = Result<T, Cut>;

/// The connection ends here, without a word.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
