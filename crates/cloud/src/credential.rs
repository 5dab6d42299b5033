//! What lies in the credential store, under the names that other programs know.

use std::sync::Arc;

use portlama_credentials::{CredentialError, CredentialName, CredentialStore};
use portlama_model::Secret;
use uuid::Uuid;

use crate::token::{Token, TokenError};

/// The service of the token.
pub const TOKEN_SERVICE: &str = "com.portlama.cloud";
/// Its account.
pub const TOKEN_ACCOUNT: &str = "digitalocean";
/// The service of the passwords of admins' files; the account is the server's id.
pub const SERVER_SERVICE: &str = "com.portlama.server";

/// The secrets of this room in whichever store there is. A store may wait for a person, so each
/// call goes to a thread of its own.
#[derive(Clone)]
pub struct Credentials(Arc<dyn CredentialStore>);

impl Credentials {
    /// Those in this store.
    #[must_use]
    pub fn new(store: Arc<dyn CredentialStore>) -> Self {
        Self(store)
    }

    /// The token, if one is kept. One that is none any more is an error of its own.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn token(&self) -> Result<Option<Result<Token, TokenError>>, CredentialError> {
        let text = self.ask(|store| store.read(&token())).await?;
        Ok(text.map(|text| Token::parse(text.expose())))
    }

    /// Keeps a token: only one that was found to fit.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn keep_token(&self, new: &Token) -> Result<(), CredentialError> {
        let secret = new.secret().clone();
        self.ask(move |store| store.write(&token(), &secret)).await
    }

    /// Forgets the token.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn forget_token(&self) -> Result<(), CredentialError> {
        self.ask(|store| store.remove(&token())).await
    }

    /// The password of a server's admin file.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn password(&self, id: Uuid) -> Result<Option<Secret>, CredentialError> {
        self.ask(move |store| store.read(&server(id))).await
    }

    /// Keeps the password of a server's admin file.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn keep_password(&self, id: Uuid, password: &Secret) -> Result<(), CredentialError> {
        let password = password.clone();
        self.ask(move |store| store.write(&server(id), &password))
            .await
    }

    /// Forgets the password of a server's admin file.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn forget_password(&self, id: Uuid) -> Result<(), CredentialError> {
        self.ask(move |store| store.remove(&server(id))).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn CredentialStore) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let store = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || ask(&*store)).await {
            Ok(answer) => answer,
            Err(error) => Err(CredentialError::Unavailable(error.into())),
        }
    }
}

fn token() -> CredentialName {
    CredentialName::new(TOKEN_SERVICE, TOKEN_ACCOUNT)
}

fn server(id: Uuid) -> CredentialName {
    CredentialName::new(SERVER_SERVICE, id.to_string())
}
