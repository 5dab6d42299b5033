//! Noticing the first use of a new certificate.

use std::collections::{BTreeMap, BTreeSet};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use portlama_model::{Serial, State, Timestamp};
use tokio::sync::Notify;

/// What requests leave behind for the task that lets one certificate take another's place. A
/// request pays one load of a pointer, and while somebody renews, a look into a small set.
#[derive(Default)]
pub(crate) struct FirstUses {
    /// The serials whose first use is waited for; none when there are none.
    awaited: ArcSwapOption<BTreeSet<Serial>>,
    /// First uses that may not be durable yet.
    seen: Mutex<BTreeMap<Serial, Timestamp>>,
    noticed: Notify,
}

impl FirstUses {
    /// Waits for what the state waits for.
    pub(crate) fn follow(&self, state: &State) {
        let pending = state.panel.admin.pending.as_ref();
        let of_admin = pending
            .filter(|pending| pending.first_used_at.is_none())
            .map(|pending| &pending.serial);
        let live = state.registry.agents.iter().filter(|agent| !agent.revoked);
        let of_agents = live.filter_map(|agent| agent.successor.as_ref());
        let awaited: BTreeSet<Serial> = of_admin
            .into_iter()
            .chain(of_agents.map(|successor| &successor.serial))
            .cloned()
            .collect();
        // A state is followed while another may be prepared: what was seen of an admin's
        // certificate is needed until its rotation is over.
        let rotating = pending.map(|pending| pending.serial.clone());
        self.seen
            .lock()
            .retain(|serial, _| awaited.contains(serial) || rotating.as_ref() == Some(serial));
        self.awaited
            .store((!awaited.is_empty()).then(|| awaited.into()));
    }

    /// Notes that the holder of this serial was identified.
    pub(crate) fn notice(&self, serial: &Serial, now: Timestamp) {
        let awaited = self.awaited.load();
        if !awaited.as_ref().is_some_and(|some| some.contains(serial)) {
            return;
        }
        let mut seen = self.seen.lock();
        if seen.contains_key(serial) {
            return;
        }
        seen.insert(serial.clone(), now);
        drop(seen);
        self.noticed.notify_one();
    }

    /// When this serial was first used, as far as this process saw it.
    pub(crate) fn first_use(&self, serial: &Serial) -> Option<Timestamp> {
        self.seen.lock().get(serial).copied()
    }

    /// Waits until a first use was noticed.
    pub(crate) async fn noticed(&self) {
        self.noticed.notified().await;
    }
}
