//! `/api/users`.

use portlama_model::{DisplayName, Email, Group, Secret, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fields, FromBody, formats};

/// A person who may sign in to apps. Never with a hash or a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The name to sign in with.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// The name shown.
    #[schema(value_type = formats::DisplayName)]
    pub displayname: DisplayName,
    /// Where to reach them.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// Told to apps as `Remote-Groups`.
    #[schema(value_type = Vec<formats::Group>)]
    pub groups: Vec<Group>,
}

/// `GET /api/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// By user name.
    pub users: Vec<User>,
}

/// The user who was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserAnswer {
    /// `true`.
    pub ok: bool,
    /// As they are afterwards.
    pub user: User,
}

/// `POST /api/users`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewUser {
    /// The name to sign in with.
    #[schema(value_type = formats::Username)]
    pub username: Username,
    /// The name shown.
    #[schema(value_type = formats::DisplayName)]
    pub displayname: DisplayName,
    /// Where to reach them.
    #[schema(value_type = formats::Email)]
    pub email: Email,
    /// 8 characters to 72 bytes.
    #[schema(value_type = formats::Password)]
    pub password: Secret,
    /// Told to apps as `Remote-Groups`.
    #[schema(value_type = Vec<formats::Group>, max_items = 1000, required = false, default = json!([]))]
    pub groups: Vec<Group>,
}

impl FromBody for NewUser {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let username = fields.required("username");
        let displayname = fields.required("displayname");
        let email = fields.required("email");
        let password = fields.required("password");
        let groups = fields.optional("groups").unwrap_or_default();
        Some(Self {
            username: username?,
            displayname: displayname?,
            email: email?,
            password: password?,
            groups,
        })
    }
}

/// `PUT /api/users/{username}`: at least one member.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(min_properties = 1)]
pub struct UserChange {
    /// The name shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::DisplayName, required = false)]
    pub displayname: Option<DisplayName>,
    /// Where to reach them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::Email, required = false)]
    pub email: Option<Email>,
    /// 8 characters to 72 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::Password, required = false)]
    pub password: Option<Secret>,
    /// Replaces the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<formats::Group>, max_items = 1000, required = false)]
    pub groups: Option<Vec<Group>>,
}

impl FromBody for UserChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.require_one_of(&["displayname", "email", "password", "groups"]);
        Some(Self {
            displayname: fields.optional("displayname"),
            email: fields.optional("email"),
            password: fields.optional("password"),
            groups: fields.optional("groups"),
        })
    }
}

/// `POST /api/users/{username}/reset-totp`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpReset {
    /// `true`.
    pub ok: bool,
    /// What an authenticator app takes, once shown: `otpauth://totp/Portlama:…`.
    #[schema(value_type = formats::TotpUri)]
    pub totp_uri: Secret,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Issue, PathSegment};

    #[test]
    fn a_wrong_item_of_a_list_is_named_by_its_place() {
        let body = json!({ "groups": ["staff", "a,b", 7] });
        let issues = UserChange::from_body(&body).expect_err("refused");
        let paths: Vec<_> = issues.into_iter().map(|issue| issue.path).collect();
        let at = |i| vec![PathSegment::Member("groups".into()), PathSegment::Index(i)];
        assert_eq!(paths, [at(1), at(2)]);
    }

    #[test]
    fn a_new_user_needs_all_but_groups() {
        let issues = NewUser::from_body(&json!({})).expect_err("refused");
        let texts: Vec<_> = issues.iter().map(Issue::to_string).collect();
        assert_eq!(
            texts,
            [
                "username is required",
                "displayname is required",
                "email is required",
                "password is required"
            ]
        );
    }

    #[test]
    fn bodies_that_are_no_object_are_refused_whole() {
        for body in [json!([]), json!("x"), json!(null), json!(1)] {
            let issues = NewUser::from_body(&body).expect_err("refused");
            assert_eq!(issues.len(), 1);
            assert!(issues.iter().all(|issue| issue.path.is_empty()));
        }
    }

    #[test]
    fn a_password_does_not_print() {
        let body = json!({ "password": "correct horse" });
        let change = UserChange::from_body(&body).expect("valid");
        assert!(!format!("{change:?}").contains("correct horse"));
    }
}
