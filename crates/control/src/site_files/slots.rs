//! How many uploads run.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// How many uploads may run at the same time, all callers together. Each holds a buffer and two
/// descriptors.
pub const MAX_PARALLEL_UPLOADS: usize = 16;
/// How many of them may be one identity's: a page sends a few files at once, and four callers who
/// never finish leave nobody else without.
pub const MAX_UPLOADS_PER_IDENTITY: usize = 4;

/// The uploads that run, by who makes them.
#[derive(Default)]
pub(super) struct Slots(Mutex<HashMap<String, usize>>);

/// The right to one upload, given back when it is dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    identity: String,
}

impl Slots {
    /// A slot for `identity`; `None` while it has as many as it may, or everybody together has.
    pub(super) fn take(self: &Arc<Self>, identity: String) -> Option<Slot> {
        let mut running = self.0.lock();
        let all: usize = running.values().sum();
        let own = running.get(&identity).copied().unwrap_or(0);
        if all >= MAX_PARALLEL_UPLOADS || own >= MAX_UPLOADS_PER_IDENTITY {
            return None;
        }
        running.insert(identity.clone(), own + 1);
        Some(Slot {
            slots: self.clone(),
            identity,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.slots.0.lock();
        if let Some(own) = running.get_mut(&self.identity) {
            *own -= 1;
            if *own == 0 {
                running.remove(&self.identity);
            }
        }
    }
}
