//! `/api/invitations` and `/api/invite`.

use portlama_model::{Email, Group, Secret, Timestamp, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Fields, FromBody, formats};

/// The longest life of an invitation, days.
pub const MAX_INVITATION_DAYS: u8 = 30;
/// The life of an invitation when nothing else is said, days.
pub const DEFAULT_INVITATION_DAYS: u8 = 7;

/// An invitation. The token is never listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// The user to be.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// Where to reach them.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// Their groups.
    #[schema(value_type = Vec<formats::Group>)]
    pub groups: Vec<Group>,
    /// When it was made.
    #[schema(value_type = formats::Time)]
    pub created_at: Timestamp,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
    /// Whether somebody became the user.
    pub used: bool,
    /// When.
    #[schema(value_type = Option<formats::Time>)]
    pub accepted_at: Option<Timestamp>,
    /// What became of it.
    pub status: InvitationStatus,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvitationStatus {
    /// It can be accepted.
    Pending,
    /// Somebody became the user.
    Accepted,
    /// Its time is over.
    Expired,
}

/// `GET /api/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationList {
    /// In the order they were made.
    pub invitations: Vec<Invitation>,
}

/// `POST /api/invitations`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// The user to be.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// Where to reach them.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// Their groups.
    #[schema(value_type = Vec<formats::Group>, max_items = 1000, required = false, default = json!([]))]
    pub groups: Vec<Group>,
    /// How long it holds, days.
    #[schema(minimum = 1, maximum = 30, required = false, default = 7)]
    pub expires_in_days: u8,
}

impl FromBody for NewInvitation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let username = fields.required("username");
        let email = fields.required("email");
        let groups = fields.optional("groups").unwrap_or_default();
        let days: Option<u64> = fields.optional("expiresInDays");
        let days = days.unwrap_or(DEFAULT_INVITATION_DAYS.into());
        let expires_in_days = u8::try_from(days).unwrap_or(u8::MAX);
        if !(1..=MAX_INVITATION_DAYS).contains(&expires_in_days) {
            fields.issue(
                "expiresInDays",
                format!("must be 1 to {MAX_INVITATION_DAYS}"),
            );
        }
        Some(Self {
            username: username?,
            email: email?,
            groups,
            expires_in_days,
        })
    }
}

/// What a new invitation is, without what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationMade {
    /// Its id.
    pub id: Uuid,
    /// The user to be.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// Where to reach them.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// Their groups.
    #[schema(value_type = Vec<formats::Group>)]
    pub groups: Vec<Group>,
    /// When it was made.
    #[schema(value_type = formats::Time)]
    pub created_at: Timestamp,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

/// A new invitation with its link, shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationAnswer {
    /// `true`.
    pub ok: bool,
    /// The record.
    pub invitation: InvitationMade,
    /// What the guest opens; absent without a domain.
    #[schema(value_type = Option<String>, pattern = "^https://", example = "https://auth.lab.example.org/invite/4b1d…")]
    pub invite_url: Option<Secret>,
    /// What the link ends in: 64 hexadecimal digits.
    #[schema(value_type = formats::Token64)]
    pub token: Secret,
}

/// `GET /api/invite/{token}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenInvitation {
    /// The user to be.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// Where they were invited.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// Until when it can be accepted.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

/// `POST /api/invite/{token}/accept`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AcceptInvitation {
    /// 8 characters to 72 bytes.
    #[schema(value_type = formats::Password)]
    pub password: Secret,
}

impl FromBody for AcceptInvitation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            password: fields.required("password")?,
        })
    }
}

/// A guest who became a user. The seed is shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationAccepted {
    /// `true`.
    pub ok: bool,
    /// The new user.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// Where they sign in; absent without a domain.
    pub login_url: Option<String>,
    /// The `otpauth:` address for their authenticator app.
    #[schema(value_type = Option<formats::TotpUri>)]
    pub totp_uri: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_invitation_holds_1_to_30_days_and_7_by_default() {
        let read = |days: Option<serde_json::Value>| {
            let mut body = json!({ "username": "mira", "email": "mira@example.net" });
            if let Some(days) = days {
                body["expiresInDays"] = days;
            }
            NewInvitation::from_body(&body).map(|new| new.expires_in_days)
        };
        assert_eq!(read(None), Ok(7));
        assert_eq!(read(Some(json!(1))), Ok(1));
        assert_eq!(read(Some(json!(30))), Ok(30));
        for wrong in [
            json!(0),
            json!(31),
            json!(-1),
            json!("7"),
            json!(1.5),
            json!(9e9),
            json!(null),
        ] {
            let issues = read(Some(wrong.clone())).expect_err("refused");
            assert_eq!(issues.len(), 1, "{wrong}: {issues:?}");
        }
    }
}
