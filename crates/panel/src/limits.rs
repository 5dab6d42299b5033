//! How often somebody may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Requests per identity, or per address of whoever has none, in one [`WINDOW`]. The web panel
/// polls a handful of routes every few seconds; a loop gone wild stops here.
pub const REQUESTS_PER_MINUTE: u32 = 600;
/// Attempts to enrol per address in one [`WINDOW`], right or wrong. A token has 256 bits; this
/// only keeps guessing from costing signatures and log lines.
pub const ENROLMENTS_PER_MINUTE: u32 = 5;
/// Requests for an invitation per address in one [`WINDOW`], right or wrong: room for somebody
/// who mistypes a password twice, while every accept costs a password hash.
pub const INVITATION_TRIES_PER_MINUTE: u32 = 10;
/// The time over which requests are counted.
pub const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses (and, apart from them, identities) counted one by one, about 1 MB. Beyond
/// it, those who are new share one count, so that a flood of addresses neither fills the memory
/// nor opens the limit.
pub const MAX_TRACKED_CLIENTS: usize = 10_000;

/// How often a full table looks for windows that have ended; looking costs a walk.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What a route's own limit counts per address, certificate or not. Routes with the same one
/// share the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Enrolment tokens: [`ENROLMENTS_PER_MINUTE`].
    Enrolment,
    /// Invitation tokens: [`INVITATION_TRIES_PER_MINUTE`].
    Invitation,
}

/// All counts of the panel.
pub(crate) struct Limits {
    identities: Mutex<Windows<String>>,
    addresses: Mutex<Windows<IpAddr>>,
    enrolments: Mutex<Windows<IpAddr>>,
    invitations: Mutex<Windows<IpAddr>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            identities: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
            addresses: Mutex::new(Windows::new(REQUESTS_PER_MINUTE)),
            enrolments: Mutex::new(Windows::new(ENROLMENTS_PER_MINUTE)),
            invitations: Mutex::new(Windows::new(INVITATION_TRIES_PER_MINUTE)),
        }
    }
}

impl Limits {
    pub(crate) fn identity(&self, name: String, now: Instant) -> Count {
        self.identities.lock().count(name, now)
    }

    pub(crate) fn address(&self, address: IpAddr, now: Instant) -> Count {
        self.addresses.lock().count(network(address), now)
    }

    /// Counts a request for a route with a limit of its own.
    pub(crate) fn tries(&self, of: Tries, address: IpAddr, now: Instant) -> Count {
        let windows = match of {
            Tries::Enrolment => &self.enrolments,
            Tries::Invitation => &self.invitations,
        };
        windows.lock().count(network(address), now)
    }
}

/// What counts as one client: an IPv4 address, or the /64 that an IPv6 customer gets whole.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Where a client stands within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until the window ends.
    pub(crate) reset: Duration,
    exceeded: bool,
}

impl Count {
    /// Whether this request is still within the limit; if not, how long to wait.
    pub(crate) fn check(self) -> Result<(), Duration> {
        if self.exceeded {
            Err(self.reset)
        } else {
            Ok(())
        }
    }
}

/// Counts per key in windows that begin with the key's first request.
struct Windows<K> {
    limit: u32,
    windows: HashMap<K, Window>,
    /// The window of those who came when the table was full.
    others: Option<Window>,
    swept: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Window {
    began: Instant,
    requests: u32,
}

impl<K: Eq + Hash> Windows<K> {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            windows: HashMap::new(),
            others: None,
            swept: None,
        }
    }

    fn count(&mut self, key: K, now: Instant) -> Count {
        if self.windows.len() >= MAX_TRACKED_CLIENTS && !self.windows.contains_key(&key) {
            self.sweep(now);
        }
        let fresh = Window {
            began: now,
            requests: 0,
        };
        let full = self.windows.len() >= MAX_TRACKED_CLIENTS && !self.windows.contains_key(&key);
        let window = if full {
            self.others.get_or_insert(fresh)
        } else {
            self.windows.entry(key).or_insert(fresh)
        };
        if window.has_ended(now) {
            *window = fresh;
        }
        window.requests = window.requests.saturating_add(1);
        Count {
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.requests),
            reset: WINDOW.saturating_sub(now.saturating_duration_since(window.began)),
            exceeded: window.requests > self.limit,
        }
    }

    fn sweep(&mut self, now: Instant) {
        let due = self
            .swept
            .is_none_or(|at| now.saturating_duration_since(at) >= SWEEP_INTERVAL);
        if due {
            self.windows.retain(|_, window| !window.has_ended(now));
            self.swept = Some(now);
        }
    }
}

impl Window {
    fn has_ended(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_request_after_the_limit_waits_for_the_window_to_end() {
        let (limits, start) = (Limits::default(), Instant::now());
        let ask = |after| {
            let now = start + Duration::from_secs(after);
            limits.tries(Tries::Enrolment, address("192.0.2.1"), now)
        };
        for left in (0..5).rev() {
            assert_eq!(ask(0).remaining, left);
        }
        assert_eq!(ask(20).check(), Err(Duration::from_secs(40)));
        assert_eq!(ask(60).check(), Ok(()));
    }

    #[test]
    fn invitations_and_enrolments_are_counted_apart() {
        let (limits, now) = (Limits::default(), Instant::now());
        let ask = |of| limits.tries(of, address("192.0.2.1"), now);
        for left in (0..INVITATION_TRIES_PER_MINUTE).rev() {
            assert_eq!(ask(Tries::Invitation).remaining, left);
        }
        assert!(ask(Tries::Invitation).check().is_err());
        assert_eq!(ask(Tries::Enrolment).check(), Ok(()));
    }

    #[test]
    fn ipv6_counts_by_64_and_mapped_ipv4_as_ipv4() {
        assert_eq!(
            network(address("2001:db8::1:2:3:4")),
            network(address("2001:db8::"))
        );
        assert_ne!(
            network(address("2001:db8:0:1::1")),
            network(address("2001:db8::1"))
        );
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_addresses_shares_one_count_and_spares_the_known() {
        let (limits, now) = (Limits::default(), Instant::now());
        let nth = |n: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(n));
        for n in 0..10_000 {
            assert_eq!(limits.address(nth(n), now).check(), Ok(()));
        }
        let refused = (10_000..12_000).filter(|n| limits.address(nth(*n), now).check().is_err());
        assert_eq!(refused.count(), 2000 - 600);
        assert_eq!(limits.address(nth(7), now).check(), Ok(()));
        assert_eq!(limits.addresses.lock().windows.len(), MAX_TRACKED_CLIENTS);
        let later = now + WINDOW;
        assert_eq!(limits.address(nth(20_000), later).remaining, 599);
        assert_eq!(limits.addresses.lock().windows.len(), 1);
    }
}
