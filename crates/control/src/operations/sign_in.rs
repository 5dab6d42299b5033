//! Signing visitors in and out.
//!
//! To the outside a wrong password, a name that does not exist, a closed account and a ban
//! are one and the same; inside, each is logged as what it is, without names.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portlama_access::Visitor;
use portlama_auth::{
    Attempt, LockoutKey, PasswordHash, SESSION_ABSOLUTE, SessionLevel, SessionToken as Token,
    TotpCode, TotpSeed, VerifiedPassword,
};
use portlama_model::{AccessMode, HostService, Hostname, Secret, SiteAccess, State, Username};

use crate::change::{Change, audit_row, blocking};
use crate::control::Core;
use crate::passwords::{PoolFull, Turn};
use crate::random::octets;
use crate::return_target;
use crate::security::SecurityEvent;
use crate::sessions::{NewSignIn, SignIn};
use crate::{
    Control, FirstFactor, HandoverCode, ReturnTarget, SessionId, SessionToken, SignInError,
    SsoState,
};

/// How long a right password waits for its code.
pub const FIRST_FACTOR_LIFETIME: Duration = Duration::from_secs(10 * 60);

impl Control {
    /// Checks name and password. Known and unknown names cost and answer alike. A sign-in
    /// that the browser had ends, whatever its level.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn first_factor(
        &self,
        sso: Option<&str>,
        username: &str,
        password: Secret,
        from: IpAddr,
    ) -> Result<FirstFactor, SignInError> {
        let old = sso.and_then(|token| self.core.live.sessions().sign_in(token));
        let (core, username) = (self.core.clone(), username.to_owned());
        let work = async move { core.check_password(old, &username, password, from).await };
        to_the_end(work).await
    }

    /// Checks the one-time code of the user whose password was right. The session gets a new
    /// token.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn second_factor(
        &self,
        sso: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<SessionToken, SignInError> {
        let sign_in = self
            .core
            .live
            .sessions()
            .sign_in(sso)
            .ok_or(SignInError::FirstFactorRequired)?;
        // A text that is no code proves nothing and costs nothing.
        let code: TotpCode = code.parse().map_err(|_| SignInError::Wrong)?;
        let core = self.core.clone();
        to_the_end(async move { core.check_code(sign_in, code, from).await }).await
    }

    /// How far the sign-in of a browser has come.
    #[must_use]
    pub fn sso_state(&self, sso: Option<&str>) -> SsoState {
        match sso.and_then(|token| self.core.live.sessions().sign_in(token)) {
            None => SsoState::Anonymous,
            Some(SignIn { level, visitor, .. }) => match level {
                SessionLevel::FirstFactor => SsoState::FirstFactor {
                    username: visitor.username.clone(),
                },
                SessionLevel::TwoFactor => SsoState::TwoFactor {
                    username: visitor.username.clone(),
                    displayname: visitor.displayname.clone(),
                },
            },
        }
    }

    /// Whom a finished sign-in stands for.
    #[must_use]
    pub fn signed_in(&self, sso: Option<&str>) -> Option<Arc<Visitor>> {
        let found = self.core.live.sessions().sign_in(sso?)?;
        (found.level == SessionLevel::TwoFactor).then_some(found.visitor)
    }

    /// Makes the code that carries a finished sign-in to a host. `nonce` is the base64url
    /// SHA-256 of the value of the nonce cookie at the host.
    ///
    /// # Errors
    /// [`SignInError::FirstFactorRequired`] without a finished sign-in, [`SignInError::Wrong`]
    /// when the host is not a protected host or the nonce is none.
    pub fn handover(
        &self,
        sso: &str,
        target: &ReturnTarget,
        nonce: &str,
    ) -> Result<HandoverCode, SignInError> {
        let live = &self.core.live;
        let sign_in = live
            .sessions()
            .sign_in(sso)
            .filter(|found| found.level == SessionLevel::TwoFactor);
        let session = sign_in.ok_or(SignInError::FirstFactorRequired)?.session;
        if !self.core.is_protected(target.host()) {
            return Err(SignInError::Wrong);
        }
        let code = self
            .core
            .handovers
            .issue(target.host().clone(), nonce, session, live.now());
        code.ok_or(SignInError::Wrong)
    }

    /// Exchanges a code for a session on the host it was made for. `nonce` is the value of the
    /// cookie at the host.
    pub async fn redeem(&self, code: &str, host: &Hostname, nonce: &str) -> Option<SessionToken> {
        let core = self.core.clone();
        let above = core.handovers.redeem(code, host, nonce, core.live.now())?;
        core.live.sessions().is_signed_in(&above)?;
        if !core.is_protected(host) {
            return None;
        }
        let (token, host) = (Token::from_random(octets()), host.clone());
        let made = token.clone();
        match blocking(move || core.live.sessions().begin_host(above, host, &made)).await {
            Ok(true) => Some(SessionToken::new(token.expose())),
            Ok(false) => None,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a session could not be written down"
                );
                None
            }
        }
    }

    /// Ends a sign-in and every host session that came from it. It is over in memory at once;
    /// what cannot be written down is tried again.
    pub async fn sign_out(&self, sso: &str) {
        if let Some(found) = self.core.live.sessions().sign_in(sso) {
            self.core.end(found.session).await;
        }
    }

    /// Signs out everywhere from one host: ends the sign-in above the host's session, too.
    pub async fn sign_out_host(&self, host: &Hostname, token: &str) {
        if let Some(above) = self.core.live.sessions().above(host, token) {
            self.core.end(above).await;
        }
    }

    /// Reads where a visitor wants to return to: only https, only a host that is served and
    /// enabled, only our port.
    #[must_use]
    pub fn return_target(&self, url: &str) -> Option<ReturnTarget> {
        return_target::parse(
            url,
            &self.core.live.desired(),
            self.core.settings.https_port,
        )
    }
}

