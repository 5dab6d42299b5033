//! All certificates that end some day, the first to end first.

use std::path::PathBuf;
use std::sync::Arc;

use portlama_model::{CertificateAuthority, Hostname, Timestamp};
use portlama_state::FilePath;

use crate::certificates::is_of;
use crate::change::blocking;
use crate::control::Core;
use crate::operations::agents::EXPIRING_SOON;
use crate::{CertificateFailure, Control};

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
    /// Of a host's certificate: how it is doing.
    pub state: Option<CertificateState>,
}

/// How a host's certificate is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// In a word.
    pub status: CertificateStatus,
    /// Why the last attempt at a new one failed.
    pub failure: Option<CertificateFailure>,
    /// How many validations of the name may still fail within the hour before the authority
    /// must be left alone.
    pub attempts_left: usize,
}

/// How a host's certificate is doing, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It holds.
    Good,
    /// It holds, but getting the next one fails.
    Failing,
    /// It has expired, and visitors are still shown it.
    Expired,
    /// There is none yet.
    Pending,
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
        let desired = self.live.desired();
        let of_hosts = desired.hosts.keys().map(|host| self.view_of_host(host));
        let ca_ends = self.authority.validity().not_after;
        let authority = CertificateKind::Authority;
        let mut views: Vec<CertificateView> = of_hosts
            .chain([self.certificate_view(authority, None, &FilePath::CA_CERT, Some(ca_ends))])
            .chain(self.view_of_admin())
            .collect();
        views.sort_by_cached_key(|view| (view.expires_at, view.kind, view.host.clone()));
        views
    }

    fn view_of_host(&self, host: &Hostname) -> CertificateView {
        let now = self.live.now();
        let certificates = self.certificates.load();
        let leaf = certificates.get(host);
        let internal = match leaf {
            Some(leaf) => is_of(leaf, &self.authority),
            None => {
                let kind = self.state.load().panel.certificate_authority;
                kind == CertificateAuthority::Internal
            }
        };
        let kind = match internal {
            true => CertificateKind::Internal,
            false => CertificateKind::Public,
        };
        let failure = self.certifier.failure(host);
        let status = match (leaf, &failure) {
            (None, _) => CertificateStatus::Pending,
            (Some(leaf), _) if leaf.not_after < now => CertificateStatus::Expired,
            (Some(_), Some(_)) => CertificateStatus::Failing,
            (Some(_), None) => CertificateStatus::Good,
        };
        let ends = leaf.map(|leaf| leaf.not_after);
        let view = self.certificate_view(kind, Some(host), &FilePath::host_chain(host), ends);
        CertificateView {
            state: Some(CertificateState {
                status,
                failure,
                attempts_left: self.certifier.history(host).budget(now).left,
            }),
            ..view
        }
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
            state: None,
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
