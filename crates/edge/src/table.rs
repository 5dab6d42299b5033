//! The routing table: immutable, found through one atomic pointer, replaced whole.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use http::HeaderValue;
use portlama_control::{
    Activation, HostCertificate, HostCertificates, Live, PrepareError, Traffic,
};
use portlama_model::{Desired, HostMap, HostService, Hostname, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::gate::Name;
use crate::proxy::Pool;
use crate::tls::{certified_key, check_covers};

/// Every host served, and what stands behind it.
#[derive(Debug)]
pub(crate) struct Table {
    hosts: HostMap<Arc<HostEntry>>,
    /// What this was made from.
    pub(crate) desired: Option<Arc<Desired>>,
    certificates: Arc<HostCertificates>,
}

/// One host.
#[derive(Debug)]
pub(crate) struct HostEntry {
    pub(crate) host: Hostname,
    pub(crate) service: HostService,
    pub(crate) certificate: Option<ShownCertificate>,
    /// `https://<host>[:port]`.
    pub(crate) origin: Arc<str>,
    /// `<host>[:port]`, as the app is told.
    pub(crate) authority: HeaderValue,
    /// The way to the app, or to the panel of an agent; of those with an agent.
    pub(crate) way: Option<Way>,
}

/// What requests to an app need besides the route.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) pool: Arc<Pool>,
    pub(crate) traffic: Arc<Traffic>,
}

/// A certificate ready to be shown.
#[derive(Debug, Clone)]
pub(crate) struct ShownCertificate {
    pub(crate) key: Arc<CertifiedKey>,
    fingerprint: [u8; 32],
    not_after: Timestamp,
}

impl Table {
    /// Before the first activation: nothing is served.
    pub(crate) fn empty() -> Self {
        Self {
            hosts: HostMap::new(),
            desired: None,
            certificates: Arc::default(),
        }
    }

    /// Makes the table of `desired`. What did not change is taken over from `before`, so that a
    /// change costs no more than itself, and of what is shared with `before` nothing is read.
    ///
    /// # Errors
    /// When a certificate cannot be used, is for other names, or has expired while the one
    /// that is shown has not.
    pub(crate) fn of(
        desired: Arc<Desired>,
        certificates: &Arc<HostCertificates>,
        before: &Self,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, PrepareError> {
        let mut hosts = before.hosts.clone();
        for host in before.changed(&desired, certificates) {
            let (certificate, old) = (certificates.get(host), before.hosts.get(host));
            let Some(service) = desired.hosts.get(host) else {
                hosts.remove(host);
                continue;
            };
            if old.is_some_and(|old| old.is_same(service, certificate)) {
                continue;
            }
            let shown = certificate.map(|new| shown(host, new, old, surroundings));
            let entry = HostEntry::of(host, service, shown.transpose()?, old, surroundings)?;
            hosts.insert(host.clone(), Arc::new(entry));
        }
        Ok(Self {
            hosts,
            desired: Some(desired),
            certificates: certificates.clone(),
        })
    }

    /// The hosts of which something may be different.
    fn changed<'a>(
        &'a self,
        desired: &'a Desired,
        certificates: &'a HostCertificates,
    ) -> impl Iterator<Item = &'a Hostname> {
        let services = match &self.desired {
            Some(before) => before.hosts.changed(&desired.hosts, PartialEq::eq),
            None => desired.hosts.keys().collect(),
        };
        let certificates = self.certificates.changed(certificates, Arc::ptr_eq);
        services.into_iter().chain(certificates)
    }

    /// The host of this name, in lower case.
    pub(crate) fn host(&self, name: &str) -> Option<&Arc<HostEntry>> {
        self.hosts.get(name)
    }

    /// The host of this name, as a client spells it.
    pub(crate) fn host_spelled(&self, name: &str) -> Option<&Arc<HostEntry>> {
        self.host(Name::parse(name.as_bytes())?.as_str())
    }

    /// `https://auth.<domain>[:port]`.
    pub(crate) fn portal_origin(&self) -> Option<Arc<str>> {
        let portal = self.desired.as_ref()?.domain.as_ref()?.auth();
        self.hosts.get(&portal).map(|entry| entry.origin.clone())
    }

    /// The connections kept for later, of every app.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.hosts
            .values()
            .filter_map(|e| e.way.as_ref())
            .map(|way| &way.pool)
    }
}

/// What making a table needs besides the desire.
pub(crate) struct Surroundings<'a> {
    pub(crate) provider: &'a CryptoProvider,
    pub(crate) live: &'a Live,
    pub(crate) https_port: u16,
}