impl Core {
    async fn check_password(
        self: Arc<Self>,
        old: Option<SignIn>,
        typed: &str,
        password: Secret,
        from: IpAddr,
    ) -> Result<FirstFactor, SignInError> {
        let attempt = self.attempt(typed, from).await?;
        let Ok(turn) = self.passwords.queue_from(from.into()) else {
            return Err(self.undecided(attempt, SignInError::Busy));
        };
        let endings = self.live.sessions().endings(typed);
        let account = account_of(&self.state.load(), typed);
        let Ok(verified) = self.passwords.verify(&turn, account, password).await else {
            let why = "the name or the password was wrong";
            return Err(self.wrong(attempt, SecurityEvent::WrongPassword, why).await);
        };
        let token = Token::from_random(octets());
        let new = NewSignIn {
            old: old.map(|found| found.session),
            username: verified.username().clone(),
            level: SessionLevel::FirstFactor,
            expires: self.live.now().plus(FIRST_FACTOR_LIFETIME),
            endings,
        };
        if let Err(error) = self.begin(&token, new).await {
            return Err(self.undecided(attempt, error));
        }
        self.lockouts.succeed(attempt, self.live.now());
        self.replace_old_hash(verified, turn);
        Ok(FirstFactor {
            sso_token: SessionToken::new(token.expose()),
        })
    }

