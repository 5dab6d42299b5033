//! Invitations: the right to become a user once, carried in a link.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use portlama_access::Identity;
use portlama_auth::{Network, TokenHash, TotpSeed};
use portlama_model::{
    DisplayName, Email, Group, Invitation, InvitationToken, Secret, State, Timestamp, User,
    Username,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::change::{Change, Forbids, audit_row, blocking, not_done};
use crate::operations::still_may;
use crate::operations::users::{parse_password, user_exists};
use crate::passwords::PoolFull;
use crate::random::octets;
use crate::rate::Count;
use crate::return_target::origin;
use crate::{Control, OperationError, Refusal};

/// The most invitations that are kept, whatever became of them: a list that a person can read.
pub const MAX_INVITATIONS: usize = 1000;

/// An invitation without its token.
#[derive(Debug, Clone)]
pub struct InvitationView {
    /// The record; its hash is not for showing.
    pub invitation: Invitation,
    /// What became of it by now.
    pub status: InvitationStatus,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    /// It can be accepted.
    Pending,
    /// Somebody became the user.
    Accepted,
    /// Its time is over.
    Expired,
}

/// Whom to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The user to be.
    pub username: Username,
    /// Where to reach them.
    pub email: Email,
    /// Their groups.
    pub groups: Vec<Group>,
    /// How long the invitation holds.
    pub lifetime: Duration,
}

/// An invitation that was made. The link is shown once.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The record.
    pub invitation: Invitation,
    /// What the link ends in.
    pub token: InvitationToken,
    /// `https://auth.<domain>/invite/<token>`; absent without a domain.
    pub url: Option<Secret>,
}

/// What a guest may know before they accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvitation {
    /// The user to be.
    pub username: Username,
    /// Where they were invited.
    pub email: Email,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// A guest who became a user.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The new user.
    pub username: Username,
    /// Where they sign in; absent without a domain.
    pub login_url: Option<String>,
    /// The `otpauth:` address of their one-time codes, shown once.
    pub totp_uri: Secret,
}

impl Control {
    /// All invitations, in the order they were made.
    #[must_use]
    pub fn invitations(&self) -> Vec<InvitationView> {
        let now = self.core.live.now();
        let state = self.core.state.load();
        let view = |invitation: &Invitation| InvitationView {
            invitation: invitation.clone(),
            status: status(invitation, now),
        };
        state.invitations.iter().map(view).collect()
    }

    /// Counts a request for an invitation, before it is looked at: guessing tokens is slowed
    /// per address, wherever they are tried.
    #[must_use]
    pub fn count_invitation_try(&self, from: IpAddr) -> Count {
        let mut tries = self.core.invitation_tries.lock();
        tries.count(from.into(), Instant::now())
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// When the user exists, or an open invitation for them does.
    pub async fn invite(
        &self,
        by: &Identity,
        new: NewInvitation,
    ) -> Result<Invited, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let now = core.live.now();
        may_be_invited(&state, &new.username, now)?;
        let token = InvitationToken::from_random(octets());
        let invitation = Invitation {
            id: Uuid::new_v4(),
            token_hash: hash_of(&token),
            username: new.username,
            email: new.email,
            groups: new.groups,
            created_at: now,
            expires_at: now.plus(new.lifetime),
            used: false,
            accepted_at: None,
            extra: serde_json::Map::new(),
        };
        let mut next = State::clone(&state);
        next.invitations.push(invitation.clone());
        let audit = audit_row(
            now,
            by.audit_name(),
            "invitation.create",
            &invitation.username,
            None,
            Some(described(&invitation)),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        let url = self
            .portal_origin()
            .map(|portal| Secret::new(format!("{portal}/invite/{}", token.expose())));
        Ok(Invited {
            invitation,
            token,
            url,
        })
    }

    /// Removes an invitation, whatever became of it. One that is open is void at once.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn withdraw_invitation(&self, by: &Identity, id: Uuid) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let found = state.invitations.iter().find(|known| known.id == id);
        let invitation = found.ok_or(NO_INVITATION)?;
        let mut next = State::clone(&state);
        next.invitations.retain(|known| known.id != id);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "invitation.delete",
            &invitation.username,
            Some(described(invitation)),
            None,
        );
        let forbids = Forbids {
            at_once: true,
            ..Forbids::default()
        };
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await
    }

    /// What an invitation is for. Looking changes nothing, so that programs which follow links
    /// use nothing up.
    ///
    /// # Errors
    /// When the token is none, unknown, used, or its time is over.
    pub fn look_at_invitation(&self, token: &str) -> Result<OpenInvitation, OperationError> {
        let token = parse_token(token)?;
        let state = self.core.state.load();
        let invitation = open_invitation(&state, &token, self.core.live.now())?;
        Ok(OpenInvitation {
            username: invitation.username.clone(),
            email: invitation.email.clone(),
            expires_at: invitation.expires_at,
        })
    }

    /// Makes the user of an invitation, with the password of their choice and a one-time-code
    /// seed. User and used invitation become durable together; of several that try at once,
    /// one succeeds.
    ///
    /// # Errors
    /// As [`look_at_invitation`](Self::look_at_invitation); when the password breaks its rule;
    /// when the user was made meanwhile in another way.
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: &Secret,
        from: IpAddr,
    ) -> Result<Accepted, OperationError> {
        let token = parse_token(token)?;
        let password = parse_password(password)?;
        let core = &self.core;
        let still_open = |state: &State, now| -> Result<Invitation, OperationError> {
            let invitation = open_invitation(state, &token, now)?;
            user_is_free(state, &invitation.username)?;
            Ok(invitation.clone())
        };
        still_open(&core.state.load(), core.live.now())?;
        let turn = core.passwords.queue_from(Network::from(from));
        let turn = turn.map_err(|PoolFull| OperationError::Busy)?;
        let hash = core.passwords.hash(&turn, password).await;

        let writer = core.writer().await;
        let state = core.state.load_full();
        let now = core.live.now();
        let invitation = still_open(&state, now)?;
        let username = invitation.username.clone();
        let seed = TotpSeed::from_random(octets());
        let totp_uri = seed.uri(&username);
        let (runtime, name) = (core.store.runtime().clone(), username.clone());
        // Before the user exists, the seed opens nothing; without it, the user could never
        // sign in.
        blocking(move || runtime.totp().set(&name, &seed.to_base32()))
            .await
            .map_err(not_done)?;
        let user = User {
            displayname: displayname_of(&username)?,
            email: invitation.email.clone(),
            password: hash.expose().clone(),
            groups: invitation.groups.clone(),
            disabled: false,
            extra: serde_json::Map::new(),
        };
        let mut next = State::clone(&state);
        next.users.users.insert(username.clone(), user);
        for known in next.invitations.iter_mut() {
            if known.id == invitation.id {
                known.used = true;
                known.accepted_at = Some(now);
            }
        }
        let audit = audit_row(
            now,
            format!("user:{username}"),
            "invitation.accept",
            &username,
            None,
            Some(json!({ "email": invitation.email, "groups": invitation.groups })),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        Ok(Accepted {
            login_url: self.portal_origin().map(|portal| portal + "/"),
            username,
            totp_uri,
        })
    }

    fn portal_origin(&self) -> Option<String> {
        let state = self.core.state.load();
        let domain = state.panel.domain.as_ref()?;
        Some(origin(&domain.auth(), self.core.settings.https_port))
    }
}

