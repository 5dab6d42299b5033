//! What went through a tunnel, counted without locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one tunnel since the server started.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    requests: AtomicU64,
}

impl Traffic {
    /// A request was sent to the app.
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Octets went from visitors to the app.
    pub fn received(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Octets went from the app to visitors.
    pub fn sent(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The counters at this moment.
    #[must_use]
    pub fn totals(&self) -> TrafficTotals {
        TrafficTotals {
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}

/// [`Traffic`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficTotals {
    /// Octets from visitors to the app.
    pub bytes_in: u64,
    /// Octets from the app to visitors.
    pub bytes_out: u64,
    /// Requests sent to the app.
    pub requests: u64,
}
