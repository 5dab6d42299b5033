//! How often somebody may ask.

use std::net::IpAddr;
use std::time::Instant;

use parking_lot::Mutex;
use portlama_auth::Network;
use portlama_control::rate::{Count, Windows};

/// Requests per identity, or per address of whoever has none, in one [`WINDOW`](portlama_control::rate::WINDOW). The web panel
/// polls a handful of routes every few seconds; a loop gone wild stops here.
pub const REQUESTS_PER_MINUTE: u32 = 600;
/// Attempts to enrol per address in one [`WINDOW`](portlama_control::rate::WINDOW), right or wrong. A token has 256 bits; this
/// only keeps guessing from costing signatures and log lines.
pub const ENROLMENTS_PER_MINUTE: u32 = 5;

/// What a route's own limit counts per address, certificate or not. Routes with the same one
/// share the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Enrolment tokens: [`ENROLMENTS_PER_MINUTE`].
    Enrolment,
    /// Invitation tokens: [`INVITATION_TRIES_PER_MINUTE`](portlama_control::rate::INVITATION_TRIES_PER_MINUTE).
    /// The portal counts them, too, so `control` does.
    Invitation,
}

/// The counts of the panel alone.
pub(crate) struct Limits {
    identities: Mutex<Windows<String>>,
    addresses: Mutex<Windows<Network>>,
    enrolments: Mutex<Windows<Network>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            identities: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
            addresses: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
            enrolments: Mutex::new(Windows::new(ENROLMENTS_PER_MINUTE)),
        }
    }
}

impl Limits {
    pub(crate) fn identity(&self, name: String, now: Instant) -> Count {
        self.identities.lock().count(name, now)
    }

    pub(crate) fn address(&self, address: IpAddr, now: Instant) -> Count {
        self.addresses.lock().count(address.into(), now)
    }

    /// Counts an attempt to enrol.
    pub(crate) fn enrolment(&self, address: IpAddr, now: Instant) -> Count {
        self.enrolments.lock().count(address.into(), now)
    }
}
