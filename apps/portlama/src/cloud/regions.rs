//! `portlama cloud regions`.

use std::process::ExitCode;

use anyhow::Result;
use portlama_cloud::digitalocean::DigitalOcean;
use portlama_cloud::latency::measure;
use portlama_cloud::region::{Region, offering};
use portlama_cloud::{RegionSlug, SIZE};

use super::place::Place;
use crate::output::{Output, table};

pub(super) const EXAMPLES: &str = "\
A server stands near its visitors and its agent: every request goes to it and on. The time is
that of one way there and back, measured from here.

Examples:
  portlama cloud regions
      all regions with a free machine, nearest first
  portlama cloud regions --json | jq -r '.[0].slug'
      the nearest";

/// The port of HTTPS, which is open everywhere.
const PORT: u16 = 443;

pub(super) async fn regions(place: &Place) -> Result<ExitCode> {
    let digitalocean = place.digitalocean().await?;
    let regions = nearest_first(&digitalocean, place.output).await?;
    if place.output.is_json() {
        place.output.document(&regions);
        return Ok(ExitCode::SUCCESS);
    }
    for line in table(&rows(&regions)) {
        place.output.data(line);
    }
    Ok(ExitCode::SUCCESS)
}

/// The regions that offer a machine. Says so when none could be measured.
pub(super) async fn nearest_first(
    digitalocean: &DigitalOcean,
    output: Output,
) -> Result<Vec<Region>> {
    let listed = digitalocean.regions().await.map_err(super::with_advice)?;
    let offered = offering(listed, SIZE)?;
    let host = |region: &RegionSlug| (region.probe_host(), PORT);
    let regions = measure(offered, host).await;
    if regions.iter().all(|region| region.latency_ms.is_none()) {
        output.note(
            "no region could be measured (something between here and there blocks it): they are sorted by name",
        );
    }
    Ok(regions)
}

fn rows(regions: &[Region]) -> Vec<Vec<String>> {
    let row = |(place, region): (usize, &Region)| {
        let is_nearest = place == 0 && region.latency_ms.is_some();
        let latency = match region.latency_ms {
            Some(latency) => format!("{latency} ms"),
            None => "–".to_owned(),
        };
        let mark = if is_nearest { "*" } else { " " };
        vec![
            format!("{mark} {}", region.slug),
            region.name.clone(),
            latency,
        ]
    };
    regions.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(slug: &str, latency_ms: Option<u64>) -> Region {
        Region {
            slug: slug.parse().expect("a region"),
            name: slug.to_uppercase(),
            available: true,
            latency_ms,
        }
    }

    #[test]
    fn only_a_region_that_was_measured_is_the_nearest() {
        let measured = rows(&[region("fra1", Some(9)), region("tor1", None)]);
        assert_eq!(measured[0], ["* fra1", "FRA1", "9 ms"]);
        assert_eq!(measured[1], ["  tor1", "TOR1", "–"]);
        assert_eq!(rows(&[region("fra1", None)])[0][0], "  fra1");
    }
}
