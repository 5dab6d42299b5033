//! From names to addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use portlama_tunnel::BoxFuture;
use tokio::sync::Semaphore;

use crate::target::{LanName, TargetHost};

/// Names looked up at the same time. The system's resolver blocks a thread for each, for
/// seconds when the network is silent, and threads are memory.
pub const MAX_LOOKUPS: usize = 16;
/// Addresses of one name that are tried; a visitor waits meanwhile.
pub const MAX_ADDRESSES: usize = 8;

/// Finds the addresses of a name in the network at home.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses, best first.
    fn resolve<'a>(&'a self, name: &'a LanName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the system.
#[derive(Debug)]
pub struct SystemResolver {
    turns: Semaphore,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(MAX_LOOKUPS),
        }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a LanName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The addresses of a host, at most [`MAX_ADDRESSES`].
pub(crate) async fn addresses(
    host: &TargetHost,
    resolver: &dyn Resolve,
) -> io::Result<Vec<IpAddr>> {
    match host {
        TargetHost::Localhost => Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        TargetHost::Address(address) => Ok(vec![*address]),
        TargetHost::Name(name) => {
            let mut found = resolver.resolve(name).await?;
            found.truncate(MAX_ADDRESSES);
            Ok(found)
        }
    }
}
