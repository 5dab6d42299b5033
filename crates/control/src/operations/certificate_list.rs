//! All certificates that end some day, the first to end first.

use std::path::PathBuf;
use std::sync::Arc;

use portlama_model::{Hostname, Timestamp};
use portlama_state::FilePath;

use crate::Control;
use crate::change::blocking;
use crate::control::Core;
use crate::operations::agents::EXPIRING_SOON;

/// What a certificate is for, and who issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateKind {
    /// For a host, by a public authority.
    Public,
    /// For a host, by our own authority.
    Internal,
    /// Our authority itself.
    Authority,
    /// The admin's.
    Admin,
}

/// A certificate and its end.
#[derive(Debug, Clone)]
pub struct CertificateView {
    /// What it is for.
    pub kind: CertificateKind,
    /// The host it speaks for, if any.
    pub host: Option<Hostname>,
    /// When it ends; `None` when the file cannot be read as a certificate.
    pub expires_at: Option<Timestamp>,
    /// Where it lies.
    pub path: PathBuf,
    /// Whole days until it ends, rounded down: negative once it has.
    pub days_left: Option<i64>,
    /// It ends within [`EXPIRING_SOON`].
    pub expiring_soon: bool,
}

impl Control {
    /// The certificates of hosts, of our authority and of the admin. A file that cannot be
    /// read is left out and logged.
    pub async fn certificates(&self) -> Vec<CertificateView> {
        let core = self.core.clone();
        blocking(move || core.list_certificates()).await
    }
}

impl Core {
    fn list_certificates(self: &Arc<Self>) -> Vec<CertificateView> {
        let own = self.authority.certificate_der();
        let hosts = self.certificates.load_full();
        let of_hosts = hosts.iter().map(|(host, certificate)| {
            let path = FilePath::host_chain(host);
            // What a certificate is shows in itself: the setting may have changed since.
            let kind = if certificate.chain.contains(own) {
                CertificateKind::Internal
            } else {
                CertificateKind::Public
            };
            self.certificate_view(kind, Some(host), &path, Some(certificate.not_after))
        });
        let ca_ends = self.authority.validity().not_after;
        let authority = CertificateKind::Authority;
        let mut views: Vec<CertificateView> = of_hosts
            .chain([self.certificate_view(authority, None, &FilePath::CA_CERT, Some(ca_ends))])
            .chain(self.view_of_admin())
            .collect();
        views.sort_by_cached_key(|view| (view.expires_at, view.kind, view.host.clone()));
        views
    }

    fn view_of_admin(&self) -> Option<CertificateView> {
        let path = FilePath::CLIENT_CERT;
        match self.store.read(&path) {
            Ok(None) => None,
            Ok(Some(_)) => {
                let ends = self.stored_admin().ok().flatten();
                let ends = ends.map(|admin| admin.validity().not_after);
                Some(self.certificate_view(CertificateKind::Admin, None, &path, ends))
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the admin's certificate is left out of the list"
                );
                None
            }
        }
    }

    fn certificate_view(
        &self,
        kind: CertificateKind,
        host: Option<&Hostname>,
        path: &FilePath,
        expires_at: Option<Timestamp>,
    ) -> CertificateView {
        let days_left = expires_at.map(|end| whole_days(self.live.now(), end));
        CertificateView {
            kind,
            host: host.cloned(),
            expires_at,
            path: self.store.dir().file(path),
            days_left,
            expiring_soon: days_left.is_some_and(|days| days <= whole_days_of(EXPIRING_SOON)),
        }
    }
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

fn whole_days(from: Timestamp, to: Timestamp) -> i64 {
    let millis = to.unix_millis().saturating_sub(from.unix_millis());
    millis.div_euclid(DAY_MILLIS)
}

fn whole_days_of(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX) / DAY_MILLIS
}
