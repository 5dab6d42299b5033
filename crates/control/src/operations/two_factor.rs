//! Two-factor sign-in of the admin to the panel.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portlama_access::Identity;
use portlama_auth::{Network, PanelSession, PanelSessionKey, TotpCode, TotpSeed, VerifiedTotp};
use portlama_model::{PanelTwoFactor, Secret, State};
use portlama_state::TokenHash;

use crate::change::{Change, audit_row, blocking, not_done};
use crate::control::Core;
use crate::operations::still_may;
use crate::random::octets;
use crate::security::SecurityEvent;
use crate::writer::WriterGuard;
use crate::{Control, OperationError, Refusal, Step};

/// What the admin's browser keeps: a cookie and how long it lives.
#[derive(Debug, Clone)]
pub struct PanelCookie {
    /// The value.
    pub value: Secret,
    /// The longest time it is good for.
    pub max_age: Duration,
}

/// How far two-factor sign-in has been set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoFactorState {
    /// Whether a code is asked for.
    pub enabled: bool,
    /// Whether the seed was confirmed with a code.
    pub setup_complete: bool,
}

/// A new seed, shown once.
#[derive(Debug, Clone)]
pub struct TwoFactorSeed {
    /// `otpauth://…`, the content of the QR code.
    pub uri: Secret,
    /// The seed as people type it, base32.
    pub manual_key: Secret,
}

impl Control {
    /// How far two-factor sign-in has been set up.
    #[must_use]
    pub fn two_factor(&self) -> TwoFactorState {
        let state = self.core.state.load();
        TwoFactorState {
            enabled: state.panel.panel_2fa.enabled,
            setup_complete: state.panel.panel_2fa.setup_complete,
        }
    }

