//! Users: the people who may sign in to apps.

use portlama_access::Identity;
use portlama_auth::{Password, PasswordHash, TotpSeed};
use portlama_model::{DisplayName, Email, Group, Secret, State, User, Username};
use serde_json::{Value, json};

use crate::change::{Change, Forbids, audit_row, blocking, not_done};
use crate::operations::still_may;
use crate::passwords::PoolFull;
use crate::random::octets;
use crate::{Control, Issue, OperationError, Refusal};

/// A user without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// The name they sign in with.
    pub username: Username,
    /// The name shown.
    pub displayname: DisplayName,
    /// Their address.
    pub email: Email,
    /// Their groups.
    pub groups: Vec<Group>,
    /// Whether the account is closed.
    pub disabled: bool,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name they sign in with.
    pub username: Username,
    /// The name shown.
    pub displayname: DisplayName,
    /// Their address.
    pub email: Email,
    /// Their password, 8 characters to 72 octets.
    pub password: Secret,
    /// Their groups.
    pub groups: Vec<Group>,
}

/// What changes of a user; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The name shown.
    pub displayname: Option<DisplayName>,
    /// Their address.
    pub email: Option<Email>,
    /// A new password; ends their sessions.
    pub password: Option<Secret>,
    /// Their groups.
    pub groups: Option<Vec<Group>>,
}

impl UserChange {
    fn is_empty(&self) -> bool {
        self.displayname.is_none()
            && self.email.is_none()
            && self.password.is_none()
            && self.groups.is_none()
    }
}

impl Control {
    /// All users, by name.
    #[must_use]
    pub fn users(&self) -> Vec<UserView> {
        let state = self.core.state.load();
        state
            .users
            .users
            .iter()
            .map(|(name, user)| view(name, user))
            .collect()
    }

    /// Makes a user, who can sign in once they have a one-time code.
    ///
    /// # Errors
    /// When the password breaks its rule or the user exists.
    pub async fn create_user(
        &self,
        by: &Identity,
        new: NewUser,
    ) -> Result<UserView, OperationError> {
        let core = &self.core;
        let password = parse_password(&new.password)?;
        let taken = |state: &State| match state.users.users.contains_key(&new.username) {
            true => Err(user_exists(&new.username)),
            false => Ok(()),
        };
        taken(&core.state.load())?;
        let hash = self.hash(password).await?;

        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        taken(&state)?;
        // A code of an earlier user of this name must not open the new one's account.
        let (runtime, name) = (core.store.runtime().clone(), new.username.clone());
        blocking(move || runtime.totp().remove(&name))
            .await
            .map_err(not_done)?;
        let user = User {
            displayname: new.displayname,
            email: new.email,
            password: hash.expose().clone(),
            groups: new.groups,
            disabled: false,
            extra: serde_json::Map::new(),
        };
        let made = view(&new.username, &user);
        let mut next = State::clone(&state);
        next.users.users.insert(new.username, user);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "user.create",
            &made.username,
            None,
            Some(described(&made)),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        Ok(made)
    }

    /// Changes a user. A new password signs them out everywhere.
    ///
    /// # Errors
    /// When nothing changes, the password breaks its rule, or there is no such user.
    pub async fn update_user(
        &self,
        by: &Identity,
        username: &Username,
        change: UserChange,
    ) -> Result<UserView, OperationError> {
        let core = &self.core;
        if change.is_empty() {
            let message =
                "must hold at least one of displayname, email, password, groups".to_owned();
            return Err(OperationError::Invalid(vec![Issue {
                path: vec![],
                message,
            }]));
        }
        let password = change.password.as_ref().map(parse_password).transpose()?;
        core.state.load().users.users.get(username).ok_or(NO_USER)?;
        let hash = match password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };

        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let before = state.users.users.get(username).ok_or(NO_USER)?;
        let mut after = before.clone();
        after.displayname = change.displayname.unwrap_or(after.displayname);
        after.email = change.email.unwrap_or(after.email);
        after.groups = change.groups.unwrap_or(after.groups);
        if let Some(hash) = &hash {
            after.password = hash.expose().clone();
        }
        let forbids = Forbids {
            // A group that is taken away may have been a right.
            at_once: hash.is_some()
                || before
                    .groups
                    .iter()
                    .any(|group| !after.groups.contains(group)),
            user: hash.as_ref().map(|_| username.clone()),
            agent: None,
        };
        let (old, new) = (view(username, before), view(username, &after));
        let mut shown = described(&new);
        if hash.is_some() {
            shown["password"] = json!("changed");
        }
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "user.update",
            username,
            Some(described(&old)),
            Some(shown),
        );
        let mut next = State::clone(&state);
        next.users.users.insert(username.clone(), after);
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await?;
        Ok(new)
    }

    /// Deletes a user and ends their sessions.
    ///
    /// # Errors
    /// When there is no such user, or no other.
    pub async fn delete_user(
        &self,
        by: &Identity,
        username: &Username,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let user = state.users.users.get(username).ok_or(NO_USER)?;
        if state.users.users.len() == 1 {
            return Err(Refusal::LastUser.into());
        }
        let before = Some(described(&view(username, user)));
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "user.delete",
            username,
            before,
            None,
        );
        let mut next = State::clone(&state);
        next.users.users.remove(username);
        let forbids = Forbids {
            at_once: true,
            user: Some(username.clone()),
            agent: None,
        };
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await?;
        let (runtime, name) = (core.store.runtime().clone(), username.clone());
        if let Err(error) = blocking(move || runtime.totp().remove(&name)).await {
            // Whoever gets the name next gets a new seed in any case.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the seed of a deleted user could not be removed"
            );
        }
        Ok(())
    }

    /// Gives a user a new one-time-code seed and answers with its `otpauth:` address, shown
    /// once. The old seed is dead.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn reset_totp(
        &self,
        by: &Identity,
        username: &Username,
    ) -> Result<Secret, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        state.users.users.get(username).ok_or(NO_USER)?;
        let seed = TotpSeed::from_random(octets());
        let uri = seed.uri(username);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "user.reset_totp",
            username,
            None,
            None,
        );
        let (runtime, name) = (core.store.runtime().clone(), username.clone());
        blocking(move || {
            // Held to the end, also when the caller goes away.
            let _writer = writer;
            runtime.audit().append(&audit)?;
            runtime.totp().set(&name, &seed.to_base32())
        })
        .await
        .map_err(not_done)?;
        Ok(uri)
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, OperationError> {
        let passwords = &self.core.passwords;
        let turn = passwords.queue().map_err(|PoolFull| OperationError::Busy)?;
        Ok(passwords.hash(&turn, password).await)
    }
}

const NO_USER: OperationError = OperationError::NotFound { what: "User" };

pub(super) fn parse_password(password: &Secret) -> Result<Password, OperationError> {
    Password::parse(password)
        .map_err(|error| OperationError::invalid("password", error.to_string()))
}

pub(super) fn user_exists(username: &Username) -> OperationError {
    OperationError::Conflict {
        message: format!("user `{username}` exists already"),
    }
}

fn view(username: &Username, user: &User) -> UserView {
    UserView {
        username: username.clone(),
        displayname: user.displayname.clone(),
        email: user.email.clone(),
        groups: user.groups.clone(),
        disabled: user.disabled,
    }
}

/// A user as the audit shows them: nothing of the password.
fn described(user: &UserView) -> Value {
    json!({
        "displayname": user.displayname,
        "email": user.email,
        "groups": user.groups,
        "disabled": user.disabled,
    })
}
