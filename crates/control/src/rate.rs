//! How often somebody may ask: counts per client, in windows.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Requests for an invitation per address in one [`WINDOW`], right or wrong, at the portal and at
/// the panel together: room for somebody who mistypes a password twice, while every accept costs
/// a password hash.
pub const INVITATION_TRIES_PER_MINUTE: u32 = 10;
/// The time over which requests are counted.
pub const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses (and, apart from them, identities) counted one by one, about 1 MB. Beyond
/// it, those who are new share one count, so that a flood of addresses neither fills the memory
/// nor opens the limit.
pub const MAX_TRACKED_CLIENTS: usize = 10_000;

/// How often a full table looks for windows that have ended; looking costs a walk.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Where a client stands within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Requests in a window.
    pub limit: u32,
    /// Those that are left.
    pub remaining: u32,
    /// Until the window ends.
    pub reset: Duration,
    exceeded: bool,
}

impl Count {
    /// Whether this request is still within the limit.
    ///
    /// # Errors
    /// The time to wait.
    pub fn check(&self) -> Result<(), Duration> {
        if self.exceeded {
            Err(self.reset)
        } else {
            Ok(())
        }
    }
}

/// Counts per key in windows that begin with the key's first request.
pub struct Windows<K> {
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
    /// Nobody has asked yet; each may ask `limit` times in a [`WINDOW`].
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            windows: HashMap::new(),
            others: None,
            swept: None,
        }
    }

    /// Counts a request.
    pub fn count(&mut self, key: K, now: Instant) -> Count {
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

    #[test]
    fn the_request_after_the_limit_waits_for_the_window_to_end() {
        let (mut windows, start) = (Windows::new(5), Instant::now());
        let mut ask = |after| windows.count("somebody", start + Duration::from_secs(after));
        for left in (0..5).rev() {
            assert_eq!(ask(0).remaining, left);
        }
        assert_eq!(ask(20).check(), Err(Duration::from_secs(40)));
        assert_eq!(ask(60).check(), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_shares_one_count_and_spares_the_known() {
        let (mut windows, now) = (Windows::new(600), Instant::now());
        for n in 0..10_000 {
            assert_eq!(windows.count(n, now).check(), Ok(()));
        }
        let refused = (10_000..12_000).filter(|n| windows.count(*n, now).check().is_err());
        assert_eq!(refused.count(), 2000 - 600);
        assert_eq!(windows.count(7, now).check(), Ok(()));
        assert_eq!(windows.windows.len(), MAX_TRACKED_CLIENTS);
        let later = now + WINDOW;
        assert_eq!(windows.count(20_000, later).remaining, 599);
        assert_eq!(windows.windows.len(), 1);
    }
}
