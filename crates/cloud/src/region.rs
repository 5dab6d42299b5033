//! Where a server can stand, nearest first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A region as DigitalOcean writes it, such as `fra1`. It goes into addresses, so it is checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionSlug(String);

/// Why a text is no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a region has 1 to 32 lower-case letters, digits and hyphens, such as fra1")]
pub struct RegionError;

impl RegionSlug {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A public host that stands in this region: DigitalOcean has none for measuring, but its
    /// object storage answers in most of them. Regions without one share their neighbour's.
    #[must_use]
    pub fn probe_host(&self) -> String {
        let place = match self.as_str() {
            "nyc1" | "nyc2" => "nyc3",
            "sfo2" => "sfo3",
            own => own,
        };
        format!("{place}.digitaloceanspaces.com")
    }
}

impl std::str::FromStr for RegionSlug {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match text.as_bytes() {
            [first, ..] if *first != b'-' && text.len() <= 32 && text.bytes().all(fits) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(RegionError),
        }
    }
}

impl TryFrom<String> for RegionSlug {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

impl From<RegionSlug> for String {
    fn from(slug: RegionSlug) -> Self {
        slug.0
    }
}

impl std::fmt::Display for RegionSlug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region as DigitalOcean lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedRegion {
    /// Its short name.
    pub slug: RegionSlug,
    /// Its name for people.
    pub name: String,
    /// Whether new machines are taken.
    pub available: bool,
    /// The sizes on offer; empty when the token may not read sizes.
    #[serde(default)]
    pub sizes: Vec<String>,
}

/// A region that offers the size, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Its short name.
    pub slug: RegionSlug,
    /// Its name for people.
    pub name: String,
    /// Whether new machines are taken.
    pub available: bool,
    /// The best of several connections, milliseconds; `None` when none could be made.
    pub latency_ms: Option<u64>,
}

/// Why there is no region to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRegion {
    /// No region shows any size.
    #[error(
        "DigitalOcean shows no sizes to this token: make one that has the scope sizes:read, too"
    )]
    SizesHidden,
    /// Really none.
    #[error(
        "no region of DigitalOcean has a free machine of the size {} now: try again later",
        crate::SIZE
    )]
    NoneOffers,
}

/// The regions that take a new machine of `size`.
///
/// # Errors
/// [`NoRegion`].
pub fn offering(listed: Vec<ListedRegion>, size: &str) -> Result<Vec<ListedRegion>, NoRegion> {
    let is_hidden = !listed.is_empty() && listed.iter().all(|region| region.sizes.is_empty());
    let fits = |region: &ListedRegion| {
        region.available && region.sizes.iter().any(|offered| offered == size)
    };
    let offering: Vec<_> = listed.into_iter().filter(fits).collect();
    match (offering.is_empty(), is_hidden) {
        (false, _) => Ok(offering),
        (true, true) => Err(NoRegion::SizesHidden),
        (true, false) => Err(NoRegion::NoneOffers),
    }
}

/// Nearest first; what could not be measured stands last, by name.
#[must_use]
pub fn ranked(measured: Vec<(ListedRegion, Option<Duration>)>) -> Vec<Region> {
    let shown = |(region, latency): (ListedRegion, Option<Duration>)| Region {
        slug: region.slug,
        name: region.name,
        available: region.available,
        latency_ms: latency.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    };
    let mut regions: Vec<_> = measured.into_iter().map(shown).collect();
    regions.sort_by(|a, b| {
        let place = |region: &Region| (region.latency_ms.is_none(), region.latency_ms);
        place(a)
            .cmp(&place(b))
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| a.slug.cmp(&b.slug))
    });
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SIZE;

    fn region(slug: &str, name: &str, available: bool, sizes: &[&str]) -> ListedRegion {
        ListedRegion {
            slug: slug.parse().expect("a slug"),
            name: name.to_owned(),
            available,
            sizes: sizes.iter().map(|size| (*size).to_owned()).collect(),
        }
    }

    fn slugs(regions: &[Region]) -> Vec<&str> {
        regions.iter().map(|region| region.slug.as_str()).collect()
    }

    #[test]
    fn only_regions_that_take_the_size_are_offered() {
        let listed = vec![
            region("fra1", "Frankfurt 1", true, &[SIZE, "s-2vcpu-2gb"]),
            region("nyc2", "New York 2", false, &[SIZE]),
            region("sgp1", "Singapore 1", true, &["s-2vcpu-2gb"]),
        ];
        let left = offering(listed, SIZE).expect("one");
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].slug.as_str(), "fra1");
    }

    #[test]
    fn hidden_sizes_are_told_from_sizes_that_are_gone() {
        let hidden = vec![region("fra1", "Frankfurt 1", true, &[])];
        assert_eq!(offering(hidden, SIZE), Err(NoRegion::SizesHidden));
        let gone = vec![region("fra1", "Frankfurt 1", true, &["s-2vcpu-2gb"])];
        assert_eq!(offering(gone, SIZE), Err(NoRegion::NoneOffers));
    }

    #[test]
    fn the_nearest_is_first_and_what_was_not_measured_last_by_name() {
        let measured = vec![
            (region("tor1", "Toronto 1", true, &[]), None),
            (region("ams3", "Amsterdam 3", true, &[]), None),
            (
                region("lon1", "London 1", true, &[]),
                Some(Duration::from_millis(31)),
            ),
            (
                region("fra1", "Frankfurt 1", true, &[]),
                Some(Duration::from_millis(9)),
            ),
        ];
        assert_eq!(slugs(&ranked(measured)), ["fra1", "lon1", "ams3", "tor1"]);
    }

    #[test]
    fn a_region_that_would_change_an_address_is_no_region() {
        for text in ["", "-fra1", "fra1/../x", "fra1?x", "FRA1", "fra 1"] {
            assert!(text.parse::<RegionSlug>().is_err(), "{text:?}");
        }
    }
}
