//! Signing visitors in and out.

use std::net::IpAddr;

use portlama_model::{Hostname, Secret};

use crate::{
    Control, FirstFactor, HandoverCode, ReturnTarget, SessionToken, SignInError, SsoState,
};

impl Control {
    /// Checks name and password. Known and unknown names cost and answer alike.
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
        let _ = (sso, username, password, from);
        std::future::ready(Err(SignInError::Unavailable)).await
    }

    /// Checks the one-time code of the user whose password was right.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn second_factor(
        &self,
        sso: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<SessionToken, SignInError> {
        let _ = (sso, code, from);
        std::future::ready(Err(SignInError::Unavailable)).await
    }

    /// How far the sign-in of a browser has come.
    #[must_use]
    pub fn sso_state(&self, sso: Option<&str>) -> SsoState {
        let _ = sso;
        SsoState::Anonymous
    }

    /// Makes the code that carries a finished sign-in to a host.
    ///
    /// # Errors
    /// [`SignInError::FirstFactorRequired`] without a finished sign-in; [`SignInError::Wrong`]
    /// when the host is not a protected host any more.
    pub fn handover(
        &self,
        sso: &str,
        target: &ReturnTarget,
        nonce: &str,
    ) -> Result<HandoverCode, SignInError> {
        let _ = (sso, target, nonce);
        Err(SignInError::Unavailable)
    }

    /// Exchanges a code for a session on the host it was made for.
    pub async fn redeem(&self, code: &str, host: &Hostname, nonce: &str) -> Option<SessionToken> {
        let _ = (code, host, nonce);
        std::future::ready(None).await
    }

    /// Ends a sign-in and every host session that came from it.
    pub async fn sign_out(&self, sso: &str) {
        let _ = sso;
        std::future::ready(()).await;
    }

    /// Signs out everywhere from one host: ends the sign-in above the host's session, too.
    pub async fn sign_out_host(&self, host: &Hostname, token: &str) {
        let _ = (host, token);
        std::future::ready(()).await;
    }

    /// Reads where a visitor wants to return to: only https, only a host that is served and
    /// enabled, only our port.
    #[must_use]
    pub fn return_target(&self, url: &str) -> Option<ReturnTarget> {
        let _ = url;
        None
    }
}