    async fn check_code(
        self: Arc<Self>,
        sign_in: SignIn,
        code: TotpCode,
        from: IpAddr,
    ) -> Result<SessionToken, SignInError> {
        let username = sign_in.visitor.username.clone();
        let attempt = self.attempt(username.as_str(), from).await?;
        let endings = self.live.sessions().endings(username.as_str());
        match self.accept_code(&username, code).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                return Err(self.wrong(attempt, SecurityEvent::WrongCode, why).await);
            }
            Err(error) => return Err(self.undecided(attempt, error)),
        }
        let token = Token::from_random(octets());
        let new = NewSignIn {
            old: Some(sign_in.session),
            username,
            level: SessionLevel::TwoFactor,
            expires: self.live.now().plus(SESSION_ABSOLUTE),
            endings,
        };
        if let Err(error) = self.begin(&token, new).await {
            return Err(self.undecided(attempt, error));
        }
        self.lockouts.succeed(attempt, self.live.now());
        Ok(SessionToken::new(token.expose()))
    }

    /// Begins a try, after the pause that the account has earned.
    async fn attempt(&self, name: &str, from: IpAddr) -> Result<Attempt, SignInError> {
        let begun = self
            .lockouts
            .begin(LockoutKey::new(name, from), self.live.now());
        let attempt = begun.map_err(|refusal| {
            self.live.security().refused(SecurityEvent::HeldUp, from);
            tracing::info!(
                retry_after_s = refusal.retry_after.as_secs(),
                "a sign-in was refused: too many wrong tries"
            );
            SignInError::Banned
        })?;
        match self.passwords.wait(attempt.delay()).await {
            Ok(()) => Ok(attempt),
            Err(PoolFull) => Err(self.undecided(attempt, SignInError::Busy)),
        }
    }

    /// The try was not judged, so it does not count.
    fn undecided(&self, attempt: Attempt, error: SignInError) -> SignInError {
        self.lockouts.succeed(attempt, self.live.now());
        error
    }

    async fn wrong(
        self: &Arc<Self>,
        attempt: Attempt,
        event: SecurityEvent,
        why: &'static str,
    ) -> SignInError {
        tracing::info!(reason = why, "a sign-in was refused");
        let from = attempt.key().network();
        self.live.security().refused(event, from);
        let core = self.clone();
        blocking(move || core.lockouts.fail(attempt, core.live.now())).await;
        SignInError::Wrong
    }

    /// Checks a code and marks its step as used, durably, before anything rests on it.
    async fn accept_code(
        self: &Arc<Self>,
        username: &Username,
        code: TotpCode,
    ) -> Result<Result<(), &'static str>, SignInError> {
        let (core, username) = (self.clone(), username.clone());
        let judged = blocking(move || {
            let totp = core.store.runtime().totp();
            let Some(stored) = totp.get(&username)? else {
                return Ok(Err("the user has no one-time code: reset it in the panel"));
            };
            let Ok(seed) = TotpSeed::from_base32(&stored.seed) else {
                return Ok(Err("the stored seed is damaged: reset it in the panel"));
            };
            match seed.verify(&code, stored.last_step, core.live.now()) {
                Err(_) => Ok(Err("the code was wrong or used before")),
                Ok(proof) => match totp.accept_step(&username, proof.step())? {
                    true => Ok(Ok(())),
                    false => Ok(Err("the code was used before")),
                },
            }
        });
        judged.await.map_err(unavailable)
    }

    async fn begin(self: &Arc<Self>, token: &Token, new: NewSignIn) -> Result<(), SignInError> {
        let (core, token, replaces) = (self.clone(), token.clone(), new.old.is_some());
        let too_late = match new.level {
            // The account was changed while its password was being checked: try again.
            SessionLevel::FirstFactor => SignInError::Busy,
            SessionLevel::TwoFactor => SignInError::FirstFactorRequired,
        };
        let begun = blocking(move || core.live.sessions().begin_sign_in(&token, new));
        let session = begun.await.map_err(unavailable)?;
        if replaces {
            self.live.deny();
        }
        session.map(drop).ok_or(too_late)
    }

    async fn end(self: &Arc<Self>, session: SessionId) {
        self.live.sessions().end(&session);
        self.live.deny();
        self.flush_sessions().await;
    }

    /// A host that shows itself to signed-in visitors: an app that is switched on, or a site.
    fn is_protected(&self, host: &Hostname) -> bool {
        let desired = self.live.desired();
        match desired.hosts.get(host) {
            Some(HostService::App(route)) => {
                route.enabled && route.access == AccessMode::Authenticated
            }
            Some(HostService::Site(route)) => route.access != SiteAccess::Public,
            _ => false,
        }
    }

    /// Replaces an adopted hash by ours, in the background: the visitor does not wait for it,
    /// and a failure only means that it is tried at the next sign-in.
    fn replace_old_hash(self: &Arc<Self>, verified: VerifiedPassword, turn: Turn) {
        let Some(password) = verified.upgrade().cloned() else {
            return;
        };
        let (core, username) = (self.clone(), verified.username().clone());
        let before = core
            .state
            .load()
            .users
            .users
            .get(&username)
            .map(|user| user.password.clone());
        tokio::spawn(async move {
            let hash = core.passwords.hash(&turn, password).await;
            let writer = core.writer().await;
            let state = core.state.load_full();
            let mut next = State::clone(&state);
            let Some(user) = next.users.users.get_mut(&username) else {
                return;
            };
            if Some(user.password.expose()) != before.as_ref().map(Secret::expose) {
                return;
            }
            user.password = hash.expose().clone();
            let audit = audit_row(
                core.live.now(),
                "local".to_owned(),
                "user.rehash",
                &username,
                None,
                None,
            );
            if let Err(error) = core.apply(writer, Change::new(next, audit)).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an adopted password hash could not be replaced yet"
                );
            }
        });
    }
}

/// The open account of this name with a hash that can be checked.
fn account_of(state: &State, typed: &str) -> Option<(Username, PasswordHash)> {
    let username: Username = typed.parse().ok()?;
    let user = state
        .users
        .users
        .get(&username)
        .filter(|user| !user.disabled)?;
    match PasswordHash::parse(&user.password) {
        Ok(hash) => Some((username, hash)),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a stored password hash cannot be checked"
            );
            None
        }
    }
}

/// Runs a sign-in to its end, also when the visitor goes away: a wrong try counts.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let task = tokio::spawn(work).await;
    task.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn unavailable(error: portlama_state::StateError) -> SignInError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "sign-in is not available"
    );
    SignInError::Unavailable
}
