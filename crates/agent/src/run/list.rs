//! Following `allowed.json`.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::Running;
use crate::setup::in_one_line;

/// How often `allowed.json` is looked at. A denial must act within a moment, also one that was
/// written with an editor.
pub const LIST_POLL: Duration = Duration::from_secs(1);

/// Tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Running {
    /// Looks at the list once a second.
    pub(super) async fn follow_list(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LIST_POLL).await;
            if self.list_stamp() != self.now.lock().list_seen {
                self.reload();
            }
        }
    }

    /// Reads the list and goes by it. A list that cannot be read shuts everything.
    pub(super) fn reload(&self) -> usize {
        // One reader at a time, so that none puts an older list in place of a newer one; and the
        // stamp first, so that the next look sees a change in between.
        let mut now = self.now.lock();
        let stamp = self.list_stamp();
        let list = self.agent.allowed().read();
        now.list_seen = stamp;
        now.loopback = list.as_ref().is_ok_and(|list| list.loopback());
        let cut = match list {
            Ok(list) => self.gate.replace(list),
            Err(error) => {
                let error = in_one_line(&error);
                warn!(%error, "the allow-list cannot be believed: nothing is forwarded");
                self.gate.shut(error)
            }
        };
        if let Some(link) = &now.link {
            link.recheck.now();
        }
        if cut > 0 {
            info!(streams = cut, "cut what the list no longer allows");
        }
        cut
    }

    fn list_stamp(&self) -> Option<Stamp> {
        let data = std::fs::metadata(self.agent.allowed().path()).ok()?;
        Some(Stamp {
            inode: data.ino(),
            bytes: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
        })
    }
}
