//! The admin's own certificate: rotation, the file that carries it, the move to hardware.

use portlama_access::Identity;
use portlama_model::{AdminAuthMode, PendingAdmin, Secret, Serial, State, Timestamp};
use portlama_pki::{IssuedCertificate, ParsedRequest, VerifiedClient, certificate_from_pem};
use portlama_state::{FilePath, StateError};
use serde_json::json;

use crate::change::{Change, audit_row, blocking, not_done};
use crate::control::Core;
use crate::operations::admin_rotation::{ROTATED, unused_until};
use crate::operations::keys::{self, Packed, SignedClient, certificate_failed};
use crate::operations::still_may;
use crate::writer::Files;
use crate::{Control, Farewell, OperationError, Refusal};

/// What `revoked.json` says of the certificates that the admin's own key replaced.
const UPGRADED: &str = "admin (upgraded to hardware-bound)";

/// When the certificate that a rotation replaces dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// A little after the first use of the new one.
    AfterFirstUse,
    /// With the rotation: the old one is in wrong hands.
    AtOnce,
}

/// A new admin certificate, which exists nowhere else than in its answer and on the server. Its key
/// does not print.
#[derive(Clone)]
pub struct RotatedAdmin {
    /// Key and certificate as PKCS#12.
    pub p12: Vec<u8>,
    /// The file's password.
    pub p12_password: Secret,
    /// The certificate's serial.
    pub serial: Serial,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for RotatedAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotatedAdmin")
            .field("serial", &self.serial)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A present file and the name under which it is kept when it is replaced.
pub(crate) const KEPT: [(FilePath, FilePath); 4] = [
    (FilePath::CLIENT_KEY, FilePath::CLIENT_KEY_BACKUP),
    (FilePath::CLIENT_CERT, FilePath::CLIENT_CERT_BACKUP),
    (FilePath::CLIENT_P12, FilePath::CLIENT_P12_BACKUP),
    (FilePath::P12_PASSWORD, FilePath::P12_PASSWORD_BACKUP),
];

impl Control {
    /// How the admin authenticates.
    #[must_use]
    pub fn admin_auth_mode(&self) -> AdminAuthMode {
        self.core.state.load().panel.admin_auth_mode
    }

    /// The file that carries the admin's present certificate to a browser.
    ///
    /// # Errors
    /// [`OperationError::Gone`] when the admin's key never was here, or when there is no file.
    pub async fn admin_p12(&self) -> Result<Vec<u8>, OperationError> {
        has_p12(&self.core.state.load())?;
        let core = self.core.clone();
        let found = blocking(move || core.store.read(&FilePath::CLIENT_P12)).await;
        found.map_err(not_done)?.ok_or(NO_P12)
    }

    /// Makes a new admin certificate. The caller's dies a little after the new one's first use,
    /// or at once; any other that was live, such as the unused one of a rotation before, is
    /// dead with the answer, so there are never three. A new one that nobody uses is given up
    /// after [`UNUSED_ADMIN_LIFETIME`](crate::UNUSED_ADMIN_LIFETIME), so there are not two for
    /// ever.
    ///
    /// # Errors
    /// [`OperationError::Gone`] when the admin's key is the admin's own.
    pub async fn rotate_admin(
        &self,
        by: &Identity,
        old: Rotation,
        farewell: &Farewell,
    ) -> Result<RotatedAdmin, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        has_p12(&state)?;
        let now = core.live.now();
        let authority = core.authority.clone();
        let made = blocking(move || {
            let pair = authority.issue_admin(now)?;
            Packed::of(pair, &authority, "Portlama admin")
        });
        let made = made.await.map_err(certificate_failed)?;
        let certificate = made.pair.certificate();

        let mut next = State::clone(&state);
        let kept = (old == Rotation::AfterFirstUse).then(|| by.serial());
        end_admins(&mut next, by, kept, ROTATED, now);
        admit_admin(&mut next, by, certificate);
        next.panel.admin.pending = kept.map(|_| PendingAdmin {
            serial: certificate.serial().clone(),
            first_used_at: None,
            unused_until: unused_until(by, now),
            extra: serde_json::Map::new(),
        });

        let (core_, before) = (core.clone(), state.clone());
        let kept_files = blocking(move || core_.backup_of_admin(&before)).await;
        let mut files = kept_files.map_err(not_done)?;
        files.extend(made.admin_files());
        let (was, is) = (
            json!({ "serials": state.panel.admin.serials }),
            json!({ "serials": next.panel.admin.serials, "expiresAt": certificate.validity().not_after }),
        );
        let audit = audit_row(
            now,
            by.audit_name(),
            "admin.certificate.rotate",
            "admin",
            Some(was),
            Some(is),
        );
        let mut change = Change::new(next, audit).with_files(files);
        if kept.is_none() {
            change = change.answering(farewell.clone());
        }
        core.apply(writer, change).await?;
        Ok(RotatedAdmin {
            serial: certificate.serial().clone(),
            expires_at: certificate.validity().not_after,
            p12: made.p12,
            p12_password: made.password,
        })
    }

