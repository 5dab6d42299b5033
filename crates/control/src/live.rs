//! What requests are judged against, in memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use portlama_access::{Identities, Identity, NotIdentified, Presented, SecondFactor};
use portlama_model::{Desired, State, Timestamp};
use portlama_pki::ClientTrust;
use tokio::sync::watch;
use uuid::Uuid;

use crate::first_use::FirstUses;
use crate::panel_door::PanelDoor;
use crate::security::SecurityLog;
use crate::{Clock, HostCertificate, PanelCookie, Sessions, SiteFiles, Traffic, desired};

/// What requests are judged against: snapshots that are replaced whole, so that a reader never
/// waits and never sees half a change. Denials act here first.
pub struct Live {
    clock: Arc<dyn Clock>,
    trust: Arc<ClientTrust>,
    identities: ArcSwap<Identities>,
    first_uses: FirstUses,
    panel_door: ArcSwap<PanelDoor>,
    desired: ArcSwap<Desired>,
    own_certificate: ArcSwap<HostCertificate>,
    sessions: Sessions,
    site_files: Arc<SiteFiles>,
    denials: watch::Sender<u64>,
    security: Arc<SecurityLog>,
    traffic: RwLock<HashMap<Uuid, Arc<Traffic>>>,
}

impl Live {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        trust: ClientTrust,
        own_certificate: Arc<HostCertificate>,
        sessions: Sessions,
        site_files: Arc<SiteFiles>,
        state: &State,
    ) -> Self {
        let first_uses = FirstUses::default();
        first_uses.follow(state);
        Self {
            clock,
            trust: Arc::new(trust),
            identities: ArcSwap::from_pointee(Identities::of(state)),
            first_uses,
            panel_door: ArcSwap::from_pointee(PanelDoor::of(state)),
            desired: ArcSwap::from_pointee(desired(state)),
            own_certificate: ArcSwap::new(own_certificate),
            sessions,
            site_files,
            denials: watch::Sender::new(0),
            security: Arc::default(),
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
        let now = self.clock.now();
        let identity = self.identities.load().identify(presented, now)?;
        self.first_uses.notice(identity.serial(), now);
        Ok(identity)
    }

    /// What was shown beside the certificate of `who`: the session in `cookie`, where the panel
    /// asks for one; and the cookie that keeps it alive, when it is time for a new one. Asked for
    /// every request.
    #[must_use]
    pub fn second_factor(
        &self,
        who: &Identity,
        cookie: Option<&str>,
    ) -> (SecondFactor, Option<PanelCookie>) {
        self.panel_door.load().judge(who, cookie, self.clock.now())
    }

    /// The same for what was shown at `at` and is judged by what is asked at present.
    #[must_use]
    pub fn second_factor_at(
        &self,
        who: &Identity,
        cookie: Option<&str>,
        at: Timestamp,
    ) -> SecondFactor {
        self.panel_door.load().judge(who, cookie, at).0
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

    /// The certificate of our own authority for the server's address, `panel.` and `tunnel.`,
    /// shown to programs that pin the authority. It is replaced when it is renewed: ask for
    /// each handshake.
    #[must_use]
    pub fn own_certificate(&self) -> Arc<HostCertificate> {
        self.own_certificate.load_full()
    }

    /// Who is signed in.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The files of static sites.
    #[must_use]
    pub fn site_files(&self) -> &Arc<SiteFiles> {
        &self.site_files
    }

    /// Changes whenever something that was allowed may have become forbidden: whoever holds a
    /// connection open judges it again. Subscribe before the first judgement.
    #[must_use]
    pub fn denials(&self) -> watch::Receiver<u64> {
        self.denials.subscribe()
    }

    /// Where refused tries are told.
    #[must_use]
    pub fn security(&self) -> &Arc<SecurityLog> {
        &self.security
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

    /// Who exists from here on, and what the panel asks of the admin.
    pub(crate) fn set_identities(&self, state: &State) {
        self.identities.store(Arc::new(Identities::of(state)));
        self.panel_door.store(Arc::new(PanelDoor::of(state)));
        self.first_uses.follow(state);
    }

    pub(crate) fn first_uses(&self) -> &FirstUses {
        &self.first_uses
    }

    /// What is served from here on.
    pub(crate) fn set_desired(&self, desired: Arc<Desired>) {
        self.desired.store(desired);
    }

    /// Lets counters of tunnels that are gone go with them.
    pub(crate) fn forget_traffic(&self, state: &State) {
        let tunnels: HashSet<Uuid> = state.tunnels.iter().map(|tunnel| tunnel.id).collect();
        self.traffic.write().retain(|id, _| tunnels.contains(id));
    }

    pub(crate) fn set_own_certificate(&self, certificate: Arc<HostCertificate>) {
        self.own_certificate.store(certificate);
    }

    /// Something may be forbidden from here on.
    pub(crate) fn deny(&self) {
        self.denials
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}
