//! The session that a one-time code opens at the panel: a signed cookie, of which the server
//! stores nothing but the key.
//!
//! A value is `base64url(JSON).base64url(HMAC-SHA256)`, the signature over the first part as
//! text. It belongs to one certificate: presented with another one it is worth nothing.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portlama_model::{Secret, Serial, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{SESSION_ABSOLUTE, SessionEnd, SessionPolicy, VerifiedTotp};

/// The longest cookie value that is looked at, characters; ours have about 200.
pub const MAX_PANEL_COOKIE_CHARACTERS: usize = 512;

const KEY_BYTES: usize = 32;

/// A stored text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of panel sessions must be 64 hexadecimal digits")]
pub struct PanelSessionKeyError;

/// Why a cookie opens nothing. Whoever sent it learns no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PanelSessionError {
    /// Not of our form, or not signed with this key.
    #[error("the session is not one that this server signed")]
    Forged,
    /// It was opened with another certificate.
    #[error("the session belongs to another certificate")]
    OtherCertificate,
    /// Its time is over.
    #[error(transparent)]
    Over(#[from] SessionEnd),
}

/// A live session at the panel. Only a right code ([`PanelSession::begin`]) or a cookie that
/// was verified ([`PanelSessionKey::open`]) makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelSession {
    began: Timestamp,
    expires: Timestamp,
    last_active: Timestamp,
    serial: Serial,
}

impl PanelSession {
    /// The session of whoever presents the certificate `serial` and typed a right code.
    #[must_use]
    pub fn begin(_code: VerifiedTotp, serial: Serial, now: Timestamp) -> Self {
        let began = Timestamp::from_unix_seconds(now.unix_seconds());
        Self {
            began,
            expires: began.plus(SESSION_ABSOLUTE),
            last_active: began,
            serial,
        }
    }

    /// The certificate it belongs to.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// How long it lives at most.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.expires.since(now)
    }

    /// The session to hand out after a request, or `None` while the one at hand is fresh enough.
    /// Its end stays where it is.
    #[must_use]
    pub fn refreshed(&self, now: Timestamp) -> Option<Self> {
        let seen = SessionPolicy::default().touch(self.last_active, now)?;
        Some(Self {
            last_active: Timestamp::from_unix_seconds(seen.unix_seconds()),
            ..self.clone()
        })
    }
}

/// The members of the cookie's JSON, times in Unix seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    iat: i64,
    exp: i64,
    last_activity: i64,
    cert_serial: Serial,
}

/// What signs and verifies the cookies. A new key ends every session.
#[derive(Clone)]
pub struct PanelSessionKey(Zeroizing<[u8; KEY_BYTES]>);

impl PanelSessionKey {
    /// A new key of random octets.
    #[must_use]
    pub fn from_random(octets: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// Reads a stored key.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_hex(text: &Secret) -> Result<Self, PanelSessionKeyError> {
        let mut octets = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.expose(), &mut *octets).map_err(|_| PanelSessionKeyError)?;
        Ok(Self(octets))
    }

    /// The key as it is stored.
    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex::encode(*self.0))
    }

    /// The value of the cookie that carries `session`.
    #[must_use]
    pub fn seal(&self, session: &PanelSession) -> Secret {
        let claims = Claims {
            iat: session.began.unix_seconds(),
            exp: session.expires.unix_seconds(),
            last_activity: session.last_active.unix_seconds(),
            cert_serial: session.serial.clone(),
        };
        let claims = serde_json::to_vec(&claims).expect("numbers and a text serialise");
        let signed = URL_SAFE_NO_PAD.encode(claims);
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.hmac(), signed.as_bytes()));
        Secret::new(format!("{signed}.{signature}"))
    }

    /// The session in a cookie that came with the certificate `serial`.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn open(
        &self,
        value: &str,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<PanelSession, PanelSessionError> {
        let claims = self.verified(value).ok_or(PanelSessionError::Forged)?;
        let at = Timestamp::from_unix_seconds;
        let session = PanelSession {
            began: at(claims.iat),
            expires: at(claims.exp),
            last_active: at(claims.last_activity),
            serial: claims.cert_serial,
        };
        if session.serial != *serial {
            return Err(PanelSessionError::OtherCertificate);
        }
        SessionPolicy::default().check(session.began, session.last_active, now)?;
        if now >= session.expires || session.expires > session.began.plus(SESSION_ABSOLUTE) {
            return Err(SessionEnd::Absolute.into());
        }
        Ok(session)
    }

    /// The claims of a value whose signature is ours, compared in constant time.
    fn verified(&self, value: &str) -> Option<Claims> {
        if value.len() > MAX_PANEL_COOKIE_CHARACTERS {
            return None;
        }
        let (signed, signature) = value.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.hmac(), signed.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed).ok()?).ok()
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.0)
    }
}

impl std::fmt::Debug for PanelSessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PanelSessionKey(…)")
    }
}