impl HostEntry {
    fn of(
        host: &Hostname,
        service: &HostService,
        certificate: Option<ShownCertificate>,
        old: Option<&Arc<Self>>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, PrepareError> {
        let authority = match surroundings.https_port {
            443 => host.to_string(),
            port => format!("{host}:{port}"),
        };
        Ok(Self {
            host: host.clone(),
            service: service.clone(),
            certificate,
            origin: format!("https://{authority}").into(),
            authority: HeaderValue::try_from(authority).map_err(|e| PrepareError {
                host: Some(host.clone()),
                reason: e.to_string(),
            })?,
            way: way(service, old, surroundings.live),
        })
    }

    /// Whether an entry made of these would be this one: all else follows from them, from the
    /// name, and from what never changes while the server runs.
    fn is_same(&self, service: &HostService, certificate: Option<&Arc<HostCertificate>>) -> bool {
        let shown = self.certificate.as_ref().map(|shown| shown.fingerprint);
        self.service == *service && shown == certificate.map(|new| new.fingerprint)
    }
}

fn way(service: &HostService, old: Option<&Arc<HostEntry>>, live: &Live) -> Option<Way> {
    let (HostService::App(route) | HostService::AgentPanel(route)) = service else {
        return None;
    };
    let target = route.target.as_ref()?;
    let kept = old
        .and_then(|entry| entry.way.as_ref())
        .filter(|way| way.pool.leads_to(target, route.origin));
    let pool = match kept {
        Some(way) => way.pool.clone(),
        None => Arc::new(Pool::new(target.clone(), route.origin)),
    };
    Some(Way {
        pool,
        traffic: live.traffic(route.tunnel),
    })
}

fn shown(
    host: &Hostname,
    certificate: &HostCertificate,
    old: Option<&Arc<HostEntry>>,
    surroundings: &Surroundings<'_>,
) -> Result<ShownCertificate, PrepareError> {
    let old = old.and_then(|entry| entry.certificate.as_ref());
    if let Some(old) = old.filter(|old| old.fingerprint == certificate.fingerprint) {
        return Ok(old.clone());
    }
    let now = surroundings.live.now();
    if certificate.not_after < now && old.is_some_and(|old| old.not_after >= now) {
        return Err(PrepareError {
            host: Some(host.clone()),
            reason: "its new certificate has expired".to_owned(),
        });
    }
    let key = certified_key(certificate, surroundings.provider).map_err(|error| PrepareError {
        host: Some(host.clone()),
        reason: error.reason,
    })?;
    check_covers(&key, host)?;
    Ok(ShownCertificate {
        key,
        fingerprint: certificate.fingerprint,
        not_after: certificate.not_after,
    })
}

/// What handshakes and requests read, and changes replace.
pub(crate) struct Shared {
    live: Arc<Live>,
    provider: Arc<CryptoProvider>,
    table: ArcSwap<Table>,
    own_certificate: ArcSwapOption<ShownCertificate>,
    changes: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn new(live: Arc<Live>, provider: Arc<CryptoProvider>) -> Self {
        Self {
            live,
            provider,
            table: ArcSwap::from_pointee(Table::empty()),
            own_certificate: ArcSwapOption::empty(),
            changes: watch::Sender::new(()),
        }
    }

    /// The table of this moment.
    pub(crate) fn table(&self) -> Guard<Arc<Table>> {
        self.table.load()
    }

    /// The same, to hold across waiting.
    pub(crate) fn table_full(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// The certificate of our own authority for the address, `panel.` and `tunnel.`, as it is
    /// at this moment. A renewed one that cannot be used leaves the one before in place.
    pub(crate) fn own_certificate(&self) -> Option<Arc<CertifiedKey>> {
        let current = self.live.own_certificate();
        let shown = self.own_certificate.load_full();
        if let Some(shown) = shown
            .as_ref()
            .filter(|s| s.fingerprint == current.fingerprint)
        {
            return Some(shown.key.clone());
        }
        match certified_key(&current, &self.provider) {
            Ok(key) => {
                self.own_certificate.store(Some(Arc::new(ShownCertificate {
                    key: key.clone(),
                    fingerprint: current.fingerprint,
                    not_after: current.not_after,
                })));
                Some(key)
            }
            Err(error) => {
                tracing::error!(%error, "the server's own certificate cannot be used");
                shown.map(|shown| shown.key.clone())
            }
        }
    }

    /// Fires after each change of the table.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// A table that waits to be served.
pub(crate) struct Prepared {
    pub(crate) shared: Arc<Shared>,
    pub(crate) table: Table,
}

impl Activation for Prepared {
    fn activate(self: Box<Self>) {
        let old = self.shared.table.swap(Arc::new(self.table));
        self.shared.changes.send_replace(());
        // Of thousands of hosts this takes a millisecond, for which no change should wait.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn_blocking(move || drop(old)));
        }
    }
}

#[cfg(test)]
mod tests {
    use portlama_control::setup::{Setup, initialise};
    use portlama_control::{Control, DataPlane, Settings, SystemClock};
    use portlama_model::{
        AccessMode, AppRoute, CertificateAuthority, HostHeader, Origin, OriginScheme, TunnelKey,
    };