    /// Signs the admin's certificate for a key that stays in the admin's hardware. Every other
    /// admin certificate, the caller's too, is dead with the answer, and the server keeps no
    /// key of the admin's.
    ///
    /// # Errors
    /// When the request is not acceptable, or the admin has moved already.
    pub async fn upgrade_admin(
        &self,
        by: &Identity,
        csr: &str,
        farewell: &Farewell,
    ) -> Result<SignedClient, OperationError> {
        let request = ParsedRequest::parse(csr).map_err(Refusal::Csr)?;
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        if state.panel.admin_auth_mode == AdminAuthMode::HardwareBound {
            return Err(OperationError::Conflict {
                message: "the admin's certificate is bound to hardware already".to_owned(),
            });
        }
        let digest = request.key_digest();
        if digest == by.key_digest() || keys::of_admin(&state).contains(&digest) {
            return Err(Refusal::KeyInUse.into());
        }
        let now = core.live.now();
        let key = request
            .admit(&core.authority, &keys::revoked(&state))
            .map_err(Refusal::Csr)?;
        let certificate = core
            .authority
            .sign_admin(&key, now)
            .map_err(certificate_failed)?;

        let mut next = State::clone(&state);
        end_admins(&mut next, by, None, UPGRADED, now);
        admit_admin(&mut next, by, &certificate);
        next.panel.admin.pending = None;
        next.panel.admin_auth_mode = AdminAuthMode::HardwareBound;
        let mut files: Files = KEPT
            .into_iter()
            .flat_map(|(present, kept)| [(present, None), (kept, None)])
            .collect();
        files.push((FilePath::CLIENT_CERT, Some(certificate.pem().into_bytes())));
        let (was, is) = (
            json!({ "serials": state.panel.admin.serials, "adminAuthMode": state.panel.admin_auth_mode }),
            json!({ "serials": next.panel.admin.serials, "adminAuthMode": next.panel.admin_auth_mode }),
        );
        let audit = audit_row(
            now,
            by.audit_name(),
            "admin.certificate.upgrade",
            "admin",
            Some(was),
            Some(is),
        );
        let change = Change::new(next, audit)
            .with_files(files)
            .answering(farewell.clone());
        core.apply(writer, change).await?;
        Ok(SignedClient::of(&certificate, &core.authority))
    }
}

const NO_P12: OperationError = OperationError::NotFound { what: "P12 file" };

fn has_p12(state: &State) -> Result<(), OperationError> {
    match state.panel.admin_auth_mode {
        AdminAuthMode::P12 => Ok(()),
        AdminAuthMode::HardwareBound => Err(OperationError::Gone {
            message: "the admin's key is bound to hardware, so there is no P12 file: `portlama server reset-admin` on the server makes a new one".to_owned(),
        }),
    }
}

/// Revokes every admin certificate but `kept`.
fn end_admins(next: &mut State, by: &Identity, kept: Option<&Serial>, label: &str, now: Timestamp) {
    for serial in next.panel.admin.serials.clone() {
        if Some(&serial) != kept {
            let key = (serial == *by.serial()).then(|| by.key_digest());
            keys::revoke(next, &serial, label.to_owned(), key, now);
        }
    }
}

/// Adds a certificate, and remembers the keys that are known at this moment.
fn admit_admin(next: &mut State, by: &Identity, new: &IssuedCertificate) {
    let admin = &mut next.panel.admin;
    if admin.serials.contains(by.serial()) {
        let key = by.key_digest().to_string();
        admin.public_keys.insert(by.serial().clone(), key);
    }
    admin.serials.push(new.serial().clone());
    let key = new.key_digest().to_string();
    admin.public_keys.insert(new.serial().clone(), key);
}

impl Core {
    /// The files of the present certificate under the names of the one before. A certificate
    /// that nobody has used takes no place: the one before it is the one that works.
    fn backup_of_admin(&self, state: &State) -> Result<Files, StateError> {
        let present = self.stored_admin()?.map(|admin| admin.serial().clone());
        let unused = state.panel.admin.pending.as_ref().is_some_and(|pending| {
            let seen = self.live.first_uses().first_use(&pending.serial);
            pending.first_used_at.or(seen).is_none() && present.as_ref() == Some(&pending.serial)
        });
        if unused {
            return Ok(Files::new());
        }
        let pairs = KEPT.into_iter();
        pairs
            .map(|(present, kept)| Ok((kept, self.store.read(&present)?)))
            .collect()
    }

    /// The files of before the rotation under their own names again, when `given_up` is the
    /// certificate that took their place.
    pub(crate) fn admin_of_before(&self, given_up: &Serial) -> Result<Files, StateError> {
        if self.stored_admin()?.as_ref().map(VerifiedClient::serial) != Some(given_up) {
            return Ok(Files::new());
        }
        let mut files = Files::new();
        for (present, kept) in KEPT {
            let before = self.store.read(&kept)?;
            files.extend([(present, before), (kept, None)]);
        }
        Ok(files)
    }

    /// The admin's certificate as stored, when there is one and it is ours.
    pub(crate) fn stored_admin(&self) -> Result<Option<VerifiedClient>, StateError> {
        let Some(pem) = self.store.read(&FilePath::CLIENT_CERT)? else {
            return Ok(None);
        };
        let der = certificate_from_pem(&String::from_utf8_lossy(&pem));
        let trust = self.live.client_trust();
        Ok(der.ok().and_then(|der| trust.verify(&[der]).ok()))
    }
}
