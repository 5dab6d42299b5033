//! What requests are judged against, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use portlama_access::{Identities, Identity, NotIdentified, Presented};
use portlama_model::{Desired, State, Timestamp};
use portlama_pki::ClientTrust;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Clock, Sessions, Traffic, desired};

/// What requests are judged against: snapshots that are replaced whole, so that a reader never
/// waits and never sees half a change. Denials act here first.
pub struct Live {
    clock: Arc<dyn Clock>,
    trust: Arc<ClientTrust>,
    identities: ArcSwap<Identities>,
    desired: ArcSwap<Desired>,
    sessions: Sessions,
    denials: watch::Sender<u64>,
    traffic: RwLock<HashMap<Uuid, Arc<Traffic>>>,
}

impl Live {
    pub(crate) fn new(clock: Arc<dyn Clock>, trust: ClientTrust, state: &State) -> Self {
        Self {
            sessions: Sessions::new(clock.clone()),
            clock,
            trust: Arc::new(trust),
            identities: ArcSwap::from_pointee(Identities::of(state)),
            desired: ArcSwap::from_pointee(desired(state)),
            denials: watch::Sender::new(0),
            traffic: RwLock::default(),
        }
    }

    /// Who exists.
    #[must_use]
    pub fn identities(&self) -> Arc<Identities> {
        self.identities.load_full()
    }

    /// Says who presented a certificate, at this moment. Asked for every request.
    ///
    /// # Errors
    /// Says why it is nobody.
    pub fn identify(&self, presented: &Presented) -> Result<Identity, NotIdentified> {
        self.identities.load().identify(presented, self.clock.now())
    }

    /// What client certificates are judged against.
    #[must_use]
    pub fn client_trust(&self) -> Arc<ClientTrust> {
        self.trust.clone()
    }

    /// The data plane that is served.
    #[must_use]
    pub fn desired(&self) -> Arc<Desired> {
        self.desired.load_full()
    }

    /// Who is signed in.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Changes whenever something that was allowed may have become forbidden: whoever holds a
    /// connection open judges it again.
    #[must_use]
    pub fn denials(&self) -> watch::Receiver<u64> {
        self.denials.subscribe()
    }

    /// The counters of a tunnel.
    #[must_use]
    pub fn traffic(&self, tunnel: Uuid) -> Arc<Traffic> {
        if let Some(traffic) = self.traffic.read().get(&tunnel) {
            return traffic.clone();
        }
        self.traffic.write().entry(tunnel).or_default().clone()
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