    use super::*;
    use crate::{Edge, EdgeConfig};

    const APP: &str = "wiki.lab.example.org";

    async fn control(dir: &std::path::Path) -> Arc<Control> {
        let setup = Setup {
            ip: [127, 0, 0, 1].into(),
            domain: Some("lab.example.org".parse().expect("a domain")),
            email: None,
            certificate_authority: CertificateAuthority::Internal,
            acme: Default::default(),
            dns: Default::default(),
            now: std::time::SystemTime::now().into(),
        };
        initialise(dir, setup).expect("a new server");
        let config = EdgeConfig {
            https_port: 443,
            panel_port: 9292,
            sites_dir: dir.join("sites"),
        };
        let edge = |live| Edge::new(live, config) as Arc<dyn DataPlane>;
        Control::start(dir, Settings::default(), Arc::new(SystemClock), edge)
            .await
            .expect("control starts")
    }

    fn app(enabled: bool, port: u16) -> HostService {
        HostService::App(Arc::new(AppRoute {
            tunnel: uuid::Uuid::nil(),
            host: APP.parse().expect("a name"),
            access: AccessMode::Public,
            enabled,
            allow_cross_site: false,
            target: Some(TunnelKey {
                agent: "attic".parse().expect("a label"),
                port: port.try_into().expect("a port"),
            }),
            origin: Origin {
                scheme: OriginScheme::Http,
                host_header: HostHeader::Public,
                tls_verify: true,
            },
        }))
    }

    #[tokio::test]
    async fn only_what_changed_is_made_anew_and_connections_outlive_what_does_not_concern_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let control = control(&dir.path().join("state")).await;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let surroundings = Surroundings {
            provider: &provider,
            live: control.live(),
            https_port: 443,
        };
        let with = |service: HostService| {
            let mut desired = Desired::clone(&control.live().desired());
            desired.hosts.insert(APP.parse().expect("a name"), service);
            Arc::new(desired)
        };
        let panel = "panel.lab.example.org";
        let own = control.live().own_certificate();
        let certified = HostCertificates::from_iter([(panel.parse().expect("a name"), own)]);
        let certified = Arc::new(certified);
        let table = |desired, certificates: &Arc<HostCertificates>, before: &Table| {
            Table::of(desired, certificates, before, &surroundings).expect("a table")
        };
        let anew = |before: &Table, after: &Table| {
            let entries = after.hosts.iter();
            let is_new =
                |host: &str, entry| !before.host(host).is_some_and(|e| Arc::ptr_eq(e, entry));
            let new = entries.filter(|(host, entry)| is_new(host.as_str(), entry));
            new.map(|(host, _)| host.to_string()).collect::<Vec<_>>()
        };
        let pool = |table: &Table| table.host(APP)?.way.as_ref().map(|way| way.pool.clone());
        let same_pool = |one: &Table, other: &Table| {
            let (one, other) = (pool(one).expect("a way"), pool(other).expect("a way"));
            Arc::ptr_eq(&one, &other)
        };

        let none = Arc::new(HostCertificates::new());
        let first = table(with(app(true, 8000)), &none, &Table::empty());
        assert_eq!(first.hosts.len(), 4);
        let same = table(with(app(true, 8000)), &none, &first);
        assert_eq!(anew(&first, &same), [""; 0]);
        let off = table(with(app(false, 8000)), &none, &first);
        assert_eq!(anew(&first, &off), [APP]);
        assert!(same_pool(&first, &off));
        let elsewhere = table(with(app(true, 8001)), &none, &first);
        assert_eq!(anew(&first, &elsewhere), [APP]);
        assert!(!same_pool(&first, &elsewhere));
        let shown = table(with(app(true, 8000)), &certified, &first);
        assert_eq!(anew(&first, &shown), [panel]);
        assert_eq!(
            anew(&shown, &table(with(app(true, 8000)), &certified, &shown)),
            [""; 0]
        );
        let gone = table(control.live().desired(), &certified, &shown);
        assert!(gone.host(APP).is_none() && gone.hosts.len() == 3);
    }
}
