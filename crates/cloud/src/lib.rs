//! A server at DigitalOcean without SSH, as a library: which token fits, where a server can
//! stand, how it is made and cleaned up after, and which servers there are.
//!
//! Decisions are pure ([`token`], [`region`], [`address`]); [`digitalocean`] is the one place
//! that speaks to DigitalOcean. A window or a command line stands above.
#![forbid(unsafe_code)]

pub mod address;
pub mod adopt;
pub mod binary;
mod credential;
pub mod destroy;
pub mod digitalocean;
pub mod health;
mod home;
mod label;
pub mod latency;
mod plain;
pub mod provision;
pub mod region;
pub mod registry;
pub mod ssh;
pub mod token;

pub use credential::{Credentials, SERVER_SERVICE, TOKEN_ACCOUNT, TOKEN_SERVICE};
pub use home::Home;
pub use label::{LabelError, MAX_HOST_NAME_BYTES, MAX_LABEL_BYTES, ServerLabel};
pub use region::RegionSlug;

/// The size of every server: 512 MB of memory, one processor, 10 GB of disk.
pub const SIZE: &str = "s-1vcpu-512mb-10gb";
/// What that size costs, US dollars a month, where DigitalOcean does not say it.
pub const MONTHLY_PRICE_USD: u32 = 4;
/// The system on it.
pub const IMAGE: &str = "ubuntu-24-04-x64";
/// The tag of every server of ours. Without it nothing is ever deleted.
pub const MANAGED_TAG: &str = "portlama:managed";
