//! A new admin certificate: the way in for whoever holds the machine and has lost every admin
//! certificate, or the phone that shows the codes.

use std::path::{Path, PathBuf};

use portlama_model::{
    AdminAuthMode, AdminIdentity, CaFingerprint, PanelTwoFactor, Serial, State, Timestamp,
};
use portlama_pki::{Authority, IssueError, IssuedKeyPair};
use portlama_state::{AuditEntry, Commit, Committed, FilePath, StateDir, StateError, Store};
use serde_json::json;

use crate::change::{Change, audit_row, blocking};
use crate::control::load_authority;
use crate::operations::admin::KEPT;
use crate::operations::keys::{self, Packed, certificate_failed};
use crate::writer::{Files, with_files};
use crate::{Control, OperationError, StartError};

/// What `revoked.json` says of the certificates that were live before.
const RESET: &str = "admin (reset)";

/// Who works on the state directory, in the audit.
pub(crate) const LOCAL: &str = "local";

/// The admin of a server as they are after a reset.
#[derive(Debug)]
pub struct ResetAdmin {
    /// What our own programs pin; it stays.
    pub ca_fingerprint: CaFingerprint,
    /// The new certificate and key for browsers and keychains.
    pub p12_path: PathBuf,
    /// Its password.
    pub p12_password_path: PathBuf,
    /// The new certificate, PEM.
    pub admin_cert_path: PathBuf,
    /// The new key, PEM.
    pub admin_key_path: PathBuf,
    /// The new certificate's serial.
    pub admin_serial: Serial,
    /// Why the audit does not have the reset, if it does not: it is a database of its own, which
    /// no commit of the state can write. The reset holds all the same.
    pub not_audited: Option<StateError>,
}

/// Why the admin was not reset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResetError {
    /// There is no server, it runs, or the disk refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its authority cannot be read.
    #[error(transparent)]
    Authority(#[from] StartError),
    /// The certificate could not be made.
    #[error("cannot make the admin's certificate")]
    Certificate(#[from] IssueError),
}

/// Makes a new admin certificate with a P12 file for a server that does not run, revokes every
/// other one and turns two-factor sign-in to the panel off, in one commit.
///
/// # Errors
/// [`StateError::Locked`] while the server runs; nothing was changed then.
pub fn reset_admin(dir: &Path, now: Timestamp) -> Result<ResetAdmin, ResetError> {
    let dir = StateDir::new(dir);
    let (store, state) = Store::open(&dir)?;
    let authority = load_authority(&store)?;
    let reset = Reset::plan(&state, &authority, now)?;
    let change = Commit::between(&state, &reset.next)?;
    let commit = with_files(change, &reset.files);
    if let Committed::Recorded(error) = store.commit(commit)? {
        tracing::warn!(%error, "the next start completes the reset");
    }
    // The old certificate is gone by now: whoever asked needs the paths of the new one.
    let not_audited = store.runtime().audit().append(&reset.audit).err();
    Ok(ResetAdmin {
        not_audited,
        ..ResetAdmin::at(&dir, &authority, reset.serial)
    })
}

impl Control {
    /// The same while the server runs, for whoever holds the machine: every other admin
    /// certificate is dead when this returns.
    ///
    /// # Errors
    /// When it cannot be written down; nothing was changed then.
    pub async fn reset_admin(&self) -> Result<ResetAdmin, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let (authority, now) = (core.authority.clone(), core.live.now());
        let planned = blocking(move || Reset::plan(&state, &authority, now)).await;
        let reset = planned.map_err(certificate_failed)?;
        let change = Change::new(reset.next, reset.audit).with_files(reset.files);
        core.apply(writer, change).await?;
        Ok(ResetAdmin::at(
            core.store.dir(),
            &core.authority,
            reset.serial,
        ))
    }
}

impl ResetAdmin {
    fn at(dir: &StateDir, authority: &Authority, admin_serial: Serial) -> Self {
        Self {
            ca_fingerprint: authority.fingerprint(),
            p12_path: dir.file(&FilePath::CLIENT_P12),
            p12_password_path: dir.file(&FilePath::P12_PASSWORD),
            admin_cert_path: dir.file(&FilePath::CLIENT_CERT),
            admin_key_path: dir.file(&FilePath::CLIENT_KEY),
            admin_serial,
            not_audited: None,
        }
    }
}

/// What a reset changes.
struct Reset {
    next: State,
    files: Files,
    audit: AuditEntry,
    serial: Serial,
}

impl Reset {
    fn plan(state: &State, authority: &Authority, now: Timestamp) -> Result<Self, IssueError> {
        let made = Packed::of(authority.issue_admin(now)?, authority, "Portlama admin")?;
        let certificate = made.pair.certificate();
        let serial = certificate.serial().clone();
        let mut files = made.admin_files();
        files.extend(KEPT.into_iter().map(|(_, kept)| (kept, None)));
        let panel = &state.panel;
        let before =
            json!({ "serials": panel.admin.serials, "twoFactor": panel.panel_2fa.enabled });
        let after = json!({ "serials": [serial], "twoFactor": false });
        Ok(Self {
            next: with_only_admin(state, &made.pair, now),
            files,
            audit: audit_row(
                now,
                LOCAL.to_owned(),
                "admin.reset",
                "admin",
                Some(before),
                Some(after),
            ),
            serial,
        })
    }
}

fn with_only_admin(state: &State, pair: &IssuedKeyPair, now: Timestamp) -> State {
    let mut next = State::clone(state);
    for serial in &state.panel.admin.serials {
        keys::revoke(&mut next, serial, RESET.to_owned(), None, now);
    }
    let certificate = pair.certificate();
    next.panel.admin = AdminIdentity {
        serials: vec![certificate.serial().clone()],
        pending: None,
        public_keys: [(
            certificate.serial().clone(),
            certificate.key_digest().to_string(),
        )]
        .into(),
        extra: std::mem::take(&mut next.panel.admin.extra),
    };
    next.panel.admin_auth_mode = AdminAuthMode::P12;
    next.panel.panel_2fa = PanelTwoFactor::default();
    next.panel.session_secret = None;
    next
}
