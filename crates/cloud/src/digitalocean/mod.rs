//! DigitalOcean's API: one method an endpoint, one error type, and what may be asked again.

mod client;
mod endpoints;
mod error;
mod wire;

pub use client::{CREATE_TIMEOUT, DigitalOcean, EXCHANGE_TIMEOUT, MAX_ANSWER_BYTES, MAX_PAGES};
pub use client::{MAX_RETRY_AFTER, TRIES};
pub use endpoints::Endpoints;
pub use error::{DigitalOceanError, MAX_TEXT_CHARS};
pub use wire::{Account, Droplet, DropletStatus, NewDroplet, SshKey, TokenInfo};
