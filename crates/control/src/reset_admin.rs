//! A new admin certificate for a server that does not run: the way in for whoever holds the
//! machine and has lost every admin certificate, or the phone that shows the codes.

use std::path::{Path, PathBuf};

use portlama_model::{
    AdminAuthMode, AdminIdentity, CaFingerprint, PanelTwoFactor, Serial, State, Timestamp,
};
use portlama_pki::{IssueError, IssuedKeyPair};
use portlama_state::{Commit, Committed, FilePath, StateDir, StateError, Store};
use serde_json::json;

use crate::StartError;
use crate::change::audit_row;
use crate::control::load_authority;
use crate::operations::admin::KEPT;
use crate::operations::keys::{self, Packed};

/// What `revoked.json` says of the certificates that were live before.
const RESET: &str = "admin (reset)";

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

/// Makes a new admin certificate with a P12 file, revokes every other one and turns two-factor
/// sign-in to the panel off, in one commit.
///
/// # Errors
/// [`StateError::Locked`] while the server runs; nothing was changed then.
pub fn reset_admin(dir: &Path, now: Timestamp) -> Result<ResetAdmin, ResetError> {
    let dir = StateDir::new(dir);
    let (store, state) = Store::open(&dir)?;
    let authority = load_authority(&store)?;
    let made = Packed::of(authority.issue_admin(now)?, &authority, "Portlama admin")?;
    let next = with_only_admin(&state, &made.pair, now);
    let serial = made.pair.certificate().serial().clone();

    let mut commit = Commit::between(&state, &next)?
        .write(&FilePath::CLIENT_KEY, made.pair.key_pem().expose())
        .write(&FilePath::CLIENT_CERT, made.pair.certificate().pem())
        .write(&FilePath::CLIENT_P12, made.p12)
        .write(&FilePath::P12_PASSWORD, made.password.expose());
    for (_, kept) in KEPT {
        commit = commit.remove(&kept);
    }
    if let Committed::Recorded(error) = store.commit(commit)? {
        tracing::warn!(%error, "the next start completes the reset");
    }
    let audit = audit_row(
        now,
        "local".to_owned(),
        "admin.reset",
        "admin",
        Some(
            json!({ "serials": state.panel.admin.serials, "twoFactor": state.panel.panel_2fa.enabled }),
        ),
        Some(json!({ "serials": [serial], "twoFactor": false })),
    );
    // The old certificate is gone by now: whoever asked needs the paths of the new one.
    let not_audited = store.runtime().audit().append(&audit).err();
    Ok(ResetAdmin {
        ca_fingerprint: authority.fingerprint(),
        p12_path: dir.file(&FilePath::CLIENT_P12),
        p12_password_path: dir.file(&FilePath::P12_PASSWORD),
        admin_cert_path: dir.file(&FilePath::CLIENT_CERT),
        admin_key_path: dir.file(&FilePath::CLIENT_KEY),
        admin_serial: serial,
        not_audited,
    })
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