const NO_INVITATION: OperationError = OperationError::NotFound { what: "Invitation" };

fn parse_token(token: &str) -> Result<InvitationToken, OperationError> {
    token.parse().map_err(|error: portlama_model::ParseError| {
        OperationError::invalid("token", error.to_string())
    })
}

/// The one with this token, while it can be accepted.
fn open_invitation<'a>(
    state: &'a State,
    token: &InvitationToken,
    now: Timestamp,
) -> Result<&'a Invitation, OperationError> {
    // Hashes of random tokens are compared: how long that takes tells nothing of a token.
    let hash = hash_of(token);
    let found = state.invitations.iter().find(|i| i.token_hash == hash);
    let invitation = found.ok_or(NO_INVITATION)?;
    match status(invitation, now) {
        InvitationStatus::Pending => Ok(invitation),
        InvitationStatus::Accepted => Err(gone("this invitation was used already")),
        InvitationStatus::Expired => Err(gone(
            "this invitation has expired: ask whoever sent it for a new one",
        )),
    }
}

fn hash_of(token: &InvitationToken) -> String {
    hex::encode(TokenHash::of(token.expose().as_bytes()).as_bytes())
}

fn gone(message: &str) -> OperationError {
    OperationError::Gone {
        message: message.to_owned(),
    }
}

fn status(invitation: &Invitation, now: Timestamp) -> InvitationStatus {
    if invitation.used {
        InvitationStatus::Accepted
    } else if invitation.expires_at <= now {
        InvitationStatus::Expired
    } else {
        InvitationStatus::Pending
    }
}

fn may_be_invited(
    state: &State,
    username: &Username,
    now: Timestamp,
) -> Result<(), OperationError> {
    user_is_free(state, username)?;
    let mut known = state.invitations.iter();
    let is_open = |i: &Invitation| status(i, now) == InvitationStatus::Pending;
    if known.any(|i| i.username == *username && is_open(i)) {
        return Err(OperationError::Conflict {
            message: format!("an open invitation for `{username}` exists already"),
        });
    }
    if state.invitations.len() >= MAX_INVITATIONS {
        return Err(Refusal::TooManyInvitations.into());
    }
    Ok(())
}

fn user_is_free(state: &State, username: &Username) -> Result<(), OperationError> {
    match state.users.users.contains_key(username) {
        true => Err(user_exists(username)),
        false => Ok(()),
    }
}

fn displayname_of(username: &Username) -> Result<DisplayName, OperationError> {
    username
        .as_str()
        .parse()
        .map_err(|error: portlama_model::ParseError| {
            OperationError::invalid("username", error.to_string())
        })
}

/// An invitation as the audit shows it: nothing of the token.
fn described(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "email": invitation.email,
        "groups": invitation.groups,
        "expiresAt": invitation.expires_at,
        "used": invitation.used,
    })
}
