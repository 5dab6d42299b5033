//! How far windows may grow together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{
    AGENT_BUDGET_BYTES, INITIAL_WINDOW_BYTES, LOW_MEMORY_WINDOW_BYTES, PROCESS_BUDGET_BYTES,
};

/// Counts what the windows of a process, and within it those of one agent, have grown by, and
/// how much received data waits unread in the process.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    grown: AtomicUsize,
    unread: AtomicUsize,
    limit: usize,
    parent: Option<Budget>,
}

impl Budget {
    /// The budget of a process: [`PROCESS_BUDGET_BYTES`].
    #[must_use]
    pub fn for_process() -> Self {
        Self::with_limit(PROCESS_BUDGET_BYTES, None)
    }

    /// The budget of one agent within a process: [`AGENT_BUDGET_BYTES`].
    #[must_use]
    pub fn for_agent(&self) -> Self {
        Self::with_limit(AGENT_BUDGET_BYTES, Some(self.clone()))
    }

    fn with_limit(limit: usize, parent: Option<Self>) -> Self {
        let (grown, unread) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Counters {
            grown,
            unread,
            limit,
            parent,
        }))
    }

    /// What windows have grown by, octets.
    #[must_use]
    pub fn grown(&self) -> usize {
        self.0.grown.load(Ordering::Relaxed)
    }

    /// Received octets that nobody has read yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.0.unread.load(Ordering::Relaxed)
    }

    /// The window a new stream begins with: smaller while unread data fills half a budget.
    #[must_use]
    pub fn initial_window(&self) -> u32 {
        let crowded = self.unread() > self.0.limit / 2;
        match &self.0.parent {
            _ if crowded => LOW_MEMORY_WINDOW_BYTES,
            Some(parent) => parent.initial_window(),
            None => INITIAL_WINDOW_BYTES,
        }
    }

    pub(crate) fn try_grow(&self, bytes: usize) -> bool {
        let limit = self.0.limit;
        let taken = self
            .0
            .grown
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |grown| {
                grown.checked_add(bytes).filter(|sum| *sum <= limit)
            });
        if taken.is_err() {
            return false;
        }
        if self
            .0
            .parent
            .as_ref()
            .is_some_and(|parent| !parent.try_grow(bytes))
        {
            self.0.grown.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        true
    }

    pub(crate) fn shrink(&self, bytes: usize) {
        self.0.grown.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(parent) = &self.0.parent {
            parent.shrink(bytes);
        }
    }

    pub(crate) fn add_unread(&self, bytes: usize) {
        self.0.unread.fetch_add(bytes, Ordering::Relaxed);
        if let Some(parent) = &self.0.parent {
            parent.add_unread(bytes);
        }
    }

    pub(crate) fn sub_unread(&self, bytes: usize) {
        self.0.unread.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(parent) = &self.0.parent {
            parent.sub_unread(bytes);
        }
    }
}
