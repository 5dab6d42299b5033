//! How far the regions are: the time of a TCP connection, which is one way there and back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::region::{ListedRegion, Region, RegionSlug, ranked};

/// How long all samples of one region may take, its name included.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections a region; the best counts, since delays only add.
pub const SAMPLES: usize = 3;

/// Measures all regions at once, nearest first. `host` says where a region is knocked at.
pub async fn measure(
    regions: Vec<ListedRegion>,
    host: impl Fn(&RegionSlug) -> (String, u16),
) -> Vec<Region> {
    let mut samples = JoinSet::new();
    for region in regions {
        let place = host(&region.slug);
        samples.spawn(async move { (region, nearness(place).await) });
    }
    ranked(samples.join_all().await)
}

/// Of the samples that were done in time, the best.
async fn nearness((host, port): (String, u16)) -> Option<Duration> {
    let mut best = None;
    let sampling = async {
        let address = lookup_host((host, port)).await.ok()?.next()?;
        for _ in 0..SAMPLES {
            let took = connect(address).await?;
            best = Some(best.map_or(took, |other: Duration| other.min(took)));
        }
        Some(())
    };
    let _ = timeout(PROBE_TIMEOUT, sampling).await;
    best
}

async fn connect(address: SocketAddr) -> Option<Duration> {
    let begun = Instant::now();
    TcpStream::connect(address).await.ok()?;
    Some(begun.elapsed())
}
