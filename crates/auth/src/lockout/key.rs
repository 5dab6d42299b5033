//! Whom a try counts for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// An account as somebody typed its name, whether it exists or not: the SHA-256 of the text,
/// so that typed secrets and long texts are not kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account([u8; 32]);

impl Account {
    /// The account with this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
        let mut octets = [0; 32];
        octets.copy_from_slice(digest.as_ref());
        Self(octets)
    }

    /// A digest that was stored.
    #[must_use]
    pub fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(…)")
    }
}

/// What one party holds of the address space: an IPv4 address, or an IPv6 /64, which every
/// home and every server has whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address.
    V6(u64),
}

impl From<IpAddr> for Network {
    /// An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 address.
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(prefix) => {
                write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*prefix) << 64))
            }
        }
    }
}

/// A text that is no [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an IPv4 address or an IPv6 /64")]
pub struct NetworkError;

impl std::str::FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if let Some(prefix) = text.strip_suffix("/64") {
            let v6: Ipv6Addr = prefix.parse().map_err(|_| NetworkError)?;
            return Ok(Self::V6((v6.to_bits() >> 64) as u64));
        }
        text.parse().map(Self::V4).map_err(|_| NetworkError)
    }
}

/// An account and a network: what a ban belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockoutKey {
    // The order of the fields is the order of the keys: all of a network lie together.
    network: Network,
    account: Account,
}

impl LockoutKey {
    /// The account `name` as tried from `address`, which is the peer's own address and never
    /// one from a header.
    #[must_use]
    pub fn new(name: &str, address: IpAddr) -> Self {
        Self {
            network: address.into(),
            account: Account::of(name),
        }
    }

    /// From a stored row.
    #[must_use]
    pub fn from_parts(account: Account, network: Network) -> Self {
        Self { network, account }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// Every key of a network.
    pub(super) fn all_of(network: Network) -> RangeInclusive<Self> {
        let key = |octet| Self {
            network,
            account: Account([octet; 32]),
        };
        key(0)..=key(u8::MAX)
    }
}