    /// Makes a seed that waits for its confirmation, in place of an earlier one that waited.
    ///
    /// # Errors
    /// When there is no domain, or two-factor sign-in is on.
    pub async fn set_up_two_factor(&self, by: &Identity) -> Result<TwoFactorSeed, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        if state.panel.domain.is_none() {
            return Err(Refusal::TwoFactorNeedsDomain.into());
        }
        must_be_off(&state)?;
        let seed = TotpSeed::from_random(octets());
        let mut next = State::clone(&state);
        next.panel.panel_2fa = PanelTwoFactor {
            enabled: false,
            secret: Some(seed.to_base32()),
            setup_complete: false,
        };
        core.change_two_factor(writer, next, by, "two_factor.set_up")
            .await?;
        Ok(TwoFactorSeed {
            uri: seed.panel_uri(),
            manual_key: seed.to_base32(),
        })
    }

    /// Turns two-factor sign-in on, for whoever has a right code of the seed that waits, and
    /// signs them in. `code` is what was typed, if it was a text.
    ///
    /// # Errors
    /// When it is on, no seed waits, or the code is not accepted.
    pub async fn confirm_two_factor(
        &self,
        by: &Identity,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<PanelCookie, OperationError> {
        let core = &self.core;
        let judged = core.state.load_full();
        must_be_off(&judged)?;
        let waiting = judged.panel.panel_2fa.secret.as_ref();
        let waiting = waiting.ok_or(Refusal::TwoFactorNotSetUp)?;
        let proof = core.accept_panel_code(waiting, code, from).await?;

        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        must_be_off(&state)?;
        if !has_same_seed(&state, &judged) {
            return Err(Refusal::TwoFactorNotSetUp.into());
        }
        let mut next = State::clone(&state);
        next.panel.panel_2fa.enabled = true;
        next.panel.panel_2fa.setup_complete = true;
        let key = session_key(&mut next);
        core.change_two_factor(writer, next, by, "two_factor.enable")
            .await?;
        Ok(core.sign_in_admin(&key, proof, by))
    }

    /// Signs the admin in with a code. `code` is what was typed, if it was a text.
    ///
    /// # Errors
    /// When two-factor sign-in is off, or the code is not accepted.
    pub async fn verify_two_factor(
        &self,
        by: &Identity,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<PanelCookie, OperationError> {
        let core = &self.core;
        let state = core.state.load_full();
        let proof = core.accept_present_code(&state, code, from).await?;
        let stored = state.panel.session_secret.as_ref();
        let key = match stored.and_then(|text| PanelSessionKey::from_hex(text).ok()) {
            Some(key) => key,
            None => core.make_session_key(by).await?,
        };
        Ok(core.sign_in_admin(&key, proof, by))
    }

    /// Turns two-factor sign-in off and ends every session. `code` is what was typed, if it was
    /// a text.
    ///
    /// # Errors
    /// When it is off, or the code is not accepted.
    pub async fn disable_two_factor(
        &self,
        by: &Identity,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let judged = core.state.load_full();
        core.accept_present_code(&judged, code, from).await?;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        must_be_on(&state)?;
        if !has_same_seed(&state, &judged) {
            return Err(OperationError::WrongCode);
        }
        let mut next = State::clone(&state);
        next.panel.panel_2fa = PanelTwoFactor::default();
        next.panel.session_secret = None;
        core.change_two_factor(writer, next, by, "two_factor.disable")
            .await
    }
}

impl Core {
    async fn accept_present_code(
        self: &Arc<Self>,
        state: &State,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<VerifiedTotp, OperationError> {
        must_be_on(state)?;
        let damaged = || OperationError::Failed {
            step: Step::State,
            source: "two-factor sign-in is on without a seed: run `portlama server reset-admin` \
                     on the server"
                .into(),
        };
        let seed = state.panel.panel_2fa.secret.as_ref();
        self.accept_panel_code(seed.ok_or_else(damaged)?, code, from)
            .await
    }

    /// Judges a code and marks its step as used, durably, before anything rests on it.
    async fn accept_panel_code(
        self: &Arc<Self>,
        stored: &Secret,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<VerifiedTotp, OperationError> {
        let proof = self.judge_panel_code(stored, code, from)?;
        let (core, seed, step) = (
            self.clone(),
            TokenHash::of(stored.expose().as_bytes()),
            proof.step(),
        );
        let accept = move || core.store.runtime().panel_codes().accept_step(&seed, step);
        if blocking(accept).await.map_err(not_done)? {
            return Ok(proof);
        }
        tracing::warn!("a one-time code for the panel was used twice");
        let security = self.live.security();
        security.refused(SecurityEvent::WrongPanelCode, from);
        self.code_tries.lock().wrong(from.into(), self.live.now());
        Err(OperationError::WrongCode)
    }

    /// One code at a time, so that parallel tries cannot outrun the limit.
    fn judge_panel_code(
        &self,
        stored: &Secret,
        code: Option<&Secret>,
        from: IpAddr,
    ) -> Result<VerifiedTotp, OperationError> {
        let (network, now) = (Network::from(from), self.live.now());
        let mut tries = self.code_tries.lock();
        tries.admit(network, now).map_err(|ban| {
            self.live.security().refused(SecurityEvent::HeldUp, network);
            OperationError::TooManyCodes {
                retry_after: ban.retry_after,
            }
        })?;
        let code = code.and_then(|text| text.expose().parse::<TotpCode>().ok());
        let code = code.ok_or(Refusal::CodeFormat)?;
        let seed = TotpSeed::from_base32(stored).map_err(|error| OperationError::Failed {
            step: Step::State,
            source: error.into(),
        })?;
        // Whether the step was used before is the database's to say.
        seed.verify(&code, None, now).map_err(|_| {
            tracing::info!("a one-time code for the panel was wrong");
            let security = self.live.security();
            security.refused(SecurityEvent::WrongPanelCode, network);
            tries.wrong(network, now);
            OperationError::WrongCode
        })
    }

    /// An adopted state may ask for codes and have no key yet.
    async fn make_session_key(
        self: &Arc<Self>,
        by: &Identity,
    ) -> Result<PanelSessionKey, OperationError> {
        let writer = self.writer().await;
        let state = self.state.load_full();
        still_may(&state, by, None)?;
        must_be_on(&state)?;
        let mut next = State::clone(&state);
        let key = session_key(&mut next);
        self.change_two_factor(writer, next, by, "two_factor.make_key")
            .await?;
        Ok(key)
    }

    fn sign_in_admin(
        &self,
        key: &PanelSessionKey,
        proof: VerifiedTotp,
        by: &Identity,
    ) -> PanelCookie {
        let now = self.live.now();
        let session = PanelSession::begin(proof, by.serial().clone(), now);
        PanelCookie {
            value: key.seal(&session),
            max_age: session.remaining(now),
        }
    }

    async fn change_two_factor(
        self: &Arc<Self>,
        writer: WriterGuard,
        next: State,
        by: &Identity,
        action: &str,
    ) -> Result<(), OperationError> {
        let audit = audit_row(
            self.live.now(),
            by.audit_name(),
            action,
            "panel",
            None,
            None,
        );
        self.apply(writer, Change::new(next, audit)).await
    }
}

/// The key of panel sessions, made at first need.
fn session_key(state: &mut State) -> PanelSessionKey {
    let stored = state.panel.session_secret.as_ref();
    if let Some(key) = stored.and_then(|text| PanelSessionKey::from_hex(text).ok()) {
        return key;
    }
    let key = PanelSessionKey::from_random(octets());
    state.panel.session_secret = Some(key.to_hex());
    key
}

/// Whether a code that was judged by one state counts in another.
fn has_same_seed(state: &State, judged: &State) -> bool {
    let seed = |of: &State| of.panel.panel_2fa.secret.clone();
    match (seed(state), seed(judged)) {
        (Some(present), Some(then)) => present.expose() == then.expose(),
        _ => false,
    }
}

fn must_be_off(state: &State) -> Result<(), OperationError> {
    match state.panel.panel_2fa.enabled {
        false => Ok(()),
        true => Err(OperationError::Conflict {
            message: "two-factor sign-in to the panel is on already".to_owned(),
        }),
    }
}

fn must_be_on(state: &State) -> Result<(), OperationError> {
    match state.panel.panel_2fa.enabled {
        true => Ok(()),
        false => Err(Refusal::TwoFactorOff.into()),
    }
}
